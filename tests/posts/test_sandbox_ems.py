"""What EMS can be asked beside orders and traces: cancelling, labels, range; and its rarer stories and pushes."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pypdfium2
import pytest

from sandbox import running
from sandbox.ems import scenarios
from tests.posts.ems_customer import SENDER_NO, Customer, Receiver, order, receiving, settings_for, visiting
from tests.posts.sandbox_steps import until


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[Receiver, str]]:
    with receiving() as pair:
        yield pair


@pytest.fixture(scope="module")
def door(receiver: tuple[Receiver, str]) -> Receiver:
    return receiver[0]


@pytest.fixture(scope="module")
def post(receiver: tuple[Receiver, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    """A post that also pushes 妥投代码."""
    settings = settings_for(tmp_path_factory.mktemp("ems") / "p", receiver[1], push_detail=True)
    with running(settings) as opened, visiting(opened.url) as customer:
        yield customer


VOIDED = {
    "25": ["203", "207", "203", "H", "713", "702", "704"],
    "26": ["208", "212", "203", "H", "713", "702", "704"],
    "27": ["203", "303", "304", "303", "H", "713", "702", "704"],
    "28": ["203", "H", "713", "702", "742", "702", "704"],
    "29": ["203", "H", "713", "702", "705", "744", "704"],
}


@pytest.fixture(scope="module", autouse=True)
def voided(post: Customer) -> dict[str, str]:
    """Parcels of whose events some are taken back, by digits: they travel while the rest is tried."""
    waybills = {digits: post.book(order(digits)) for digits in VOIDED}
    post.collect(*waybills.values())
    return waybills


# --- 020006


def cancelling(post: Customer, body: dict[str, Any], waybill_no: str = "") -> dict[str, Any]:
    asked = {"logisticsOrderNo": body["logisticsOrderNo"], "waybillNo": waybill_no, "cancelReason": "寄件人撤单"}
    return post.answer("020006", asked)


def test_a_cancelled_parcel_is_never_collected(post: Customer, door: Receiver) -> None:
    body = order("01")
    waybill_no = post.book(body)
    live = post.http.get("/books").json()["live"]
    assert cancelling(post, body, waybill_no)["retBody"] == ""
    assert cancelling(post, body)["retCode"] == "00000"
    assert post.collect(waybill_no) == {"collected": [], "already": [], "unknown": [], "cancelled": [waybill_no]}
    assert [item["opCode"] for item in post.items(waybill_no)] == ["801"]
    until(lambda: post.is_through(waybill_no))
    assert [push["event"]["opCode"] for push in door.of(waybill_no)] == ["801"]
    entry = post.entry(waybill_no)
    assert entry["cancelled_at"] == entry["event_list"][0]["at"]
    assert (entry["collected_at"], entry["events"], entry["pushed"]) == (None, ["801"], 1)
    books = post.http.get("/books").json()
    assert (books["live"], len(books["orders"])) == (live - 1, books["bookings"])


def test_a_cancelled_order_is_not_booked_again(post: Customer) -> None:
    body = order("01")
    post.book(body)
    cancelling(post, body)
    assert post.answer("020003", [body])["retCode"] == "SBX223"


def test_a_collected_parcel_cannot_be_cancelled(post: Customer) -> None:
    body = order("15")
    waybill_no = post.book(body)
    post.collect(waybill_no)
    refused = cancelling(post, body, waybill_no)
    assert (refused["retCode"], refused["retMsg"]) == ("SBX222", "已收寄，不能撤单")
    assert post.entry(waybill_no)["cancelled_at"] is None
    assert post.entry(waybill_no)["events"] == ["203"]


def test_only_what_is_booked_can_be_cancelled(post: Customer) -> None:
    body = order("01")
    assert cancelling(post, body)["retCode"] == "SBX221"
    post.book(body)
    assert cancelling(post, body, "1199999999999")["retCode"] == "SBX202"
    assert post.answer("020006", {"waybillNo": "1199999999999"})["retCode"] == "SBX201"
    assert post.answer("020006", [])["retCode"] == "SBX106"
    assert cancelling(post, body)["retCode"] == "00000"


def test_a_parcel_can_be_presented_by_its_order_number(post: Customer) -> None:
    body = order("15")
    waybill_no = post.book(body)
    assert post.collect(body["logisticsOrderNo"])["collected"] == [body["logisticsOrderNo"]]
    assert post.collect(waybill_no)["already"] == [waybill_no]


# --- 010004


def words_on(pdf: bytes) -> tuple[str, tuple[float, float]]:
    """The text of a one-page PDF, and its size in millimetres."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (page,) = document
        width, height = page.get_size()
        return page.get_textpage().get_text_range(), (round(width / 72 * 25.4), round(height / 72 * 25.4))
    finally:
        document.close()


