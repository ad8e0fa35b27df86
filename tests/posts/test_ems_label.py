"""EMS's own label over real sockets: as Base64 of any encoder, or behind an address; busy is not refused."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dispatch.carrier import Answer, Call, InDoubt, NoAnswer, Refused
from dispatch.posts.ems.account import Ems
from dispatch.posts.line import open_line
from dispatch.wiring import now
from tests.answering import answering

NUMBER = "1100000000001"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 4


def said(body: object = "", code: str = "00000", words: str = "成功") -> bytes:
    return json.dumps({"retCode": code, "retMsg": words, "retBody": body}, ensure_ascii=False).encode()


@contextmanager
def post_with_files(account, body: str, file: tuple[int, bytes]) -> Iterator[Ems]:
    """A post that answers 010004 with `body` ({here} is its own address), and keeps one file."""

    def say(path: str, _: bytes) -> tuple[int, bytes]:
        if path == "/open":
            return 200, said(body.format(here=here[0]))
        return file if path == "/label.pdf?t=1" else (404, b"")

    here: list[str] = []
    with answering(say) as url:
        here.append(url)
        there = account.model_copy(update={"endpoint": f"{url}/open"})
        line = open_line(there)
        try:
            yield Ems(there, line, now)
        finally:
            line.client.close()


def fetched(ems: Ems) -> bytes:
    """As the service fetches it: each call is built anew from what was kept of it."""
    told: bytes | Call = ems.own_label(NUMBER)
    while isinstance(told, Call):
        told = ems.read_label(ems.speak(ems.again(told, told.kept)))
    return told


@pytest.mark.parametrize(
    "text", [base64.b64encode(PDF).decode(), base64.encodebytes(PDF).decode().replace("\n", "\r\n")]
)
def test_the_label_is_read_whether_its_encoder_breaks_lines_or_not(account, text):
    """Java's MIME encoder ends a line after 76 characters; taken for garbage no label would ever be printed."""
    with post_with_files(account, text, (200, PDF)) as ems:
        assert fetched(ems) == PDF


def test_a_label_behind_an_address_is_fetched_from_there(account):
    with post_with_files(account, "{here}/label.pdf?t=1", (200, PDF)) as ems:
        assert fetched(ems) == PDF


@pytest.mark.parametrize(
    "file", [(403, b"expired"), (404, b""), (500, b""), (302, b""), (200, b"<html>"), (200, b"")]
)
def test_an_address_without_a_label_behind_it_is_asked_for_again_and_blames_no_account(account, file):
    """401 and 403 may be the file's own: they must not put the whole account out of use."""
    with post_with_files(account, "{here}/label.pdf?t=1", file) as ems, pytest.raises(InDoubt):
        fetched(ems)


def at_ems(account, **changes: object) -> Ems:
    return Ems(account.model_copy(update=changes), None, now)


@pytest.mark.parametrize("url", ["http://files.example/1.pdf", "http://", "https://[broken", "HTTPS://"])
def test_an_address_less_safe_than_the_account_or_none_at_all_is_not_followed(account, url):
    secure = at_ems(account, endpoint="https://api.ems.com.cn/amp-prod-api/f/amp/api/open")
    with pytest.raises(InDoubt, match="面单地址"):
        secure.read_label(Answer(200, said(url)))
    assert secure.read_label(Answer(200, said("https://files.example/1.pdf"))).request.method == "GET"


def test_a_busy_post_is_asked_again_and_only_a_known_code_refuses(account):
    """Taken for a refusal «系统繁忙» would end the fetching for good, and the letter could never be printed."""
    busy = Answer(200, said(code="B9999", words="系统繁忙"))
    with pytest.raises(InDoubt, match="B9999 系统繁忙"):
        at_ems(account).read_label(busy)
    with pytest.raises(Refused, match="B9999 系统繁忙"):
        at_ems(account, refused_codes=("B9999",)).read_label(busy)


@pytest.mark.parametrize(
    "body", ["", None, {"a": 1}, "不是面单", "file:///etc/hostname", base64.b64encode(b"PNG").decode()]
)
def test_what_is_no_label_is_no_label(account, body):
    with pytest.raises(InDoubt, match="PDF"):
        at_ems(account).read_label(Answer(200, said(body)))


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_sick_gateway_is_no_answer(account, status):
    with pytest.raises(NoAnswer):
        at_ems(account).read_label(Answer(status, b""))
