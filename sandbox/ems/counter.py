"""The post's counter: the postman takes what is on the posting list, and the books can be looked into."""

import json
from collections import defaultdict

from sandbox.ems import carry
from sandbox.ems.books import Books
from sandbox.ems.envelope import JsonObject, beijing, now_ms
from sandbox.ems.settings import SandboxSettings


def waybills_in(raw: bytes) -> list[str]:
    """Waybill numbers of ``{"waybills": [...]}``; ValueError for anything else."""
    try:
        body = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    waybills = body.get("waybills") if isinstance(body, dict) else None
    if not isinstance(waybills, list) or not all(isinstance(number, str) for number in waybills):
        raise ValueError('expected {"waybills": ["11...", ...]}')
    return list(dict.fromkeys(waybills))


def collect(books: Books, settings: SandboxSettings, waybills: list[str]) -> JsonObject:
    """Collect parcels: ``{"collected", "already", "unknown"}``, each a list of waybill numbers.

    A parcel sets out once; to present it again changes nothing.
    """
    sorted_out: dict[str, list[str]] = {"collected": [], "already": [], "unknown": []}
    with books.writing() as db:
        for waybill_no in waybills:
            order = db.execute("SELECT * FROM orders WHERE waybill_no = ?", (waybill_no,)).fetchone()
            if order is None:
                sorted_out["unknown"].append(waybill_no)
            elif order["collected_ms"] is not None:
                sorted_out["already"].append(waybill_no)
            else:
                carry.set_out(db, order, now_ms(), settings.gap_seconds, settings.seed)
                sorted_out["collected"].append(waybill_no)
    return dict(sorted_out)


_OPEN_PUSHES = """
SELECT p.order_id, count(*) AS open FROM pushes p JOIN events e USING (order_id, seq)
WHERE p.acknowledged_ms IS NULL AND e.happens_ms <= ? GROUP BY p.order_id
"""


def show(books: Books) -> JsonObject:
    """The books as they stand, without any personal data; the shape is in docs/sandbox-post.md."""
    now = now_ms()
    happened: defaultdict[int, list[str]] = defaultdict(list)
    waiting: set[int] = set()
    for row in books.rows("SELECT order_id, op_code, happens_ms FROM events ORDER BY order_id, seq"):
        if row["happens_ms"] <= now:
            happened[row["order_id"]].append(row["op_code"])
        else:
            waiting.add(row["order_id"])
    unacknowledged = {row["order_id"]: row["open"] for row in books.rows(_OPEN_PUSHES, (now,))}
    orders = [
        {
            "order_no": row["order_no"],
            "waybill_no": row["waybill_no"],
            "scenario": row["scenario"],
            "collected_at": None if row["collected_ms"] is None else beijing(row["collected_ms"]),
            "ended": row["id"] in happened and row["id"] not in waiting,
            "events": happened.get(row["id"], []),
            "unacknowledged_pushes": unacknowledged.get(row["id"], 0),
        }
        for row in books.rows("SELECT * FROM orders ORDER BY id")
    ]
    return {"bookings": len(orders), "orders": orders}