@pytest.mark.parametrize(("kind", "size"), [("129", (76, 130)), ("149", (76, 149)), ("179", (100, 179))])
def test_a_label_is_a_page_with_the_waybill_number(post: Customer, kind: str, size: tuple[int, int]) -> None:
    body = order("01")
    waybill_no = post.book(body)
    inline = base64.b64decode(
        post.answer("010004", {"waybillNo": waybill_no, "type": kind})["retBody"], validate=True
    )
    text, measured = words_on(inline)
    assert waybill_no in text
    assert "RETURN" not in text
    assert "张三" not in text
    assert measured == size
    there = post.answer("010004", {"waybillNo": waybill_no, "type": kind, "getURL": "1"})["retBody"]
    assert there.startswith(post.url)
    fetched = httpx2.get(there, trust_env=False)
    assert fetched.headers["content-type"] == "application/pdf"
    assert words_on(fetched.content) == (text, size)


def test_a_return_label_says_so(post: Customer) -> None:
    asked = {"waybillNo": post.book(order("01")), "type": "149", "isReturn": "1"}
    assert "RETURN" in words_on(base64.b64decode(post.answer("010004", asked)["retBody"]))[0]
    there = post.answer("010004", {**asked, "getURL": "1"})["retBody"]
    assert "RETURN" in words_on(httpx2.get(there, trust_env=False).content)[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "100"}, "SBX202"),
        ({"type": ""}, "SBX201"),
        ({"waybillNo": ""}, "SBX201"),
        ({"waybillNo": "1199999999999"}, "SBX221"),
        ({"getURL": "yes"}, "SBX202"),
        ({"isReturn": []}, "SBX202"),
    ],
)
def test_a_label_that_cannot_be_is_refused(post: Customer, change: dict[str, Any], code: str) -> None:
    asked = {"waybillNo": post.book(order("01")), "type": "149", **change}
    assert post.answer("010004", asked)["retCode"] == code


def test_there_is_no_label_of_what_is_cancelled_or_unknown(post: Customer) -> None:
    body = order("01")
    waybill_no = post.book(body)
    cancelling(post, body)
    assert post.answer("010004", {"waybillNo": waybill_no, "type": "149"})["retCode"] == "SBX223"
    for name in (f"{waybill_no}-100-out.pdf", "1199999999999-149-out.pdf", "x", f"{waybill_no}-149-up.pdf"):
        assert post.http.get(f"/labels/{name}").status_code == 404


# --- 030005


def reaching(post: Customer, **changes: Any) -> dict[str, Any]:
    asked = {"address": "某路1号", "prov": "浙江省", "city": "杭州市", "county": "某县", "bizProductNo": "1"}
    return post.answer("030005", {**asked, "type": "2", "senderNo": SENDER_NO, **changes})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "0"),
        ({"county": "超区县"}, "1"),
        ({"address": "超区路1号"}, "1"),
        ({"address": "查无地址"}, "8"),
        ({"address": "精度不足"}, "9"),
        ({"address": "未维护"}, "10"),
        ({"address": "服务异常"}, "6"),
        ({"bizProductNo": ""}, "3"),
        ({"bizProductNo": "77"}, "4"),
    ],
)
def test_the_words_of_an_address_decide_its_range(post: Customer, change: dict[str, Any], status: str) -> None:
    assert json.loads(reaching(post, **change)["retBody"]) == {"status": status}


@pytest.mark.parametrize(
    ("change", "code"),
    [({"county": ""}, "SBX201"), ({"type": "9"}, "SBX202"), ({"senderNo": "1100000000009"}, "SBX101")],
)
def test_a_question_of_range_must_be_whole(post: Customer, change: dict[str, Any], code: str) -> None:
    assert reaching(post, **change)["retCode"] == code


# --- stories and pushes


def test_what_is_voided_goes_on_and_is_pushed_with_its_codes(
    post: Customer, door: Receiver, voided: dict[str, str]
) -> None:
    until(lambda: post.is_through(*voided.values()))
    for digits, waybill_no in voided.items():
        entry = post.entry(waybill_no)
        assert ["H" if code in {"389", "954"} else code for code in entry["events"]] == VOIDED[digits]
        assert [(event["code"], event["number"]) for event in entry["event_list"]] == [
            (code, waybill_no) for code in entry["events"]
        ]
        assert entry["pushed"] == len(entry["events"])
        items = {(item["opCode"], item["opTime"]): item for item in post.items(waybill_no)}
        for push in door.of(waybill_no):
            event = push["event"]
            told = items[event["opCode"], event["opTime"]]
            for name in ("deliverCode", "attemptDeliveryCode"):
                assert event[name] == told[name]
        assert post.items(waybill_no)[-1]["deliverCode"] == "10"


def test_every_domestic_voiding_code_has_a_story() -> None:
    played = {step.code for scenario in scenarios.SCENARIOS.values() for step in scenario.steps}
    assert {"207", "212", "304", "742", "743", "744"} <= played


def test_a_book_of_another_version_is_refused(tmp_path: Path) -> None:
    storage = tmp_path / "old.sqlite3"
    settings = settings_for(storage, "http://127.0.0.1:9/")
    with sqlite3.connect(storage) as old:
        old.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    with pytest.raises(ValueError, match="another version"), running(settings):
        pass
