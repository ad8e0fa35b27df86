"""The sandbox Kdniao's doors, seen from its wire: every call goes through a real socket."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.kdniao.envelope import data_sign
from sandbox.kdniao.scenarios import SCENARIOS
from tests.posts.kdniao_customer import (
    ANY,
    DIST,
    ID,
    KEY,
    OLD_KEY,
    QUERY,
    Customer,
    opened,
    settings_for,
    sign,
)
from tests.posts.sandbox_trackers import NAME, ROOT, STREET, number, stories_told
from tests.posts.vectors import VECTORS

VECTOR = VECTORS["kdniao_official"]


@pytest.fixture(scope="module")
def kdniao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with opened(tmp_path_factory.mktemp("kdniao") / "books.sqlite3") as (customer, _):
        yield customer


def parcel(**changes: Any) -> dict[str, Any]:
    return {"OrderCode": "O1", "ShipperCode": "EMS", "LogisticCode": number("01"), **changes}


# --- settings, signature, document


def test_the_published_sample_is_signed_as_published() -> None:
    assert data_sign(VECTOR["RequestData"], VECTOR["AppKey"]) == VECTOR["DataSign"]


def test_the_published_sample_passes_the_signature_and_fails_as_json(tmp_path: Path) -> None:
    """It has single quotes: were the signature not looked at over the raw text, it could not pass."""
    with opened(tmp_path / "books", app_key=VECTOR["AppKey"]) as (customer, _):
        said = customer.call(QUERY, "1002", VECTOR["RequestData"], DataSign=VECTOR["DataSign"])
    assert (said["Success"], said["Reason"]) == (False, "[401]RequestData格式错误")


@pytest.mark.parametrize(
    "change",
    [
        {"push_url": ""},
        {"e_business_id": ""},
        {"app_key": ""},
        {"shippers": ()},
        {"phone_shippers": ("NOBODY",)},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        settings_for(tmp_path / "x", **{"push_url": "http://127.0.0.1:1/", **change})


def test_settings_do_not_show_the_keys(tmp_path: Path) -> None:
    shown = repr(settings_for(tmp_path / "x", "http://127.0.0.1:1/"))
    assert KEY not in shown
    assert OLD_KEY not in shown


@pytest.mark.parametrize("name", ["kdniao", "kuaidi100"])
def test_the_sandbox_shares_no_code_with_the_product(name: str) -> None:
    for file in (ROOT / "sandbox" / name).glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not [name for name in froms + names if name.split(".")[0] in {"dispatch", "workers", "zhuandi"}]


def test_the_document_tells_every_story() -> None:
    assert stories_told("Kdniao") == {digits: scenario.title for digits, scenario in SCENARIOS.items()}


# --- who may speak, and in what envelope


@pytest.mark.parametrize("path", [QUERY, ANY])
def test_what_is_encoded_once_is_taken(kdniao: Customer, path: str) -> None:
    assert kdniao.call(path, "1002", parcel(OrderCode="办件 1+1=2 & 100%"))["OrderCode"] == "办件 1+1=2 & 100%"


@pytest.mark.parametrize("field", ["RequestData", "DataSign"])
@pytest.mark.parametrize("path", [QUERY, DIST])
def test_what_is_encoded_twice_is_refused_and_told(kdniao: Customer, path: str, field: str) -> None:
    form = kdniao.form("8001", parcel())
    said = kdniao.send(path, {**form, field: quote(form[field])}).json()
    assert (said["Success"], said["Reason"]) == (False, f"{field}被URL编码了两次")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DataSign": sign("{}")}, "DataSign"),
        ({"DataSign": ""}, "DataSign"),
        ({"EBusinessID": "1"}, "EBusinessID"),
        ({"RequestType": "1007"}, "RequestType"),
        ({"RequestType": "1008"}, "RequestType"),
        ({"DataType": "1"}, "DataType"),
        ({"RequestData": ""}, "RequestData"),
    ],
)
def test_a_call_with_a_bad_envelope_is_refused_and_the_field_named(
    kdniao: Customer, change: dict[str, str], words: str
) -> None:
    said = kdniao.call(QUERY, "8001", parcel(), **change)
    assert said["Success"] is False
    assert words in said["Reason"]


def test_a_signature_over_the_encoded_text_is_not_the_signature(kdniao: Customer) -> None:
    text = json.dumps(parcel())
    assert kdniao.call(QUERY, "8001", text, DataSign=sign(quote(text)))["Reason"] == "DataSign校验失败"


@pytest.mark.parametrize("text", ["[]", "{", '"x"', "[" * 60_000, '{"LogisticCode": NaN}', '{"LogisticCode": 7}'])
def test_request_data_that_is_no_query_has_a_bad_format(kdniao: Customer, text: str) -> None:
    assert kdniao.call(QUERY, "8001", text)["Reason"].startswith("[401]")


def test_a_body_that_is_no_form_is_refused(kdniao: Customer) -> None:
    assert kdniao.http.post(QUERY, json=parcel()).json()["Success"] is False


# --- what is asked


@pytest.mark.parametrize("path", [QUERY, DIST])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"LogisticCode": ""}, "[402]"),
        ({"LogisticCode": "11 000;00001"}, "[403]"),
        ({"LogisticCode": "11"}, "[404]"),
        ({"LogisticCode": "1" * 33}, "[404]"),
        ({"ShipperCode": ""}, "ShipperCode"),
        ({"ShipperCode": "NOBODY"}, "ShipperCode"),
        ({"ShipperCode": "SF"}, "CustomerName"),
        ({"ShipperCode": "ZTO", "CustomerName": "13900000001"}, "CustomerName"),
        ({"Sort": "2"}, "Sort"),
    ],
)
def test_a_bad_field_is_named(kdniao: Customer, path: str, change: dict[str, str], words: str) -> None:
    request_type = "1002" if path == QUERY else "1008"
    said = kdniao.call(path, request_type, parcel(**change))
    assert said["Success"] is False
    assert words in said["Reason"]


def test_a_shipper_that_wants_four_digits_is_satisfied_with_them(kdniao: Customer) -> None:
    assert kdniao.query(number("01"), ShipperCode="SF", CustomerName="0001")["Success"] is True


@pytest.mark.parametrize("success", [True, False])
def test_before_the_first_trace_the_state_is_0_and_there_are_no_traces(tmp_path: Path, *, success: bool) -> None:
    with opened(tmp_path / "books", no_trace_success=success) as (customer, _):
        said = customer.query(number("01"), OrderCode="O1")
    assert (said["EBusinessID"], said["OrderCode"], said["ShipperCode"]) == (ID, "O1", "EMS")
    assert (said["Success"], said["Reason"], said["Location"]) == (success, "暂无轨迹信息", "")
    assert (said["State"], said["StateEx"], said["Traces"]) == ("0", "0", [])


def test_throttled_is_405_in_words(kdniao: Customer) -> None:
    kdniao.spoil(answers=["throttled"])
    assert kdniao.query(number("01"))["Reason"] == "[405]超过查询次数"
    assert kdniao.query(number("01"))["Success"] is True


def test_a_subscription_is_confirmed_with_its_time(kdniao: Customer) -> None:
    said = kdniao.subscribe(number("01"))
    assert list(said) == ["EBusinessID", "UpdateTime", "Success", "Reason", "EstimatedDeliveryTime"]
    assert (said["EBusinessID"], said["Success"], said["Reason"]) == (ID, True, "")


@pytest.mark.parametrize(("repeat", "success"), [("same_waybill", True), ("duplicate_error", False)])
def test_a_repeated_subscription_gets_what_the_settings_say(tmp_path: Path, repeat: str, *, success: bool) -> None:
    with opened(tmp_path / "books", repeat_order=repeat) as (customer, _):
        waybill_no = number("15")
        assert [customer.subscribe(waybill_no)["Success"] for _ in range(2)] == [True, success]
        assert customer.entry(waybill_no)["subscribed"] is True


def test_nobodys_name_street_or_telephone_comes_into_the_books(tmp_path: Path) -> None:
    person = {"Name": NAME, "Mobile": "13900004711", "Address": STREET}
    with opened(tmp_path / "books.sqlite3") as (customer, _):
        waybill_no = number("15")
        said = customer.subscribe(waybill_no, ShipperCode="SF", CustomerName="4711", Receiver=person, Sender=person)
        assert said["Success"] is True
        customer.query(waybill_no, ShipperCode="SF", CustomerName="4711")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert waybill_no.encode() in kept
    assert not [word for word in (NAME, STREET, "4711") if word.encode() in kept]
