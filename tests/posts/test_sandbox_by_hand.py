"""The sandbox desk of the centre's own people, seen from its wire: every call goes through a real socket."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from stdnum import luhn

from sandbox import running
from sandbox.by_hand.scenarios import SCENARIOS, number_of
from sandbox.by_hand.signature import signature
from tests.posts.by_hand_desk import (
    KEY,
    WINDOW_SECONDS,
    Customer,
    Receiver,
    order,
    receiving,
    settings_for,
    signed,
    visiting,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Customer, Receiver]]:
    storage = tmp_path_factory.mktemp("desk") / "desk.sqlite3"
    with (
        receiving() as (receiver, url),
        running(settings_for(storage, url)) as post,
        visiting(post.url) as customer,
    ):
        yield customer, receiver


@pytest.fixture(scope="module")
def desk(opened: tuple[Customer, Receiver]) -> Customer:
    return opened[0]


@pytest.fixture(scope="module")
def door(opened: tuple[Customer, Receiver]) -> Receiver:
    return opened[1]


# --- signature, numbers, settings


def test_the_signature_is_as_specified_byte_for_byte() -> None:
    assert signature("key", 1763860000, b'{"operation":"trace"}') == (
        "1763860000:c8c801623949f39ebc0a12cf2c5a701be5e7d70c5ea82d13d65397b329346a17"
    )


@pytest.mark.parametrize("count", [0, 1, 9, 10, 123456789, 999999999])
def test_a_number_is_gb_nine_digits_and_a_luhn_digit(count: int) -> None:
    number = number_of(count)
    assert re.fullmatch(r"GB\d{10}", number)
    assert (luhn.is_valid(number[2:]), int(number[2:11])) == (True, count)


def test_the_first_number_is_the_one_that_can_be_reckoned_by_hand() -> None:
    assert number_of(1) == "GB0000000018"


@pytest.mark.parametrize("change", [{"key": ""}, {"push_url": ""}, {"repeat_order": "duplicate_error"}])
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"key|push_url|repeat_order"):
        settings_for(tmp_path / "x", **{"push_url": "http://127.0.0.1:1/", **change})


def test_settings_do_not_show_the_key(tmp_path: Path) -> None:
    assert KEY not in repr(settings_for(tmp_path / "x", "http://127.0.0.1:1/"))


def test_the_sandbox_shares_no_code_with_the_product() -> None:
    for file in (ROOT / "sandbox" / "by_hand").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not [name for name in froms + names if name.split(".")[0] in {"dispatch", "workers", "zhuandi"}]


def test_the_document_tells_every_story() -> None:
    text = (ROOT / "docs" / "sandbox-post-by-hand.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d\d) \| ([^|]+?) \|", text, re.MULTILINE))
    assert told == {number: scenario.title for number, scenario in SCENARIOS.items()}


# --- booking


def test_the_same_order_gets_the_same_answer_again(desk: Customer) -> None:
    body = order("01")
    number = desk.book(body)
    assert luhn.is_valid(number.removeprefix("GB"))
    assert desk.book(body) == number
    assert desk.book(order("01")) != number


def test_the_same_number_with_other_content_is_refused_and_changes_nothing(desk: Customer) -> None:
    body = order("01")
    number = desk.book(body)
    status, said = desk.call("book", **{**body, "contents": ["营业执照"]})
    assert (status, said["ok"], said["code"]) == (409, False, "other_content")
    assert desk.book(body) == number


@pytest.mark.parametrize(
    "change",
    [
        {"order_no": ""},
        {"order_no": 7},
        {"created_at": "2026-11-23T09:00:00Z"},
        {"sender": None},
        {"recipient": {"name": "蓝小雨"}},
        {"contents": []},
        {"contents": "许可证"},
        {"case_nos": None},
        {"way": None},
        {"way_of_delivery": " "},
    ],
)
def test_a_bad_field_is_named_and_nothing_is_booked(desk: Customer, change: dict[str, Any]) -> None:
    body = order("01") | change
    status, said = desk.call("book", **body)
    assert (status, said["ok"], said["code"]) == (422, False, "bad_field")
    assert next(iter(change)) in said["words"]
    assert "蓝小雨" not in said["words"]
    if body["order_no"] not in {"", 7}:
        assert desk.call("look_up", order_no=body["order_no"])[0] == 404


# --- who may speak


@pytest.mark.parametrize("path", ["book", "look-up", "cancel", "trace"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: "",
        lambda raw: "nonsense",
        lambda raw: signed(raw, "another key"),
        lambda raw: signed(raw + b" "),
        lambda raw: signed(raw, late=WINDOW_SECONDS + 5),
        lambda raw: signed(raw, late=-WINDOW_SECONDS - 5),
        lambda raw: signed(raw).upper(),
    ],
    ids=["none", "nonsense", "another key", "other bytes", "too late", "from the future", "capitals"],
)
def test_a_call_that_is_not_rightly_signed_is_turned_away(desk: Customer, path: str, spoil: Any) -> None:
    raw = json.dumps({"operation": path.replace("-", "_"), **order("01")}).encode()
    response = desk.send(path, raw, spoil(raw))
    assert (response.status_code, response.json()["code"]) == (401, "bad_signature")


def test_a_call_signed_a_while_ago_is_still_in_time(desk: Customer) -> None:
    raw = json.dumps({"operation": "book", **order("01")}).encode()
    assert desk.send("book", raw, signed(raw, late=WINDOW_SECONDS - 30)).status_code == 200


def test_a_body_signed_for_one_address_is_worth_nothing_at_another(desk: Customer) -> None:
    """Somebody who recorded a look-up must not be able to cancel with it."""
    body = order("01")
    number = desk.book(body)
    raw = json.dumps({"operation": "look_up", "order_no": body["order_no"], "number": number}).encode()
    assert desk.send("cancel", raw).status_code == 422
    assert desk.call("look_up", order_no=body["order_no"])[1]["cancelled"] is False


NO_CALLS = [b"", b"[]", b"{", b"\xff", b"[" * 60_000, b'{"operation": NaN}', b'{"order_no": "1"}']


@pytest.mark.parametrize("raw", NO_CALLS)
def test_a_signed_body_that_is_no_call_is_a_bad_field(desk: Customer, raw: bytes) -> None:
    response = desk.send("book", raw)
    assert (response.status_code, response.json()["code"]) == (422, "bad_field")


# --- looking up and cancelling


def test_an_order_is_found_by_its_own_number_and_none_is_invented(desk: Customer) -> None:
    body = order("01")
    number = desk.book(body)
    found = {"ok": True, "order_no": body["order_no"], "number": number, "cancelled": False}
    assert desk.call("look_up", order_no=body["order_no"]) == (200, found)
    status, said = desk.call("look_up", order_no="ZDNOBODY")
    assert (status, said["ok"], said["code"]) == (404, False, "no_such_order")


def test_an_order_is_cancelled_once_and_for_all(desk: Customer) -> None:
    body = order("01")
    number = desk.book(body)
    for _ in range(2):
        assert desk.call("cancel", order_no=body["order_no"], number=number) == (200, {"ok": True})
    assert desk.call("look_up", order_no=body["order_no"])[1]["cancelled"] is True
    status, said = desk.call("book", **body)
    assert (status, said["ok"], said["code"]) == (409, False, "cancelled")
    assert desk.collect(number)["cancelled"] == [number]
    assert desk.trace(number) == []


def test_what_somebody_has_taken_is_not_cancelled(desk: Customer) -> None:
    body = order("15")
    number = desk.book(body)
    desk.collect(number)
    status, said = desk.call("cancel", order_no=body["order_no"], number=number)
    assert (status, said["ok"], said["code"]) == (409, False, "already_taken")


def test_a_cancelling_that_names_nobodys_order_or_anothers_number_cancels_nothing(desk: Customer) -> None:
    body = order("01")
    number, other = desk.book(body), desk.book(order("01"))
    assert desk.call("cancel", order_no="ZDNOBODY", number=number)[1]["code"] == "no_such_order"
    assert desk.call("cancel", order_no=body["order_no"], number=other)[1]["code"] == "bad_field"
    assert desk.call("look_up", order_no=body["order_no"])[1]["cancelled"] is False


def test_nothing_yet_is_an_empty_trace_and_nobodys_number_is_none(desk: Customer) -> None:
    assert desk.trace(desk.book(order("01"))) == []
    status, said = desk.call("trace", number="GB9999999999")
    assert (status, said["ok"], said["code"]) == (404, False, "no_such_number")


# --- the first call spoiled


def test_an_order_that_was_taken_without_an_answer_is_found_by_a_look_up(desk: Customer) -> None:
    body = order("17")
    with pytest.raises(httpx2.RemoteProtocolError):
        desk.call("book", **body)
    number = desk.call("look_up", order_no=body["order_no"])[1]["number"]
    assert desk.book(body) == number


def test_an_order_that_met_a_503_was_not_taken(desk: Customer) -> None:
    body = order("23")
    raw = json.dumps({"operation": "book", **body}, ensure_ascii=False).encode()
    assert desk.send("book", raw).status_code == 503
    assert desk.call("look_up", order_no=body["order_no"])[0] == 404
    assert desk.book(body)
