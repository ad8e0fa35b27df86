"""The sandbox of the county-to-post interface, seen from its wire: every call goes through a real socket."""

import ast
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import GovEmsSettings, running
from sandbox.gov_ems.scenarios import DELIVERED, SCENARIOS
from sandbox.gov_ems.sealed import seal, unseal
from tests.posts.sandbox_steps import caller, until
from tests.posts.vectors import VECTORS

ROOT = Path(__file__).parents[2]
VECTOR = VECTORS["gov_ems_des"]
KEY = VECTOR["key_and_iv"]
CENTRE = "3200JT"
PATH = "/onlineGovEMS/services/CityToGovService"
NUMBERS = itertools.count(1)
Fields = dict[str, str]


def settings_for(storage: Path, **changes: Any) -> GovEmsSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "storage": storage,
        "des_key": KEY,
        "centre_code": CENTRE,
        "gap_seconds": 1.0,
        "lost_answer_seconds": 0.2,
        "number_after_seconds": 0.0,
    }
    return GovEmsSettings(**{**values, **changes})


def envelope(digits: str = "15", **changes: str) -> Fields:
    return {
        "EMS_ORD_NO": f"XF{next(NUMBERS):06d}",
        "MAIL_NUM": "",
        "POST_TYPE": "1",
        "NET_TYPE": "2",
        "BUSS_TYPE": "1",
        "SEND_NAME": "某县政务服务中心",
        "SEND_PROV": "江苏省",
        "SEND_CITY": "南京市",
        "SEND_COUNTRY": "某县",
        "SEND_STRECT": "某路1号",
        "SEND_PHONE": "0250000001",
        "RCV_NAME": "张三",
        "RCV_PROV": "江苏省",
        "RCV_CITY": "南京市",
        "RCV_COUNTRY": "某区",
        "RCV_STRECT": "某小区1幢101室",
        "RCV_PHONE": f"139000000{digits}",
        "ITEM": "许可证 <正本> & 副本",
        "CHK_CODE": "123456",
        "SENDTIME": "2026-11-23 09:00:00",
        "ZWFWZX_CODE": CENTRE,
        **changes,
    }


def elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())


def mail(fields: Mapping[str, str], *cases: str) -> str:
    applies = "".join(f"<ApplyInfo><INTERNAL_NO>{case}</INTERNAL_NO></ApplyInfo>" for case in cases or ("1",))
    post = f"<PostInfo>{elements(fields)}</PostInfo><ApplyInfos>{applies}</ApplyInfos>"
    return f"<RequestMessage>{post}</RequestMessage>"


def soap(operation: str, arg0: str) -> str:
    own = "http://service.cityToGovService.sparknet.com.cn/"
    call = f'<s:{operation} xmlns:s="{own}"><arg0>{arg0}</arg0></s:{operation}>'
    outer = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<soapenv:Envelope xmlns:soapenv="{outer}"><soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>'


