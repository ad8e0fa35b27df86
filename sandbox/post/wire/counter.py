"""The post's counter: what is handed over or switched there, and the books as anybody may see them."""

import json
import sqlite3
from collections import defaultdict
from typing import Any

from sandbox.post.clock import beijing, now_ms
from sandbox.post.faults import Switches
from sandbox.post.ledger.books import Books


def waybills_in(raw: bytes) -> list[str]:
    """Waybill numbers of ``{"waybills": [...]}``; ValueError for anything else."""
    waybills = _object(raw).get("waybills")
    if not (isinstance(waybills, list) and _is_texts(waybills)):
        raise ValueError('expected {"waybills": ["11...", ...]}')
    return list(dict.fromkeys(waybills))


def switch(switches: Switches, raw: bytes) -> dict[str, list[str]]:
    """One-shot faults of ``{"answers": [...], "pushes": [...]}``; gives those that wait, ValueError if unknown."""
    ordered = _object(raw)
    if set(ordered) - {"answers", "pushes"} or not all(_is_texts(names) for names in ordered.values()):
        raise ValueError('expected {"answers": ["lost_after", ...], "pushes": ["duplicated", ...]}')
    switches.order(ordered.get("answers"), ordered.get("pushes"))
    return switches.waiting()


_OPEN_PUSHES = """
SELECT p.order_id, count(*) AS open
FROM pushes p JOIN events e USING (order_id, seq) JOIN orders o ON o.id = p.order_id
WHERE o.subscribed AND p.closed_ms IS NULL AND e.happens_ms <= ? GROUP BY p.order_id
"""


def show(books: Books) -> dict[str, Any]:
    """The books as they stand, without any personal data; the shape is in docs/sandbox-post.md."""
    now = now_ms()
    # The orders first: what is booked while the rest is read is told the next time, and never half.
    booked = books.rows("SELECT * FROM orders ORDER BY id")
    events: defaultdict[int, list[Any]] = defaultdict(list)
    for row in books.rows("SELECT * FROM events ORDER BY order_id, seq"):
        events[row["order_id"]].append(row)
    numbers: defaultdict[int, list[str]] = defaultdict(list)
    for row in books.rows("SELECT * FROM numbers ORDER BY order_id, place"):
        numbers[row["order_id"]].append(row["number"])
    unacknowledged = {row["order_id"]: row["open"] for row in books.rows(_OPEN_PUSHES, (now,))}
    orders = [
        _entry(row, numbers[row["id"]], events[row["id"]], now)
        | {"unacknowledged_pushes": unacknowledged.get(row["id"], 0)}
        for row in booked
    ]
    live = sum(order["cancelled_at"] is None for order in orders)
    return {"bookings": len(orders), "live": live, "orders": orders}


def _entry(order: sqlite3.Row, numbers: list[str], events: list[Any], now: int) -> dict[str, Any]:
    happened = [event for event in events if event["happens_ms"] <= now]
    return {
        "order_no": order["order_no"],
        "waybill_no": numbers[0],
        "numbers": numbers,
        "scenario": order["scenario"],
        "subscribed": bool(order["subscribed"]),
        "collected_at": _text(order["collected_ms"]),
        "cancelled_at": _text(order["cancelled_ms"]),
        "ended": bool(events) and len(happened) == len(events),
        "events": [event["code"] for event in happened],
        "event_list": [
            {
                "code": event["code"],
                "at": beijing(event["happens_ms"]),
                "number": event["number"],
                "told": bool(event["told"]),
            }
            for event in happened
        ],
        "pushed": sum(event["told"] for event in happened),
    }


def _text(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else beijing(epoch_ms)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(body, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - what callers turn into a 400
    return body


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
