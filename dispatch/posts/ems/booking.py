"""020003 订单接入: building the order and reading its answer (CARRIERS §1.3, §1.5). Pure."""

import json
from typing import Any

from dispatch.accounts import EmsAccount
from dispatch.carrier import (
    Answer,
    Booked,
    Duplicate,
    InDoubt,
    NoAnswer,
    Order,
    Party,
    Refused,
    Throttled,
    Unauthorised,
)
from dispatch.posts.phones import is_mobile
from dispatch.posts.reading import as_object, json_answer, text_of
from dispatch.posts.times import wire_time

OPERATION = "020003"
SUCCESS = "00000"
DELIVER_TYPES = {"post_office": "1", "door": "2", "locker": "3", "village_station": "4"}


def order_text(order: Order, account: EmsAccount) -> str:
    """The JSON body: an array with one object, the same text for the same order.

    EMS publishes no limits of length, so nothing is cut: what it does not take it refuses, and a person reads that.
    """
    return json.dumps([_order(order, account)], ensure_ascii=False, separators=(",", ":"))


def _order(order: Order, account: EmsAccount) -> dict[str, Any]:
    inbound = order.direction == "inbound"
    return {
        "createdTime": wire_time(order.created_at),
        "ecommerceUserId": order.order_no,
        "logisticsOrderNo": order.order_no,
        "senderNo": account.sender_no,
        "contentsAttribute": "1",
        "bizProductNo": account.product,
        "weight": str(account.weight_grams),
        "insuranceFlag": account.insurance_flag,
        **({"insuranceAmount": account.insured_yuan} if account.insured_yuan else {}),
        "deliverType": DELIVER_TYPES[order.way],
        "pickupType": "1",
        "pickupNotes": order.way_of_delivery,
        "paymentMode": account.inbound_payment_mode if inbound else account.payment_mode,
        "receiptFlag": account.receipt_flag,
        **({"projectId": account.project_id} if account.project_id else {}),
        "sender": _party(order.sender),
        "receiver": _party(order.recipient),
        "cargos": [{"cargoName": name, "cargoQuantity": "1"} for name in order.contents],
    }


def _party(party: Party) -> dict[str, str]:
    number = "mobile" if is_mobile(party.phone) else "phone"
    return {
        "name": party.name,
        number: party.phone,
        "postCode": party.postcode,
        "prov": party.province,
        "city": party.city,
        "county": party.county,
        "address": party.address,
    }


def envelope(answer: Answer, account: EmsAccount) -> dict[str, Any]:
    """The response envelope of §1.3. Raises NoAnswer, Throttled or Unauthorised; other codes are the reader's."""
    told = json_answer(answer)
    if not (code := text_of(told, "retCode")):
        raise NoAnswer("寄递企业的答复不是约定的格式，不能确定是否已受理。")
    said = {**told, "retCode": code}  # as text, also where it came as a number (CARRIERS §0.7)
    if said["retCode"] in account.unauthorised_codes:
        raise Unauthorised(f"寄递企业不认可本中心的协议账号（{words_of(said)}）。请核对客户号与授权码。")
    if said["retCode"] in account.throttled_codes:
        raise Throttled(f"寄递企业要求放慢（{words_of(said)}）。")
    return said


def words_of(said: dict[str, Any]) -> str:
    """The code and the carrier's own words."""
    return f"{text_of(said, 'retCode')} {text_of(said, 'retMsg')}".strip()


def body_of(said: dict[str, Any]) -> dict[str, Any]:
    """`retBody` is JSON text (occasionally an object). Raises InDoubt where it is neither."""
    body = as_object(said.get("retBody"))
    if body is None:
        raise InDoubt("寄递企业报成功，但答复正文读不懂。")
    return body


def read_booking(answer: Answer, order_no: str, account: EmsAccount) -> Booked:
    """The waybill number and the sorting code. The list of retCodes is unpublished: their words go to a person."""
    said = envelope(answer, account)
    code = said["retCode"]
    if code in account.duplicate_codes:
        return _booked_before(said, order_no)
    if code in account.refused_codes:
        raise Refused(words_of(said))
    if code != SUCCESS:
        raise InDoubt(f"寄递企业答复“{words_of(said)}”，不能确定订单是否已收。")
    body = body_of(said)
    number = _first_number(body)
    if (text_of(body, "logisticsOrderNo") or order_no) != order_no:
        raise InDoubt("寄递企业的答复是另一张订单的。")
    if not is_waybill_no(number):
        raise InDoubt("寄递企业报成功，但没有给出合规的运单号。")
    return Booked(number, text_of(body, "routeCode"))


def _booked_before(said: dict[str, Any], order_no: str) -> Booked:
    """«Duplicate» with our order's number is as good as booked. Raises Duplicate where it tells none."""
    body = as_object(said.get("retBody")) or {}
    number = _first_number(body)
    if text_of(body, "logisticsOrderNo") != order_no or not is_waybill_no(number):
        raise Duplicate(f"寄递企业称此单已存在（{words_of(said)}），但没有给出运单号。")
    return Booked(number, text_of(body, "routeCode"))


def _first_number(body: dict[str, Any]) -> str:
    """Of several (pieces, a receipt) the first is the envelope's."""
    return text_of(body, "waybillNo").split(",")[0].strip()


def is_waybill_no(number: str) -> bool:
    """13 digits (no check digit is published), or a UPU S10 number whose check digit holds (CARRIERS §1.10)."""
    if len(number) != 13 or not number.isascii():
        return False
    return number.isdigit() or _is_s10(number)


def _is_s10(number: str) -> bool:
    service, serial, check, country = number[:2], number[2:10], number[10], number[11:]
    if not (service.isalpha() and service.isupper() and country.isalpha() and country.isupper()):
        return False
    if not (serial + check).isdigit():
        return False
    weighted = sum(int(digit) * weight for digit, weight in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
    return {10: 0, 11: 5}.get(11 - weighted % 11, 11 - weighted % 11) == int(check)
