"""A parcel and what happened to it, as the protocols see them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.post.clock import beijing, now_ms
from sandbox.post.ledger.books import Books


@dataclass(frozen=True)
class Parcel:
    """One order. ``numbers`` are all its waybill numbers, the leading one first; times in milliseconds."""

    id: int
    order_no: str
    numbers: tuple[str, ...]
    scenario: str
    extra: Mapping[str, Any]
    subscribed: bool
    booked_ms: int
    collected_ms: int | None
    cancelled_ms: int | None

    @property
    def number(self) -> str:
        """The leading waybill number."""
        return self.numbers[0]


@dataclass(frozen=True)
class Event:
    """Something that happened to a parcel, under ``number`` (usually the parcel's leading one)."""

    seq: int
    code: str
    happens_ms: int
    number: str
    extra: Mapping[str, Any]

    @property
    def at(self) -> str:
        """``yyyy-MM-dd HH:mm:ss`` in Beijing time."""
        return beijing(self.happens_ms)


def parcel_where(books: Books, condition: str, value: str | int) -> Parcel | None:
    """The one parcel whose row fulfils an SQL condition with one placeholder."""
    rows = books.rows(f"SELECT * FROM orders WHERE {condition}", (value,))  # noqa: S608 - conditions are ours
    return parcel_of(books, rows[0]) if rows else None


def parcel_of(books: Books, row: sqlite3.Row) -> Parcel:
    """The parcel of a row of ``orders``."""
    numbers = books.rows("SELECT number FROM numbers WHERE order_id = ? ORDER BY place", (row["id"],))
    return Parcel(
        id=row["id"],
        order_no=row["order_no"],
        numbers=tuple(number["number"] for number in numbers),
        scenario=row["scenario"],
        extra=json.loads(row["extra"]),
        subscribed=bool(row["subscribed"]),
        booked_ms=row["booked_ms"],
        collected_ms=row["collected_ms"],
        cancelled_ms=row["cancelled_ms"],
    )


def history_of(books: Books, parcel: Parcel, last_seq: int | None = None) -> tuple[Event, ...]:
    """What happened until now, or the story up to and with one event, oldest first."""
    if last_seq is None:
        sql, value = "happens_ms <= ?", now_ms()
    else:
        sql, value = "seq <= ?", last_seq
    rows = books.rows(f"SELECT * FROM events WHERE order_id = ? AND {sql} ORDER BY seq", (parcel.id, value))  # noqa: S608
    return tuple(
        Event(row["seq"], row["code"], row["happens_ms"], row["number"], json.loads(row["extra"])) for row in rows
    )
