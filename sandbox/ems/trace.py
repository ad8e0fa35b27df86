"""How an event is told: operation names, offices, and the trace query 040001 (CARRIERS §1.6-1.8).

Names from the official dictionary as transcribed in open-logistics-tracking/OLTS `mappings/cn/ems.csv`,
CC-BY-4.0. Wording of opDesc, office names and codes are made up: EMS publishes none (unconfirmed).
"""

import hashlib
from typing import Any, Final, NamedTuple

from sandbox.ems.envelope import JsonObject, Refusal, RefusedError, object_in
from sandbox.post import Event, Orders, Parcel


class Operation(NamedTuple):
    """Official name, which party's town it happens in, and what the office there is called."""

    name: str
    side: str
    office: str


OPERATIONS: Final[dict[str, Operation]] = {
    "203": Operation("收寄计费信息", "sender", "揽投部"),
    "207": Operation("揽收环节删除邮件", "sender", "揽投部"),
    "208": Operation("客户交接", "sender", "揽投部"),
    "212": Operation("客户交接取消", "sender", "揽投部"),
    "303": Operation("揽收批量配发", "sender", "揽投部"),
    "304": Operation("揽投配发取消", "sender", "揽投部"),
    "389": Operation("处理中心封车", "sender", "邮件处理中心"),
    "447": Operation("退回邮件开拆", "sender", "邮件处理中心"),
    "702": Operation("投递下段", "receiver", "揽投部"),
    "704": Operation("投递结果反馈-妥投", "receiver", "揽投部"),
    "705": Operation("投递结果反馈-未妥投", "receiver", "揽投部"),
    "708": Operation("退件登记", "receiver", "揽投部"),
    "711": Operation("退回妥投", "sender", "揽投部"),
    "713": Operation("到达投递机构", "receiver", "揽投部"),
    "742": Operation("投递下段撤销", "receiver", "揽投部"),
    "743": Operation("投递妥投撤销", "receiver", "揽投部"),
    "744": Operation("投递未妥投撤销", "receiver", "揽投部"),
    "747": Operation("包裹柜/自提点已接收", "receiver", "揽投部"),
    "748": Operation("收件人已取走邮件", "receiver", "揽投部"),
    "801": Operation("撤单", "sender", "揽投部"),
    "954": Operation("邮件到达处理中心", "receiver", "邮件处理中心"),
    "987": Operation("丢失已赔付（赔付给协议客户）", "sender", "揽投部"),
    "988": Operation("丢失已赔付（赔付给收件人）", "sender", "揽投部"),
    "Z99": Operation("未公布的操作", "receiver", "揽投部"),
}

PRODUCTS: Final = {
    "1": "特快专递",
    "2": "快递包裹",
    "3": "特快到付",
    "9": "国内即日",
    "10": "电商标快",
    "11": "国内标快",
}


def query(orders: Orders, body: Any) -> JsonObject:
    """Answer 040001 ``{waybillNo, direction: "0"}`` with all that happened until now, oldest first."""
    asked = object_in(body)
    waybill_no = str(asked.get("waybillNo") or "").strip()
    if not waybill_no:
        raise RefusedError(Refusal.MISSING, "waybillNo")
    if str(asked.get("direction", "")) != "0":
        raise RefusedError(Refusal.VALUE, "direction")
    parcel = orders.by_number(waybill_no)
    events = orders.history(parcel) if parcel else ()
    if parcel is None or not events:
        raise RefusedError(Refusal.NO_TRACE)
    return {"responseItems": [_item(parcel, event) for event in events]}


def told(parcel: Parcel, event: Event) -> JsonObject:
    """What a push and a query both say of an event."""
    operation = OPERATIONS[event.code]
    province, city, county = parcel.extra["places"][operation.side]
    office = f"{county}{operation.office}"
    return {
        "opTime": event.at,
        "opCode": event.code,
        "opName": operation.name,
        "opDesc": f"【{office}】{operation.name}",
        "opOrgCode": f"{int(hashlib.sha256(office.encode()).hexdigest(), 16) % 10**8:08d}",
        "opOrgName": office,
        "opOrgProvName": province,
        "opOrgCity": city,
        "operatorNo": "SBX0001",
        "operatorName": "沙箱员",
    }


def codes(event: Event) -> JsonObject:
    """妥投代码 and 未妥投代码, empty where there is none."""
    return {name: event.extra.get(name, "") for name in ("deliverCode", "attemptDeliveryCode")}


def _item(parcel: Parcel, event: Event) -> JsonObject:
    product = PRODUCTS[parcel.extra["product"]]
    return {"waybillNo": event.number, **told(parcel, event), **codes(event), "productName": product}
