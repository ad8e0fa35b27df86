"""How an event is told: operation names, offices, and the trace query 040001 (CARRIERS §1.6-1.8).

Names from the official dictionary as transcribed in open-logistics-tracking/OLTS `mappings/cn/ems.csv`,
CC-BY-4.0. Wording of opDesc, office names and codes are made up: EMS publishes none (unconfirmed).
"""

import hashlib
import json
import sqlite3
from typing import Any, Final, NamedTuple

from sandbox.ems.books import Books
from sandbox.ems.envelope import JsonObject, Refusal, RefusedError, beijing, now_ms


class Operation(NamedTuple):
    """Official name, which party's town it happens in, and what the office there is called."""

    name: str
    side: str
    office: str


OPERATIONS: Final[dict[str, Operation]] = {
    "203": Operation("收寄计费信息", "sender", "揽投部"),
    "389": Operation("处理中心封车", "sender", "邮件处理中心"),
    "447": Operation("退回邮件开拆", "sender", "邮件处理中心"),
    "702": Operation("投递下段", "receiver", "揽投部"),
    "704": Operation("投递结果反馈-妥投", "receiver", "揽投部"),
    "705": Operation("投递结果反馈-未妥投", "receiver", "揽投部"),
    "708": Operation("退件登记", "receiver", "揽投部"),
    "711": Operation("退回妥投", "sender", "揽投部"),
    "713": Operation("到达投递机构", "receiver", "揽投部"),
    "743": Operation("投递妥投撤销", "receiver", "揽投部"),
    "747": Operation("包裹柜/自提点已接收", "receiver", "揽投部"),
    "748": Operation("收件人已取走邮件", "receiver", "揽投部"),
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

_EVENT_SQL: Final = """
SELECT e.*, o.order_no, o.waybill_no, o.product, o.places FROM events e JOIN orders o ON o.id = e.order_id
"""


def event_of_push(books: Books, order_id: int, seq: int) -> JsonObject:
    """The object of CARRIERS §1.7. It has no 妥投代码: none was ever seen in a push."""
    (row,) = books.rows(f"{_EVENT_SQL} WHERE e.order_id = ? AND e.seq = ?", (order_id, seq))
    return {"waybillNo": row["waybill_no"], "orderNo": row["order_no"], **_told(row)}


def query(books: Books, body: Any) -> JsonObject:
    """Answer 040001 ``{waybillNo, direction: "0"}`` with all that happened until now, oldest first."""
    if not isinstance(body, dict):
        raise RefusedError(Refusal.BODY, "应为对象")
    waybill_no = str(body.get("waybillNo") or "").strip()
    if not waybill_no:
        raise RefusedError(Refusal.MISSING, "waybillNo")
    if str(body.get("direction", "")) != "0":
        raise RefusedError(Refusal.VALUE, "direction")
    sql = f"{_EVENT_SQL} WHERE o.waybill_no = ? AND e.happens_ms <= ? ORDER BY e.seq"
    rows = books.rows(sql, (waybill_no, now_ms()))
    if not rows:
        raise RefusedError(Refusal.NO_TRACE)
    return {"responseItems": [_item(row) for row in rows]}


def _item(row: sqlite3.Row) -> JsonObject:
    return {
        "waybillNo": row["waybill_no"],
        **_told(row),
        "deliverCode": row["deliver_code"],
        "attemptDeliveryCode": row["attempt_code"],
        "productName": PRODUCTS[row["product"]],
    }


def _told(row: sqlite3.Row) -> JsonObject:
    operation = OPERATIONS[row["op_code"]]
    province, city, county = json.loads(row["places"])[operation.side]
    office = f"{county}{operation.office}"
    return {
        "opTime": beijing(row["happens_ms"]),
        "opCode": row["op_code"],
        "opName": operation.name,
        "opDesc": f"【{office}】{operation.name}",
        "opOrgCode": f"{int(hashlib.sha256(office.encode()).hexdigest(), 16) % 10**8:08d}",
        "opOrgName": office,
        "opOrgProvName": province,
        "opOrgCity": city,
        "operatorNo": "SBX0001",
        "operatorName": "沙箱员",
    }
