"""Orders at the sandbox SF: booked, found, confirmed, cancelled."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.posts.sandbox_steps import until
from tests.posts.sf_customer import (
    CREATE,
    ROUTES,
    SEARCH,
    UPDATE,
    Customer,
    contact,
    opened,
    order,
    receiving,
)


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with opened(tmp_path_factory.mktemp("sf") / "p") as customer:
        yield customer


def test_an_order_gets_a_number_once_and_the_same_again(post: Customer) -> None:
    body = order("01")
    told = post.told(CREATE, body)
    ((waybill,),) = (told["waybillNoInfoList"],)
    assert waybill["waybillType"] == 1
    assert (waybill["waybillNo"][:2], len(waybill["waybillNo"])) == ("SF", 15)
    assert (told["orderId"], told["filterResult"], told["remark"]) == (body["orderId"], 2, "")
    assert "routeLabelInfo" not in told
    assert post.told(CREATE, body) == told == post.search(body["orderId"])["msgData"]
    assert post.code(CREATE, {**body, "remark": "另一份"}) == "8016"


def test_a_repeat_may_be_an_error_after_which_the_number_can_be_searched(tmp_path: Path) -> None:
    with opened(tmp_path / "p", repeat_order="duplicate_error") as post:
        body = order("01")
        number = post.book(body)
        assert post.code(CREATE, body) == "8016"
        assert post.search(body["orderId"])["msgData"]["waybillNoInfoList"][0]["waybillNo"] == number


def test_a_receipt_to_be_signed_has_a_second_number_and_a_route_label_names_the_first(post: Customer) -> None:
    told = post.told(CREATE, order("01", isSignBack=1, isReturnRoutelabel=1))
    first, second = told["waybillNoInfoList"]
    assert (first["waybillType"], second["waybillType"]) == (1, 3)
    ((label,),) = (told["routeLabelInfo"],)
    assert (label["code"], label["routeLabelData"]["waybillNo"]) == ("1000", first["waybillNo"])
    assert f"'k5':'{first['waybillNo']}'" in label["routeLabelData"]["twoDimensionCode"]


SENDER = contact(1, "13900000001", "中心")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"language": ""}, "SBX201"),
        ({"orderId": ""}, "SBX201"),
        ({"orderId": "x" * 65}, "SBX202"),
        ({"expressTypeId": None}, "SBX201"),
        ({"expressTypeId": "快"}, "8057"),
        ({"cargoDetails": []}, "SBX201"),
        ({"cargoDetails": [{"count": 1}]}, "SBX201"),
        ({"contactInfoList": []}, "SBX201"),
        ({"contactInfoList": [SENDER]}, "SBX201"),
        ({"contactInfoList": [SENDER, SENDER]}, "SBX202"),
        ({"contactInfoList": [SENDER, contact(2, "", "蓝小雨")]}, "1016"),
        ({"contactInfoList": [SENDER, contact(2, "13900000001", "")]}, "1015"),
        ({"contactInfoList": [SENDER, {**contact(2, "13900000001", "蓝"), "address": ""}]}, "1014"),
        ({"contactInfoList": [SENDER, {**contact(2, "13900000001", "蓝"), "country": ""}]}, "SBX202"),
        ({"monthlyCard": "123"}, "6126"),
        ({"monthlyCard": "7550000000"}, "8119"),
        ({"payMethod": 9}, "SBX202"),
        ({"remark": "x" * 101}, "SBX202"),
        ({"serviceList": "INSURE"}, "SBX202"),
        ({"parcelQty": 2}, "SBX203"),
        ({"isGenWaybillNo": 0}, "SBX203"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_not_booked(post: Customer, change: dict[str, Any], code: str) -> None:
    body = order("01", **change)
    assert post.code(CREATE, body) == code
    assert body["orderId"] not in {entry["order_no"] for entry in post.http.get("/books").json()["orders"]}


@pytest.mark.parametrize("code", ["8018", "8024", "6150"])
def test_an_order_that_is_not_there_has_the_code_that_the_settings_name(tmp_path: Path, code: str) -> None:
    with opened(tmp_path / "p", absent_code=code) as post:
        assert post.search("NOTHING")["errorCode"] == code
        assert post.update("NOTHING", 2)["errorCode"] == code


def test_a_fresh_order_may_take_a_while_to_be_found(tmp_path: Path) -> None:
    with opened(tmp_path / "p", settling_seconds=0.8) as post:
        body = order("01")
        number = post.book(body)
        assert post.search(body["orderId"])["errorCode"] == "8018"
        assert post.book(body) == number
        found = until(lambda: post.search(body["orderId"])["msgData"])
        assert found["waybillNoInfoList"][0]["waybillNo"] == number


def test_a_question_about_an_order_must_be_whole(post: Customer) -> None:
    assert post.code(SEARCH, {"language": "zh-CN"}) == "SBX201"
    assert post.search(order("01")["orderId"], "3")["errorCode"] == "SBX202"


@pytest.mark.parametrize("is_told", [True, False])
def test_an_order_to_be_confirmed_by_hand_has_its_number_later(tmp_path: Path, *, is_told: bool) -> None:
    with (
        receiving() as (door, url),
        opened(tmp_path / "p", url, confirming_seconds=1.0, order_state_push=is_told) as post,
    ):
        body, cancelled = order("31"), order("31")
        first = post.told(CREATE, body)
        assert (first["filterResult"], "waybillNoInfoList" in first) == (1, False)
        assert post.told(CREATE, cancelled)["filterResult"] == 1
        assert post.update(cancelled["orderId"], 2)["success"] is True
        assert post.search(body["orderId"])["msgData"] == first
        assert post.routes(body["orderId"], kind="2") == [{"mailNo": "", "routes": []}]
        found = until(lambda: post.search(body["orderId"])["msgData"].get("waybillNoInfoList"))
        if is_told:
            (state,) = until(lambda: door.states)
            assert (state["orderNo"], state["waybillNo"]) == (body["orderId"], found[0]["waybillNo"])
        assert len(door.states) == is_told
        assert post.book(body) == found[0]["waybillNo"]


def test_an_order_out_of_range_never_has_a_number_and_never_sets_out(post: Customer) -> None:
    body = order("32")
    told = post.told(CREATE, body)
    assert (told["filterResult"], told["remark"], "waybillNoInfoList" in told) == (3, "2", False)
    assert post.told(CREATE, body) == told == post.search(body["orderId"])["msgData"]
    assert post.collect(body["orderId"])["cancelled"] == [body["orderId"]]
    assert post.update(body["orderId"], 2)["errorCode"] == "8037"


@pytest.mark.parametrize(("digits", "is_booked"), [("17", True), ("23", False)])
def test_the_first_call_may_go_wrong_before_or_after_it_is_accepted(
    post: Customer, digits: str, *, is_booked: bool
) -> None:
    body = order(digits)
    form = post.form(CREATE, json.dumps(body))
    if is_booked:
        with pytest.raises(httpx2.RemoteProtocolError):
            post.post(form)
    else:
        assert post.post(form).status_code == 503
    assert post.search(body["orderId"])["success"] is is_booked
    assert post.book(body) == post.book(body)


# --- EXP_RECE_UPDATE_ORDER


def test_an_order_is_confirmed_once_under_its_own_number(post: Customer) -> None:
    body = order("01")
    number = post.book(body)
    assert post.update(body["orderId"], 1)["errorCode"] == "SBX201"
    other = post.update(body["orderId"], 1, "SF9999999999999")
    assert (other["success"], other["msgData"]) == (True, {"orderId": body["orderId"], "resStatus": 1})
    assert post.update(body["orderId"], 1, number)["msgData"]["resStatus"] == 2
    assert post.update(body["orderId"], 1, number)["errorCode"] == "8252"
    assert post.update(body["orderId"], 3, number)["errorCode"] == "SBX202"


def test_an_order_is_cancelled_once_and_never_collected(post: Customer) -> None:
    body = order("01")
    number = post.book(body)
    assert post.update(body["orderId"], 2)["msgData"] == {"orderId": body["orderId"], "resStatus": 2}
    assert post.update(body["orderId"], 2)["errorCode"] == "8037"
    assert post.search(body["orderId"])["errorCode"] == "8037"
    assert post.code(CREATE, body) == "8037"
    assert post.collect(number)["cancelled"] == [number]


def test_what_is_collected_cannot_be_cancelled(post: Customer) -> None:
    body = order("15")
    number = post.book(body)
    post.collect(number)
    assert post.update(body["orderId"], 2, number)["errorCode"] == "SBX222"
    assert post.entry(body["orderId"])["cancelled_at"] is None
    assert post.code(UPDATE, {"orderId": body["orderId"], "dealType": 2}) == "SBX201"


def test_many_customers_at_once_get_numbers_of_their_own(post: Customer) -> None:
    bodies = [order("15") for _ in range(16)]
    numbers: list[str] = []
    threads = [threading.Thread(target=lambda body=body: numbers.append(post.book(body))) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == len(bodies)
    assert post.told(CREATE, bodies[0])["waybillNoInfoList"][0]["waybillNo"] in numbers


# --- EXP_RECE_SEARCH_ROUTES


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trackingNumber": []}, "8013"),
        ({"trackingNumber": [f"SF{n:013d}" for n in range(11)]}, "8003"),
        ({"trackingNumber": "SF0000000000001"}, "SBX202"),
        ({"trackingType": "3"}, "SBX202"),
        ({"methodType": "2"}, "SBX202"),
        ({"language": "en"}, "SBX202"),
    ],
)
def test_a_question_about_routes_must_be_right(post: Customer, change: dict[str, Any], code: str) -> None:
    asked = {"language": "zh-CN", "trackingType": 1, "trackingNumber": ["SF0000000000001"], "methodType": 1}
    assert post.code(ROUTES, {**asked, **change}) == code


def test_what_is_not_collected_or_not_known_has_no_routes(post: Customer) -> None:
    number = post.book(order("01"))
    asked = [number, *(f"SF99{n:011d}" for n in range(9))]
    assert post.routes(*asked) == [{"mailNo": each, "routes": []} for each in asked]
    assert post.routes("NOTHING", kind="2") == []
