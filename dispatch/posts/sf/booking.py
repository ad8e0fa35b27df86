"""EXP_RECE_CREATE_ORDER, and EXP_RECE_SEARCH_ORDER_RESP that answers alike (CARRIERS §2.3–2.5). Pure."""

from collections.abc import Mapping
from typing import Any

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Booked, Duplicate, InDoubt, Order, Party, Refused
from dispatch.posts.lengths import shortened, whole
from dispatch.posts.phones import is_mobile
from dispatch.posts.reading import as_object, objects, text_of
from dispatch.posts.sf.codes import is_waybill_no
from dispatch.posts.sf.envelope import as_text, code_of, failure, message_of, opened, succeeded, words_of

CREATE = "EXP_RECE_CREATE_ORDER"
SEARCH = "EXP_RECE_SEARCH_ORDER_RESP"
LANGUAGE = "zh-CN"
SENDER, RECIPIENT = 1, 2
ADDRESS_MOST, REMARK_MOST, CARGO_MOST = 200, 100, 128
OTHERS_PAY = {1: 2, 2: 1}
"""payMethod counts from the parcel's sender; the setting from us, whichever way the parcel goes."""

MAIN = "1"  # waybillType 母单
BY_HAND, UNSERVED = "1", "3"  # filterResult 人工确认, 不可收派
WHY_UNSERVED = {"1": "收方超范围", "2": "派方超范围", "3": "其它原因"}
LABEL_DATA = "1000"  # the code of a routeLabelInfo that holds data


def order_text(order: Order, account: SfAccount) -> str:
    """`msgData` of an order, the same text for the same order. Raises Refused where a field cannot fit."""
    inbound = order.direction == "inbound"
    pays = OTHERS_PAY.get(account.pay_method, account.pay_method) if inbound else account.pay_method
    return as_text(
        {
            "language": LANGUAGE,
            "orderId": order.order_no,
            "monthlyCard": account.monthly_card,
            "payMethod": pays,
            "expressTypeId": account.product,
            "isReturnRoutelabel": 1,
            "isUnifiedWaybillNo": 1,
            "isSignBack": 0,
            **({"isDocall": 1} if inbound else {}),  # a courier fetches it from the applicant's door
            "remark": whole(order.way_of_delivery, REMARK_MOST, "投递方式"),
            "cargoDetails": [_cargo(name) for name in order.contents],
            "contactInfoList": [
                _contact(SENDER, "寄件地址", order.sender),
                _contact(RECIPIENT, "收件地址", order.recipient),
            ],
        }
    )


def _cargo(name: str) -> dict[str, Any]:
    return {"name": shortened(name, CARGO_MOST), "count": 1, "unit": "件"}


def _contact(role: int, which: str, party: Party) -> dict[str, Any]:
    number = "mobile" if is_mobile(party.phone) else "tel"
    return {
        "contactType": role,
        "contact": party.name,
        number: party.phone,
        "country": "CN",
        "province": party.province,
        "city": party.city,
        "county": party.county,
        "address": whole(party.address, ADDRESS_MOST, which),
        **({"postCode": party.postcode} if party.postcode else {}),
    }


def search_text(order_no: str) -> str:
    """`msgData` that asks for our order on its way out."""
    return as_text({"orderId": order_no, "searchType": "1", "language": LANGUAGE})


def read_booking(answer: Answer, order_no: str, account: SfAccount) -> Booked:
    """The waybill of a new order. A repeated one gives its first waybill or 8016: both are SF's (§2.4)."""
    inner = opened(answer)
    if succeeded(inner):
        return _placed(message_of(inner), order_no)
    if code_of(inner) in account.duplicate_codes:
        return _placed_before(inner, order_no)
    raise failure(inner, account, "订单是否已收")


def read_search(answer: Answer, order_no: str, account: SfAccount) -> Booked | None:
    """The waybill of our order; None where SF says in its codes that it has no such order.

    Raises Refused where it has the order and will not carry it. A refused question refuses no order: doubt.
    """
    try:
        inner = opened(answer)
    except Refused as refusal:
        raise InDoubt(f"顺丰没有答复订单查询：{refusal}") from refusal
    if succeeded(inner):
        return _placed(message_of(inner), order_no)
    if code_of(inner) in account.absent_codes:
        return None
    raise InDoubt(f"顺丰没有答复订单查询：{words_of(inner)}")


def _placed_before(inner: Mapping[str, Any], order_no: str) -> Booked:
    """«Duplicate» with our order's waybill is as good as booked. Raises Duplicate where it tells none."""
    told = as_object(inner.get("msgData")) or {}
    if text_of(told, "orderId") == order_no and text_of(told, "filterResult") != UNSERVED:
        numbers = _main_numbers(told)
        if len(numbers) == 1 and is_waybill_no(number := numbers.pop()):
            return Booked(number, _sorting_code(told))
    raise Duplicate(f"顺丰称此单已存在（{words_of(inner)}），但没有给出运单号。")


def _placed(told: Mapping[str, Any], order_no: str) -> Booked:
    if (text_of(told, "orderId") or order_no) != order_no:
        raise InDoubt("顺丰的答复是另一张订单的。")
    result = text_of(told, "filterResult")
    if result == UNSERVED:
        why = text_of(told, "remark")
        raise Refused(f"顺丰不可收派：{WHY_UNSERVED.get(why, why or '未说明原因')}。")
    numbers = _main_numbers(told)
    if not numbers and result == BY_HAND:
        raise Duplicate("顺丰已收下订单，正在人工确认能否收派，暂未给出运单号。")
    if len(numbers) != 1 or not is_waybill_no(number := numbers.pop()):
        raise InDoubt("顺丰报成功，但没有给出唯一、合规的运单号。")
    return Booked(number, _sorting_code(told))


def _main_numbers(told: Mapping[str, Any]) -> set[str]:
    waybills = objects(told.get("waybillNoInfoList"))
    return {text_of(item, "waybillNo") for item in waybills if text_of(item, "waybillType") == MAIN} - {""}


def _sorting_code(told: Mapping[str, Any]) -> str:
    for label in objects(told.get("routeLabelInfo")):
        data = label.get("routeLabelData")
        if text_of(label, "code") == LABEL_DATA and isinstance(data, dict):
            return text_of(data, "destRouteLabel")
    return ""
