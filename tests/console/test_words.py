"""Every word on the screen has its English, the catalogues agree, and no page holds a Chinese word of its own."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import nodes

from dispatch import audit, words, worklist
from dispatch.approval.hold_reason import HOLD_REASONS
from dispatch.console.guard import DOORS
from dispatch.console.language import LANGUAGES, WORDS, english
from dispatch.console.page import PAGES, _templates
from dispatch.queues.queue import QUEUE_WORDS
from dispatch.staff import sign_in
from dispatch.staff.role import ROLE_WORDS

CONSOLE = WORDS.parent
CHINESE = re.compile(r"[㐀-鿿]")
PLACEHOLDER = re.compile(r"%\(\w+\)s")
TEMPLATES = sorted(PAGES.glob("**/*.html"))
SCRIPTS = [path for path in sorted((CONSOLE / "assets").glob("*")) if path.suffix in {".js", ".css"}]
CALLS = {"_", "gettext"}
TABLES: Mapping[str, list[str]] = {
    "views": list(words.VIEWS.values()),
    "acts": list(words.ACTS.values()),
    "signers": list(words.SIGNERS.values()),
    "worklist": [told for one in worklist.WORDS.values() for told in (one.reason, one.act)],
    "queues": list(QUEUE_WORDS.values()),
    "roles": list(ROLE_WORDS.values()),
    "deeds": list(audit.DEEDS.values()),
    "doors": [title for _, title, _ in DOORS],
    "sign-in": [sign_in.WRONG],
    "holds": list(HOLD_REASONS),
    "hidden": ["（不显示）"],
}


def catalogues() -> dict[str, dict[str, str]]:
    found = {}
    for file in sorted(WORDS.glob("*.po")):
        with file.open("rb") as opened:
            found[file.name] = {str(one.id): str(one.string) for one in read_po(opened, locale="en") if one.id}
    return found


def in_templates() -> Iterator[tuple[str, str]]:
    for file in TEMPLATES:
        with file.open("rb") as opened:
            for _, message, _, _ in extract("jinja2.ext:babel_extract", opened, options={"encoding": "utf-8"}):
                for one in [message] if isinstance(message, str) else message:
                    yield file.name, str(one)


def in_scripts() -> Iterator[tuple[str, str]]:
    """Words that Python turns into the reader's language, and those of errors that a page tells."""
    for file in sorted(CONSOLE.glob("**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (_turns(node.func) or _raises(node.func)):
                for told in node.args:
                    if isinstance(told, ast.Constant) and CHINESE.search(str(told.value)):
                        yield file.name, str(told.value)


def _turns(called: ast.expr) -> bool:
    if isinstance(called, ast.Call):
        called = called.func
        return isinstance(called, ast.Name) and called.id == "gettext_in"
    return isinstance(called, ast.Name) and called.id in CALLS


def _raises(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and called.id.endswith("Error")


def test_every_word_of_every_template_has_its_english():
    missing = {(file, told) for file, told in in_templates() if CHINESE.search(told) and told not in english()}
    assert missing == set()


def test_every_word_that_python_tells_a_page_has_its_english():
    assert {(file, told) for file, told in in_scripts() if told not in english()} == set()


@pytest.mark.parametrize("table", TABLES)
def test_every_word_of_the_tables_has_its_english(table):
    assert [told for told in TABLES[table] if told not in english()] == []


def test_an_english_word_has_the_placeholders_of_the_chinese_one_and_no_chinese_in_it():
    for file, messages in catalogues().items():
        for told, turned in messages.items():
            assert sorted(PLACEHOLDER.findall(told)) == sorted(PLACEHOLDER.findall(turned)), (file, told)
            assert not CHINESE.search(turned), (file, told)
            assert turned.strip(), (file, told)


def test_no_two_catalogues_contradict_each_other():
    """Which of the two would be shown depends on the order of the files."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for messages in catalogues().values():
        for told, turned in messages.items():
            found[told].add(turned)
    assert {told: turned for told, turned in found.items() if len(turned) > 1} == {}


def test_no_catalogue_tells_the_same_word_twice():
    for file in sorted(WORDS.glob("*.po")):
        told = re.findall(r'^msgid "(.+)"$', file.read_text(), re.MULTILINE)
        assert sorted(told) == sorted(set(told)), file.name


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_chinese_stands_in_a_page_outside_of_what_is_turned(file):
    tree = _templates("en").parse(file.read_text())
    turned = {
        id(told)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {*CALLS, "ngettext"}
        for told in call.find_all(nodes.Const)
    }
    told = [one.data for one in tree.find_all(nodes.TemplateData)]
    told += [str(one.value) for one in tree.find_all(nodes.Const) if id(one) not in turned]
    assert [one for one in told if CHINESE.search(one)] == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_page_turns_by_its_words_only_what_is_written_in_it(file):
    """What a function says goes through `said`: as a page's own it would be markup, a per cent sign an error."""
    calls = _templates("en").parse(file.read_text()).find_all(nodes.Call)
    turns = [call for call in calls if isinstance(call.node, nodes.Name) and call.node.name in CALLS]
    assert [call for call in turns if not isinstance(call.args[0], nodes.Const)] == []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_script_and_no_style_holds_a_word_of_its_own(file: Path):
    assert CHINESE.findall(file.read_text()) == []


def test_the_languages_name_themselves():
    assert LANGUAGES == {"zh-CN": "中文", "en": "English"}
