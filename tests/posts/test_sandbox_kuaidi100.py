"""The sandbox Kuaidi100's doors, seen from its wire: every call goes through a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.kuaidi100.check import signature
from sandbox.kuaidi100.scenarios import SCENARIOS
from tests.posts.kuaidi100_customer import (
    CUSTOMER,
    EXPIRED_KEY,
    KEY,
    OLD_SALT,
    QUERY,
    Customer,
    opened,
    settings_for,
    sign,
)
from tests.posts.sandbox_steps import until
from tests.posts.sandbox_trackers import NAME, STREET, number, stories_told
from tests.posts.vectors import VECTORS

VECTOR = VECTORS["kuaidi100_query"]
ACCEPTED = {"result": True, "returnCode": "200", "message": "提交成功"}


@pytest.fixture(scope="module")
def kuaidi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with opened(tmp_path_factory.mktemp("kuaidi100") / "books.sqlite3") as (customer, _):
        yield customer


def refused(said: dict[str, Any]) -> str:
    """The code of a failure, which must look like one."""
    assert list(said) == ["result", "returnCode", "message"]
    assert said["result"] is False
    assert said["message"]
    return str(said["returnCode"])


# --- settings, signature, document


def test_the_vector_is_signed_as_reckoned() -> None:
    assert signature(VECTOR["param"], VECTOR["key"], VECTOR["customer"]) == VECTOR["sign"]


def test_the_vector_is_a_genuine_query_without_a_result(kuaidi: Customer) -> None:
    assert (VECTOR["key"], VECTOR["customer"]) == (KEY, CUSTOMER)
    assert refused(kuaidi.ask(VECTOR["param"], sign=VECTOR["sign"])) == "500"


@pytest.mark.parametrize(
    "change",
    [
        {"push_url": "http://127.0.0.1:1/"},
        {"customer": ""},
        {"key": ""},
        {"expired_key": KEY},
        {"companies": ()},
        {"phone_companies": ("nobody",)},
        {"corrected_company": "nobody"},
        {"min_seconds_between_queries": -1.0},
        {"min_seconds_between_queries": float("nan")},
        {"repeat_order": "duplicate_error"},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        settings_for(tmp_path / "x", **change)


def test_settings_do_not_show_keys_and_salts(tmp_path: Path) -> None:
    shown = repr(settings_for(tmp_path / "x"))
    assert not [secret for secret in (KEY, EXPIRED_KEY, OLD_SALT) if secret in shown]


def test_the_document_tells_every_story() -> None:
    assert stories_told("Kuaidi100") == {digits: scenario.title for digits, scenario in SCENARIOS.items()}


# --- queries


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sign": ""}, "400"),
        ({"param": ""}, "400"),
        ({"customer": ""}, "400"),
        ({"sign": "0" * 32}, "503"),
        ({"customer": "SOMEBODY"}, "503"),
    ],
)
def test_a_query_with_a_bad_envelope_is_refused(kuaidi: Customer, change: dict[str, str], code: str) -> None:
    assert refused(kuaidi.ask({"com": "ems", "num": number("01")}, **change)) == code


def test_a_signature_in_small_letters_is_wrong(kuaidi: Customer) -> None:
    param = json.dumps({"com": "ems", "num": number("01")})
    assert refused(kuaidi.ask(param, sign=sign(param, KEY, CUSTOMER).lower())) == "503"


def test_a_key_that_has_expired_is_told_apart_from_a_wrong_one(kuaidi: Customer) -> None:
    param = {"com": "ems", "num": number("01")}
    assert [refused(kuaidi.ask(param, key)) for key in (EXPIRED_KEY, "nobody's")] == ["601", "503"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"com": ""}, "400"),
        ({"com": "nobody"}, "400"),
        ({"num": ""}, "400"),
        ({"num": "11;00000000001"}, "400"),
        ({"num": 11}, "400"),
        ({"show": "2"}, "400"),
        ({"order": "up"}, "400"),
        ({"resultv2": "9"}, "400"),
        ({"com": "shunfeng"}, "408"),
        ({"com": "zhongtong", "phone": "x"}, "408"),
        ({"com": "shunfeng", "phone": "0001"}, "500"),
        ({}, "500"),
    ],
)
def test_a_query_is_refused_with_the_code_for_its_fault(kuaidi: Customer, change: dict[str, Any], code: str) -> None:
    assert refused(kuaidi.query(number("01"), **change)) == code


@pytest.mark.parametrize("text", ["[]", "{", "[" * 60_000, '{"num": NaN}'])
def test_a_param_that_is_no_query_is_incomplete(kuaidi: Customer, text: str) -> None:
    assert refused(kuaidi.ask(text)) == "400"


def test_a_body_that_is_no_form_is_incomplete(kuaidi: Customer) -> None:
    assert refused(kuaidi.http.post(QUERY, json={"param": "{}"}).json()) == "400"


def test_a_number_that_is_subscribed_to_but_not_collected_has_no_result(kuaidi: Customer) -> None:
    waybill_no = number("01")
    assert kuaidi.subscribe(waybill_no) == ACCEPTED
    assert refused(kuaidi.query(waybill_no)) == "500"


def test_the_same_number_asked_too_soon_gets_504_until_the_time_is_over(tmp_path: Path) -> None:
    with opened(tmp_path / "books", min_seconds_between_queries=0.5) as (customer, _):
        one, other = number("01"), number("01")
        assert [refused(customer.query(waybill_no)) for waybill_no in (one, one, other)] == ["500", "504", "500"]
        until(lambda: refused(customer.query(one)) == "500")


def test_throttled_is_504_for_a_query_and_429_for_a_subscription(kuaidi: Customer) -> None:
    kuaidi.spoil(answers=["throttled", "throttled"])
    assert refused(kuaidi.query(number("01"))) == "504"
    assert kuaidi.send("/poll", {"schema": "json"}).status_code == 429


# --- subscriptions


def test_a_subscription_is_accepted_once_and_then_repeated(kuaidi: Customer) -> None:
    waybill_no = number("15")
    assert kuaidi.subscribe(waybill_no) == ACCEPTED
    assert refused(kuaidi.subscribe(waybill_no)) == "501"
    assert kuaidi.entry(waybill_no)["subscribed"] is True


def test_another_company_for_the_same_number_is_no_repeat(kuaidi: Customer) -> None:
    waybill_no = number("15")
    assert [kuaidi.subscribe(waybill_no, company=company) for company in ("ems", "jd")] == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"company": "nobody"}, "700"),
        ({"company": ""}, "700"),
        ({"number": ""}, "700"),
        ({"parameters": {"callbackurl": ""}}, "700"),
        ({"parameters": {"callbackurl": "ftp://127.0.0.1/"}}, "700"),
        ({"parameters": {"resultv2": "x"}}, "700"),
        ({"parameters": {"salt": 7}}, "700"),
        ({"company": "shunfeng"}, "408"),
        ({"key": "nobody's"}, "601"),
        ({"key": ""}, "600"),
        ({"key": EXPIRED_KEY}, "601"),
    ],
)
def test_a_subscription_is_refused_with_the_code_for_its_fault(
    kuaidi: Customer, change: dict[str, Any], code: str
) -> None:
    waybill_no = number("15")
    assert refused(kuaidi.subscribe(waybill_no, **change)) == code
    assert kuaidi.subscribe(waybill_no) == ACCEPTED


@pytest.mark.parametrize(
    "form",
    [{}, {"schema": "json"}, {"schema": "xml", "param": "{}"}, {"schema": "json", "param": "[]"}],
)
def test_what_is_no_subscription_is_refused(kuaidi: Customer, form: dict[str, str]) -> None:
    assert refused(kuaidi.subscribe_by(form)) == "700"


def test_nobodys_name_street_or_telephone_comes_into_the_books(tmp_path: Path) -> None:
    places = {"from": NAME, "to": STREET, "phone": "13900004711"}
    with opened(tmp_path / "books.sqlite3") as (customer, _):
        waybill_no = number("15")
        said = customer.subscribe(waybill_no, company="shunfeng", **places, parameters=places)
        assert said == ACCEPTED
        assert refused(customer.query(waybill_no, com="shunfeng", **places)) == "500"
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert waybill_no.encode() in kept
    assert not [word for word in (NAME, STREET, "4711") if word.encode() in kept]
