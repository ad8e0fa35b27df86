"""CityToGovMail 办件快递推送: building the order and reading its answer (CARRIERS §7.1). Pure."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from dispatch.accounts import GovEmsAccount
from dispatch.carrier import Answer, Duplicate, InDoubt, Order, Party, Refused
from dispatch.posts.gov_ems.soap import SUCCESS, result_of
from dispatch.posts.lengths import shortened, whole
from dispatch.posts.times import wire_time
from dispatch.posts.xml import branch, carriable, written

OPERATION = "CityToGovMail"
MATERIALS = "1"  # NET_TYPE 申请材料寄送
RESULT = "2"  # NET_TYPE 审批结果寄送
ADDRESS_MOST = 200
ITEM_MOST = 200
ORDER_NO_MOST = 30
PHONE_MOST = 15
POSTCODE_MOST = 20
CODE_MOST = 6
SENDER = ("寄件人姓名", "寄件人电话", "寄件地址")
RECIPIENT = ("收件人姓名", "收件人电话", "收件地址")
"""What name, telephone and address are called where one does not fit."""


def order_text(order: Order, account: GovEmsAccount) -> str:
    """The XML under the cipher, the same text for the same order. Raises Refused where a field cannot fit."""
    root = branch("RequestMessage", {})
    root.append(branch("PostInfo", _post_info(order, account)))
    cases = branch("ApplyInfos", {})
    for case_no in order.case_nos:
        cases.append(branch("ApplyInfo", {"INTERNAL_NO": case_no, "ZWFWZX_CODE": account.centre_code}))
    root.append(cases)
    return written(root)


def _post_info(order: Order, account: GovEmsAccount) -> dict[str, str]:
    inbound = order.direction == "inbound"
    return {
        "EMS_ORD_NO": whole(order.order_no, ORDER_NO_MOST, "订单号"),
        "MAIL_NUM": "",  # the post gives it later
        "GOV_TB_NAME": account.window,
        "POST_TYPE": account.inbound_post_type if inbound else account.post_type,
        "NET_TYPE": MATERIALS if inbound else RESULT,
        "BUSS_TYPE": account.inbound_pays if inbound else account.pays,
        **_party("SEND", SENDER, order.sender, account),
        **_party("RCV", RECIPIENT, order.recipient, account),
        "RCV_POSTCODE": whole(order.recipient.postcode or account.no_postcode, POSTCODE_MOST, "邮编"),
        "ITEM": _item(order),
        "CHK_CODE": whole(order.collection_code, CODE_MOST, "取件验证码"),
        "ISSEND": account.is_send,
        "ORGNAME": order.department,
        "ORGNAME_ID": account.department_codes.get(order.department, ""),
        "SENDTIME": wire_time(order.created_at),
        "ZWFWZX_CODE": account.centre_code,
    }


def _party(side: str, called: Sequence[str], party: Party, account: GovEmsAccount) -> Mapping[str, str]:
    """COUNTRY is the county, STRECT the street: so spelt. PHONE and CALL both hold the one number that we know,
    since it is not published which of them is the mobile."""
    name, telephone, address = called
    phone = whole(party.phone, PHONE_MOST, telephone)
    return {
        f"{side}_NAME": whole(carriable(party.name), account.name_most, name),
        f"{side}_PROV": party.province,
        f"{side}_CITY": party.city,
        f"{side}_COUNTRY": party.county,
        f"{side}_STRECT": whole(carriable(party.address), ADDRESS_MOST, address),
        f"{side}_PHONE": phone,
        f"{side}_CALL": phone,
    }


def _item(order: Order) -> str:
    """The documents, and how they are to be delivered: there is no field for that, and the postman must know it."""
    way = whole(f"（{carriable(order.way_of_delivery)}）", ITEM_MOST, "投递方式")
    return shortened(carriable("、".join(order.contents)), ITEM_MOST - len(way)) + way


def read_booking(answer: Answer, account: GovEmsAccount) -> NoReturn:
    """Never a number: the post tells it later. Raises Duplicate on success, Refused, InDoubt and so on."""
    said = result_of(answer)
    if said.code == SUCCESS or said.code in account.duplicate_codes:
        raise Duplicate(f"寄递企业已有此单（{said.words}），运单号稍后告知。")
    if said.code in account.refused_codes:
        raise Refused(said.words)
    raise InDoubt(f"寄递企业答复“{said.words}”，不能确定订单是否已收。")
