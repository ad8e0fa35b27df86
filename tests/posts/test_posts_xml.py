"""XML without DTD and entities: hostile documents are refused, any text survives the round trip."""

import pytest
from hypothesis import given

from dispatch.posts.xml import branch, carriable, named, parse, written
from tests.posts.gov_ems_samples import BOMB, ELSEWHERE, OUTSIDE, awkward


@given(awkward, awkward)
def test_any_text_survives_the_xml_but_for_what_xml_cannot_carry(one, other):
    """A name with a bracket in it must not become an element, nor a vertical tab break the whole order."""
    root = branch("R", {"A": one, "B": other})
    read = parse(written(root))
    assert [(child.tag, child.text or "") for child in read] == [("A", carriable(one)), ("B", carriable(other))]


# XML on its own.


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, ELSEWHERE, "<!DOCTYPE r><r/>", "\ufeff\n<!DOCTYPE r [ ]><r/>"])
def test_a_document_with_a_dtd_is_refused_before_its_entities_are_read(text):
    with pytest.raises(ValueError, match="DTD"):
        parse(text)


@pytest.mark.parametrize("text", ["", "<r>", "<r>&x;</r>", "<r/><r/>", "<r>\x0b</r>", "<r>\ud800</r>", "r", "\x00"])
def test_what_is_no_document_is_a_value_error_and_nothing_else(text):
    with pytest.raises(ValueError, match="XML"):
        parse(text)


def test_the_word_doctype_inside_a_text_is_no_dtd():
    assert parse("<r><![CDATA[<!DOCTYPE r>]]></r>").text == "<!DOCTYPE r>"


@pytest.mark.parametrize("encoding", ["GBK", "UTF-16", "UTF-8"])
def test_a_declared_encoding_of_a_decoded_text_is_ignored(encoding):
    assert parse(f'<?xml version="1.0" encoding="{encoding}"?><r>政务</r>').text == "政务"


def test_a_document_nested_without_end_is_read_and_does_not_break_the_reader():
    deep = 100_000
    assert len(named(parse("<r>" * deep + "</r>" * deep), "r")) == deep
