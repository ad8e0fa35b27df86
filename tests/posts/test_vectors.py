"""Every entry of vectors.json, byte for byte, at the adapter and at the sandbox, which share no code."""

from collections.abc import Callable, Mapping

import pytest

from dispatch.approval.fields.identity import citizen_number, credit_code
from dispatch.approval.fields.text import WrongError
from dispatch.posts.ems import envelope as ems
from dispatch.posts.ems.booking import is_waybill_no
from dispatch.posts.gov_ems import des
from dispatch.posts.kdniao.signature import data_sign
from dispatch.posts.kuaidi100.signature import sign
from dispatch.posts.sf.envelope import digest
from sandbox.ems import envelope as sandbox_ems
from sandbox.gov_ems import sealed
from sandbox.kdniao import envelope as sandbox_kdniao
from sandbox.kuaidi100 import check as sandbox_kuaidi100
from sandbox.sf.digest import digest_of
from tests.posts.vectors import COPY, GIVEN, VECTORS, Sample

DIGITS = "0123456789"
CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def ems_envelope(sample: Sample) -> None:
    body, sk, out = sample["json"], sample["sk"], sample["out"]
    assert ems.wrap(body, sk) == sandbox_ems.seal(body + sk, sk) == out
    assert ems.unwrap(out, sk) == body
    assert sandbox_ems.unseal(out, sk) == body + sk


def sf_digests(sample: Sample) -> None:
    signed = (sample["msgData"], sample["timestamp"], sample["checkword"])
    for way in ("standard_md5", "simple_md5", "sm3"):
        assert digest(way, *signed) == digest_of(way, *signed) == sample[way]


def kdniao_signature(sample: Sample) -> None:
    for signed in (data_sign, sandbox_kdniao.data_sign):
        assert signed(sample["RequestData"], sample["AppKey"]) == sample["DataSign"]


def kuaidi100_signature(sample: Sample) -> None:
    for signed in (sign, sandbox_kuaidi100.signature):
        assert signed(sample["param"], sample["key"], sample["customer"]) == sample["sign"]


def cainiao_digest(sample: Sample) -> None:
    """No adapter speaks to Cainiao: its digest is SF's simple one, over other texts set end to end."""
    for signed in (digest, digest_of):
        assert signed("simple_md5", sample["logistics_interface"], "", sample["secretKey"]) == sample["data_digest"]


def yto_signature(sample: Sample) -> None:
    """No adapter speaks to YTO either, whose signature is made alike."""
    between = sample["method"] + sample["version"]
    for signed in (digest, digest_of):
        assert signed("simple_md5", sample["param"], between, sample["secret"]) == sample["sign"]


def gov_ems_cipher(sample: Sample) -> None:
    xml, key, told = sample["xml"], sample["key_and_iv"], sample["hex"]
    assert des.enciphered(xml, key) == sealed.seal(xml, key) == told
    assert des.deciphered(told, key) == sealed.unseal(told, key) == xml


def s10_numbers(sample: Sample) -> None:
    for number in sample.values():
        others = [number[:10] + digit + number[11:] for digit in DIGITS]
        assert [other for other in others if is_waybill_no(other)] == [number]


def citizen_numbers(sample: Sample) -> None:
    for number in sample.values():
        assert _accepted(citizen_number, number, DIGITS + "X") == [number]


def credit_codes(sample: Sample) -> None:
    for code in sample.values():
        assert _accepted(credit_code, code, CREDIT_CODE_CHARACTERS) == [code]


def _accepted(check: Callable[[str], str], number: str, last: str) -> list[str]:
    """What is accepted of this number with each other character at its end."""
    accepted = []
    for other in (number[:-1] + character for character in last):
        try:
            accepted.append(check(other))
        except WrongError:
            continue
    return accepted


ASSERTED: Mapping[str, Callable[[Sample], None]] = {
    "ems_official": ems_envelope,
    "sf_official": sf_digests,
    "kdniao_official": kdniao_signature,
    "kuaidi100_query": kuaidi100_signature,
    "cainiao": cainiao_digest,
    "yto": yto_signature,
    "gov_ems_des": gov_ems_cipher,
    "s10": s10_numbers,
    "ric_valid": citizen_numbers,
    "uscc_valid": credit_codes,
}


def test_no_entry_is_without_a_test() -> None:
    assert set(ASSERTED) == set(VECTORS)


@pytest.mark.parametrize("entry", ASSERTED)
def test_an_entry_is_met_byte_for_byte_and_nothing_in_it_is_passed_over(entry: str) -> None:
    sample = Sample(VECTORS[entry])
    assert sample
    ASSERTED[entry](sample)
    assert not sample.unread


@pytest.mark.skipif(not GIVEN.exists(), reason="no shared folder beside this checkout")
def test_the_copy_is_the_file_that_was_given() -> None:
    assert COPY.read_bytes() == GIVEN.read_bytes()