class County:
    """A caller of one sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = caller(url)

    def send(self, body: str | bytes, content_type: str = "text/xml;charset=utf-8") -> httpx2.Response:
        content = body.encode() if isinstance(body, str) else body
        return self.http.post(PATH, content=content, headers={"Content-Type": content_type})

    def call(self, operation: str, message: str, key: str = KEY) -> ET.Element:
        response = self.send(soap(operation, seal(message, key)))
        assert response.status_code == 200
        returned = xml(response.content).find(".//return")
        assert returned is not None
        return xml(returned.text or "")

    def book(self, fields: Mapping[str, str], *cases: str) -> str:
        return code(self.call("CityToGovMail", mail(fields, *cases)))

    def ask(self, order_no: str) -> list[Fields]:
        asked = elements({"EMS_ORD_NO": order_no, "ZWFWZX_CODE": CENTRE})
        answer = self.call("CityGetGovLogis", f"<RequestMessage><LogisInfo>{asked}</LogisInfo></RequestMessage>")
        assert code(answer) == "0"
        return [{child.tag: child.text or "" for child in line} for line in answer.findall("LogisInfos/LogisInfo")]

    def letters(self, order_no: str) -> list[str]:
        return [line["STATUS"] for line in self.ask(order_no)]

    def collect(self, *numbers: str) -> dict[str, list[str]]:
        answer: dict[str, list[str]] = self.http.post("/counter/collect", json={"waybills": numbers}).json()
        return answer

    def spoil(self, *answers: str) -> None:
        assert self.http.post("/faults", json={"answers": answers, "pushes": []}).status_code == 200


def xml(told: str | bytes) -> ET.Element:
    return ET.fromstring(told)  # noqa: S314 - what this sandbox itself has said


def code(answer: ET.Element) -> str:
    return answer.findtext(".//RtnMsg/Rtn_Code") or ""


@contextmanager
def opened(storage: Path, **changes: Any) -> Iterator[County]:
    with running(settings_for(storage / "gov.sqlite3", **changes)) as post:
        county = County(post.url)
        with county.http:
            yield county


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    with opened(tmp_path_factory.mktemp("gov")) as there:
        yield there


LETTERS = {
    "01": ["A", "B", "D", "E", "C"],
    "11": ["A", "B", "D", "E", "D", "F"],
    "15": ["B"],
    "19": ["A", "B", "D", "Z", "E", "C"],
}


@dataclass(frozen=True)
class Begun:
    """Envelopes on their way, one that was not collected, and one at a post with other settings."""

    orders: dict[str, str]
    waiting: str
    elsewhere: County
    order_there: str


@pytest.fixture(scope="module", autouse=True)
def begun(county: County, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """Set out together, for a story lasts for seconds; they travel while the rest is tried."""
    with opened(tmp_path_factory.mktemp("else"), delivered_letter="G", statuses="latest") as elsewhere:
        orders = {digits: lodged(county, digits) for digits in LETTERS}
        travelling = Begun(orders, lodged(county, "01"), elsewhere, lodged(elsewhere, "01"))
        county.collect(*orders.values())
        elsewhere.collect(travelling.order_there)
        yield travelling


def lodged(county: County, digits: str) -> str:
    """The number of an order that the post has taken."""
    fields = envelope(digits)
    assert county.book(fields) == "0"
    return fields["EMS_ORD_NO"]


# --- the seal


def test_the_seal_is_as_published_byte_for_byte() -> None:
    assert seal(VECTOR["xml"], KEY) == VECTOR["hex"]
    assert unseal(VECTOR["hex"], KEY) == VECTOR["xml"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_sealed_opens_again(text: str) -> None:
    assert unseal(seal(text, "密钥12"), "密钥12") == text


@given(st.text(max_size=40) | st.binary(max_size=40).map(bytes.hex))
def test_whatever_does_not_open_is_said_so(arg0: str) -> None:
    try:
        unseal(arg0, KEY)
    except ValueError:
        return
    assert arg0 == arg0.lower()


# --- orders


def test_an_envelope_with_its_cases_is_stored_once(county: County) -> None:
    fields = envelope()
    assert county.book(fields, "3201002026000001", "3201002026000002") == "0"
    (line,) = county.ask(fields["EMS_ORD_NO"])
    assert (line["EMS_ORD_NO"], line["STATUS"]) == (fields["EMS_ORD_NO"], "")
    assert re.fullmatch(r"\d{13}", line["MAIL_NUM"])


@pytest.mark.parametrize("other", [{}, {"ITEM": "另一份"}], ids=["word for word", "other content"])
def test_a_repeated_order_number_is_repeated_data_whatever_it_holds(county: County, other: Fields) -> None:
    fields = envelope()
    assert county.book(fields) == "0"
    (before,) = county.ask(fields["EMS_ORD_NO"])
    assert county.book({**fields, **other}) == "5"
    assert county.ask(fields["EMS_ORD_NO"]) == [before]


def test_a_number_that_the_county_gives_is_kept_and_belongs_to_one_envelope(county: County) -> None:
    fields = envelope(MAIL_NUM="1100000000777")
    assert county.book(fields) == "0"
    assert county.ask(fields["EMS_ORD_NO"])[0]["MAIL_NUM"] == "1100000000777"
    assert county.book(envelope(MAIL_NUM="1100000000777")) == "1"


REFUSED = {
    "no order number": ({"EMS_ORD_NO": ""}, "2"),
    "no recipient": ({"RCV_NAME": " "}, "2"),
    "no telephone": ({"RCV_PHONE": ""}, "2"),
    "no street": ({"SEND_STRECT": ""}, "2"),
    "another centre": ({"ZWFWZX_CODE": "3300JT"}, "2"),
    "a type that is none": ({"NET_TYPE": "3"}, "2"),
    "an order number too long": ({"EMS_ORD_NO": "X" * 31}, "3"),
    "a street too long": ({"RCV_STRECT": "某" * 201}, "3"),
    "a telephone too long": ({"RCV_PHONE": "1" * 16}, "3"),
    "a code too long": ({"CHK_CODE": "1234567"}, "3"),
    "ISSEND that is none": ({"ISSEND": "是"}, "3"),
    "a time without seconds": ({"SENDTIME": "2026-11-23 09:00"}, "3"),
    "a day that is none": ({"SENDTIME": "2026-02-30 09:00:00"}, "3"),
}


@pytest.mark.parametrize(("changes", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_field_that_is_missing_or_too_long_is_named_and_nothing_is_stored(
    county: County, changes: Fields, expected: str
) -> None:
    fields = {**envelope(), **changes}
    answer = county.call("CityToGovMail", mail(fields))
    assert code(answer) == expected
    words = answer.findtext(".//Rtn_Msg") or ""
    assert next(iter(changes)) in words
    assert "某某" not in words
    assert county.book({**envelope(), "EMS_ORD_NO": fields["EMS_ORD_NO"] or "XFNEW"}) in {"0", "3"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("<RequestMessage/>", "2"),
        (mail(envelope()).replace("<INTERNAL_NO>1</INTERNAL_NO>", ""), "2"),
        (mail(envelope(), "9" * 51), "3"),
        (mail(envelope()).replace("<ITEM>", "<CHK_CODE>654321</CHK_CODE><ITEM>"), "3"),
        (mail(envelope()).replace("RequestMessage", "Request"), "3"),
        ("not XML", "3"),
        ('<!DOCTYPE r [<!ENTITY a "b">]><RequestMessage>&a;</RequestMessage>', "3"),
    ],
    ids=["empty", "no case", "a case number too long", "a field twice", "another root", "no XML", "entities"],
)
def test_a_message_that_is_none_gets_the_dictionarys_code(county: County, message: str, expected: str) -> None:
    assert code(county.call("CityToGovMail", message)) == expected


def test_another_key_opens_nothing(county: County) -> None:
    assert code(county.call("CityToGovMail", mail(envelope()), key="NOTOURS1")) == "3"


FAULTS = {
    "nothing": b"",
    "no XML": b"hello",
    "GBK": "<某/>".encode("gbk"),
    "no SOAP": b"<a/>",
    "no body": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>',
    "another operation": soap("CityToGovDelete", "00").encode(),
    "another namespace": soap("CityToGovMail", "00").replace("sparknet", "nobody").encode(),
    "a qualified argument": soap("CityToGovMail", "00").replace("arg0", "s:arg0").encode(),
    "a document type": b"<!DOCTYPE a>" + soap("CityToGovMail", "00").encode(),
}


@pytest.mark.parametrize("body", FAULTS.values(), ids=FAULTS)
def test_what_is_no_call_of_the_service_gets_a_soap_fault(county: County, body: bytes) -> None:
    response = county.send(body)
    assert response.status_code == 500
    assert xml(response.content).find(".//faultstring") is not None


def test_another_media_type_is_not_taken(county: County) -> None:
    assert county.send(soap("CityToGovMail", "00"), "application/json").status_code == 415


# --- what becomes of an envelope


def test_only_what_was_collected_ever_moves(county: County, begun: Begun) -> None:
    until(lambda: len(county.letters(begun.orders["01"])) > 1)  # a gap has passed since both were booked
    assert county.letters(begun.waiting) == [""]
    assert county.collect(begun.waiting)["collected"] == [begun.waiting]
    assert county.collect(begun.waiting)["already"] == [begun.waiting]
    assert county.letters(begun.waiting) == ["A"]


def test_the_last_two_digits_choose_the_story(county: County, begun: Begun) -> None:
    for digits, number in begun.orders.items():
        letters = LETTERS[digits]
        until(lambda number=number, letters=letters: len(county.letters(number)) >= len(letters))
        assert county.letters(number) == letters
    last = county.ask(begun.orders["11"])
    assert last[-1]["STS_INFO"] == "寄件人已签收（退回）"
    assert "某县" in last[-1]["STS_DESC"]
    times = [line["STS_TIME"] for line in last]
    assert times == sorted(set(times))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told) for told in times)


def test_the_letter_and_the_latest_only_are_settings(begun: Begun) -> None:
    until(lambda: begun.elsewhere.letters(begun.order_there) == ["G"])
    assert begun.elsewhere.ask(begun.order_there)[0]["STS_INFO"] == "收件人已签收"


def test_the_number_shows_after_a_while_or_when_the_postman_has_come(tmp_path: Path) -> None:
    with opened(tmp_path, number_after_seconds=1.0) as county:
        waiting = envelope()
        county.book(waiting)
        assert county.ask(waiting["EMS_ORD_NO"])[0]["MAIL_NUM"] == ""
        until(lambda: county.ask(waiting["EMS_ORD_NO"])[0]["MAIL_NUM"])
        taken = envelope()
        county.book(taken)
        county.collect(taken["EMS_ORD_NO"])
        assert county.ask(taken["EMS_ORD_NO"])[0]["MAIL_NUM"]


def test_an_unknown_envelope_is_nothing_to_tell_or_an_error_as_the_settings_say(tmp_path: Path) -> None:
    asked = elements({"EMS_ORD_NO": "XFNOBODY", "ZWFWZX_CODE": CENTRE})
    message = f"<RequestMessage><LogisInfo>{asked}</LogisInfo></RequestMessage>"
    for place, (unknown_order, expected) in enumerate((("empty", "0"), ("error", "4"))):
        with opened(tmp_path / str(place), unknown_order=unknown_order) as county:
            answer = county.call("CityGetGovLogis", message)
            assert (code(answer), answer.findall(".//LogisInfo")) == (expected, [])


# --- faults


def test_an_order_taken_without_an_answer_is_repeated_data_and_is_found(county: County) -> None:
    fields = envelope("17")
    with pytest.raises(httpx2.RemoteProtocolError):
        county.book(fields)
    assert county.book(fields) == "5"
    assert county.ask(fields["EMS_ORD_NO"])


def test_an_order_that_met_a_503_was_not_taken(county: County) -> None:
    fields = envelope("23")
    assert county.send(soap("CityToGovMail", seal(mail(fields), KEY))).status_code == 503
    assert county.ask(fields["EMS_ORD_NO"]) == []
    assert county.book(fields) == "0"


def test_the_engines_faults_strike_here_too(county: County) -> None:
    fields = envelope()
    county.spoil("throttled", "lost_before")
    body = soap("CityToGovMail", seal(mail(fields), KEY))
    assert county.send(body).status_code == 429
    with pytest.raises(httpx2.RemoteProtocolError):
        county.send(body)
    assert county.book(fields) == "0"


# --- the house


def test_the_books_hold_nobodys_name_telephone_or_street(tmp_path: Path) -> None:
    with opened(tmp_path) as county:
        county.book(envelope(RCV_NAME="蓝小雨", RCV_STRECT="团结西路8号"))
        books = county.http.get("/books").text
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + books.encode()
    for secret in ("蓝小雨", "团结西路", "13900000015", "许可证"):
        assert secret.encode() not in kept
        assert json.dumps(secret)[1:-1].encode() not in kept


def test_what_was_stored_is_there_after_a_new_start(tmp_path: Path) -> None:
    fields = envelope()
    with opened(tmp_path) as county:
        county.book(fields)
        before = county.ask(fields["EMS_ORD_NO"])
    with opened(tmp_path) as county:
        assert county.ask(fields["EMS_ORD_NO"]) == before
        assert county.book(fields) == "5"


@pytest.mark.parametrize(
    "changes",
    [
        {"des_key": "short"},
        {"des_key": "密钥密钥"},
        {"centre_code": ""},
        {"delivered_letter": ""},
        {"statuses": "none"},
        {"unknown_order": "none"},
        {"number_after_seconds": -1.0},
        {"push_url": "http://127.0.0.1:9/"},
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|required|empty"):
        settings_for(tmp_path, **changes)


def test_the_document_tells_every_story() -> None:
    text = (ROOT / "docs" / "sandbox-post-gov-ems.md").read_text(encoding="utf-8")
    for number, scenario in SCENARIOS.items():
        (row,) = re.findall(rf"^\| {number} \| {re.escape(scenario.title)} \| (.+) \|$", text, re.MULTILINE)
        if not scenario.first_call:
            told = row.replace("only ", "").replace("then `delivered_letter`", DELIVERED)
            assert told.split(", ") == [step.code for step in scenario.steps]


def test_it_shares_no_code_with_the_product() -> None:
    for path in (ROOT / "sandbox" / "gov_ems").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] in {"dispatch", "workers", "zhuandi"} for name in names)
