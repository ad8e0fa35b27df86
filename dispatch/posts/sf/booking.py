"""EXP_RECE_CREATE_ORDER, and EXP_RECE_SEARCH_ORDER_RESP that answers alike (CARRIERS §2.3–2.5). Pure."""

from collections.abc import Mapping
from typing import Any

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Booked, Duplicate, InDoubt, Order, Party, Refused
from dispatch.posts.reading import objects, text_of
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
    """`msgData` of an order, the same text for the same order."""
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
            "remark": order.way_of_delivery[:REMARK_MOST],
            "cargoDetails": [{"name": name[:CARGO_MOST], "count": 1, "unit": "件"} for name in order.contents],
            "contactInfoList": [_contact(SENDER, order.sender), _contact(RECIPIENT, order.recipient)],
        }
    )


def _contact(role: int, party: Party) -> dict[str, Any]:
    number = "mobile" if party.phone.startswith("1") else "tel"
    return {
        "contactType": role,
        "contact": party.name,
        number: party.phone,
        "country": "CN",
        "province": party.province,
        "city": party.city,
        "county": party.county,
        "address": party.address[:ADDRESS_MOST],
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
        raise Duplicate(f"顺丰称此单已存在（{words_of(inner)}），但没有给出运单号。")
    raise failure(inner, account, "订单是否已收")


def read_search(answer: Answer, order_no: str, account: SfAccount) -> Booked | None:
    """The waybill of our order; None where SF says in its codes that it has no such order."""
    inner = opened(answer)
    if succeeded(inner):
        return _placed(message_of(inner), order_no)
    if code_of(inner) in account.absent_codes:
        return None
    raise InDoubt(f"顺丰没有答复订单查询：{words_of(inner)}")  # a refused question refuses no order


def _placed(told: Mapping[str, Any], order_no: str) -> Booked:
    if (text_of(told, "orderId") or order_no) != order_no:
        raise InDoubt("顺丰的答复是另一张订单的。")
    result = text_of(told, "filterResult")
    if result == UNSERVED:
        why = text_of(told, "remark")
        raise Refused(f"顺丰不可收派：{WHY_UNSERVED.get(why, why or '未说明原因')}。")
    numbers = {text_of(item, "waybillNo") for item in _main_waybills(told)} - {""}
    if not numbers and result == BY_HAND:
        raise Duplicate("顺丰已收下订单，正在人工确认能否收派，暂未给出运单号。")
    if len(numbers) != 1 or not is_waybill_no(number := numbers.pop()):
        raise InDoubt("顺丰报成功，但没有给出唯一、合规的运单号。")
    return Booked(number, _sorting_code(told))


def _main_waybills(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [item for item in objects(told.get("waybillNoInfoList")) if text_of(item, "waybillType") == MAIN]


def _sorting_code(told: Mapping[str, Any]) -> str:
    for label in objects(told.get("routeLabelInfo")):
        data = label.get("routeLabelData")
        if text_of(label, "code") == LABEL_DATA and isinstance(data, dict):
            return text_of(data, "destRouteLabel")
    return ""
