"""Which pushes go out together now, what fault each suffers, and what is noted afterwards."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.post.clock import now_ms
from sandbox.post.faults import Switches
from sandbox.post.ledger.books import Books
from sandbox.post.ledger.parcel import history_of, parcel_where
from sandbox.post.protocol import Message, News, PostProtocol, Seal

# How carriers repeat a failed push is mostly unpublished: growth and cap are unconfirmed.
GROWTH: Final = 2.0
LONGEST_WAIT_SECONDS: Final = 5.0
SPOILED_TRIES: Final = 4  # for a wrong number and a wrong signature, which nobody need ever acknowledge
MORE: Final = {"duplicated": 1, "unsatisfied": 4}  # sent again although acknowledged
SEALS: Final[dict[str, Seal]] = {"bad_signature": "wrong", "old_signature": "old"}
NEVER_TELLS: Final = frozenset({"wrong_number", "bad_signature"})
NOBODYS: Final = 900_000_000  # a waybill number beyond all that are ever issued

# A held push waits until a later event of its parcel was told, or the story is over.
_OPEN: Final = """
SELECT p.*, o.order_no FROM pushes p JOIN orders o ON o.id = p.order_id
WHERE p.closed_ms IS NULL AND o.subscribed AND p.next_ms <= :now AND (
    NOT p.held
    OR EXISTS (SELECT 1 FROM events e WHERE e.order_id = p.order_id AND e.seq > p.seq AND e.told)
    OR NOT EXISTS (SELECT 1 FROM events e WHERE e.order_id = p.order_id AND e.happens_ms > :now)
) AND p.order_id NOT IN (SELECT value FROM json_each(:busy)) AND {} ORDER BY p.next_ms, p.id LIMIT 128
"""
_NEW: Final = _OPEN.format("p.attempts = 0 AND p.fault IS NULL")
_FRESH: Final = _OPEN.format("p.attempts = 0 AND p.fault IS NOT NULL")
_AGAIN: Final = _OPEN.format("p.attempts > 0")
_NEXT: Final = """
SELECT next_ms FROM pushes p JOIN orders o ON o.id = p.order_id
WHERE p.closed_ms IS NULL AND o.subscribed ORDER BY p.next_ms LIMIT 1
"""
_TOLD: Final = "UPDATE events SET told = 1 WHERE order_id = ? AND seq = ?"
_TOLD_UNTIL: Final = "UPDATE events SET told = 1 WHERE order_id = ? AND seq <= ?"
_SUPERSEDED: Final = """
UPDATE pushes SET closed_ms = ? WHERE order_id = ? AND seq <= ? AND closed_ms IS NULL AND attempts > 0 AND fault = ''
"""


@dataclass(frozen=True)
class Batch:
    """Pushes that go out in one call."""

    rows: tuple[sqlite3.Row, ...]
    again: bool

    @property
    def parcels(self) -> frozenset[int]:
        """Order ids."""
        return frozenset(row["order_id"] for row in self.rows)

    @property
    def fault(self) -> str:
        """A faulted push travels alone, so there is one for the batch."""
        return str(self.rows[0]["fault"])


def meet_their_fate(books: Books, switches: Switches, late_seconds: float) -> None:
    """Decide for each push that has become due what fault it suffers, before it is tried for the first time."""
    new = books.rows(_NEW, {"now": now_ms(), "busy": "[]"})
    if not new:
        return
    with books.writing() as db:
        for row in new:
            fault = switches.of_push(f"{row['order_no']}:{row['seq']}")
            next_ms = row["next_ms"] + int(late_seconds * 1000) * (fault == "late")
            db.execute(
                "UPDATE pushes SET fault = ?, held = ?, more = ?, next_ms = ?, closed_ms = ? WHERE id = ?",
                (
                    *(fault, fault == "out_of_order", MORE.get(fault, 0), next_ms),
                    *(now_ms() if fault == "lost" else None, row["id"]),
                ),
            )


def due(books: Books, busy: Sequence[int], *, again: bool) -> list[sqlite3.Row]:
    """Pushes to be sent now, of parcels that have none under way."""
    return books.rows(_AGAIN if again else _FRESH, {"now": now_ms(), "busy": json.dumps(busy)})


def next_ms(books: Books) -> int | None:
    """When the next push is due; None where none is open."""
    rows = books.rows(_NEXT)
    return int(rows[0]["next_ms"]) if rows else None


def batches(rows: Iterable[sqlite3.Row], protocol: PostProtocol[Any], *, again: bool) -> list[Batch]:
    """Due pushes put into calls; a parcel is in one call only, and a faulted push travels alone."""
    calls: list[list[sqlite3.Row]] = []
    homes: dict[int, list[sqlite3.Row]] = {}  # by order id: the call that the parcel is in
    shared: list[sqlite3.Row] = []  # the call that others may still join
    for row in rows:
        call = homes.get(row["order_id"], shared)
        if not row["fault"] and _has_room(call, row["order_id"], protocol):
            call.append(row)
        elif row["order_id"] not in homes:
            call = [row]
            calls.append(call)
            shared = shared if row["fault"] else call
        homes[row["order_id"]] = call
    return [Batch(tuple(call), again) for call in calls]


def message(books: Books, batch: Batch, protocol: PostProtocol[Any]) -> Message:
    """What a call tells."""
    rows = batch.rows
    if protocol.tells_history:  # the latest story of each parcel holds the earlier ones
        rows = tuple({row["order_id"]: row for row in sorted(rows, key=lambda row: int(row["seq"]))}.values())
    return Message(tuple(_news(books, row, protocol) for row in rows), SEALS.get(batch.fault, "right"))


def note(books: Books, batch: Batch, protocol: PostProtocol[Any], *, acknowledged: bool) -> None:
    """Close what is done with, and say when the rest is sent again."""
    now = now_ms()
    told = acknowledged and batch.fault not in NEVER_TELLS
    with books.writing() as db:
        for row in batch.rows:
            closed = _is_done(row, protocol, acknowledged=acknowledged)
            db.execute(
                "UPDATE pushes SET attempts = attempts + 1, more = ?, next_ms = ?, closed_ms = ? WHERE id = ?",
                (row["more"] - acknowledged, now + _wait_ms(row, protocol), now if closed else None, row["id"]),
            )
            if told:
                db.execute(_TOLD_UNTIL if protocol.tells_history else _TOLD, (row["order_id"], row["seq"]))
            if told and protocol.tells_history:  # what failed before is told by this one
                db.execute(_SUPERSEDED, (now, row["order_id"], row["seq"]))


def _has_room(call: list[sqlite3.Row], order_id: int, protocol: PostProtocol[Any]) -> bool:
    if not call or call[0]["fault"]:
        return False
    parcels = {row["order_id"] for row in call}
    if protocol.tells_history:
        return order_id in parcels or len(parcels) < protocol.pushes_at_once
    return len(call) < protocol.pushes_at_once


def _news(books: Books, row: sqlite3.Row, protocol: PostProtocol[Any]) -> News:
    parcel = parcel_where(books, "id = ?", row["order_id"])
    if parcel is None:
        raise AssertionError("a push has a parcel")
    history = history_of(books, parcel, row["seq"])
    (last,) = books.rows("SELECT max(seq) AS seq FROM events WHERE order_id = ?", (parcel.id,))
    number, order_no = history[-1].number, parcel.order_no
    if row["fault"] == "wrong_number":
        number = order_no = protocol.play.number(NOBODYS + row["id"])
    return News(
        parcel=parcel,
        event=history[-1],
        history=history,
        number=number,
        order_no=order_no,
        serial_no=row["serial_no"],
        is_last=row["seq"] == last["seq"],
    )


def _is_done(row: sqlite3.Row, protocol: PostProtocol[Any], *, acknowledged: bool) -> bool:
    if acknowledged:
        return bool(row["more"] == 0)
    tries = SPOILED_TRIES if row["fault"] in NEVER_TELLS else protocol.settings.push_tries
    return bool(tries and row["attempts"] + 1 >= tries)


def _wait_ms(row: sqlite3.Row, protocol: PostProtocol[Any]) -> int:
    if row["fault"] == "duplicated" and row["more"]:
        return 0
    seconds = protocol.settings.push_retry_seconds * GROWTH ** min(row["attempts"], 16)
    return int(min(seconds, LONGEST_WAIT_SECONDS) * 1000)
