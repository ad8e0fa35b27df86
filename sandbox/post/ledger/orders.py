"""Orders: booked once, cancelled, subscribed to, and looked up."""

import hashlib
import hmac
import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sandbox.post.clock import now_ms
from sandbox.post.faults import NOT_PROCESSED, roll
from sandbox.post.ledger import carry
from sandbox.post.ledger.books import Books
from sandbox.post.ledger.draft import CutShortError, Draft, Outcome, Placed
from sandbox.post.ledger.parcel import Event, Parcel, history_of, parcel_where
from sandbox.post.settings import PostSettings
from sandbox.post.story import Play, Step, choose, plan


class Orders:
    """All that a protocol asks of the books. Everything is committed before a method returns."""

    def __init__(self, books: Books, settings: PostSettings, play: Play) -> None:
        """One for each post."""
        self._books = books
        self._settings = settings
        self._play = play

    def place(self, draft: Draft) -> Placed:
        """Book an order, or find it again; CutShortError where the scenario spoils the first call."""
        digest = self._digest(draft.content)
        first_call = ""
        with self._books.writing() as db:
            known = db.execute("SELECT digest FROM orders WHERE order_no = ?", (draft.order_no,)).fetchone()
            if known is None and (taken := _owner(db, draft.numbers)):
                return Placed(self._get("order_no = ?", taken), Outcome.NUMBER_TAKEN)
            if known is None:
                first_call = self._book(db, draft, digest)
        if first_call:
            raise CutShortError(first_call)
        parcel = self._get("order_no = ?", draft.order_no)
        return Placed(parcel, Outcome.BOOKED if known is None else self._again(draft.order_no, known, digest))

    def find(self, order_no: str) -> Parcel | None:
        """The parcel of an order number."""
        return parcel_where(self._books, "order_no = ?", order_no)

    def by_number(self, number: str) -> Parcel | None:
        """The parcel that has this waybill number, leading or not."""
        return parcel_where(self._books, "id = (SELECT order_id FROM numbers WHERE number = ?)", number)

    def history(self, parcel: Parcel, last_seq: int | None = None) -> tuple[Event, ...]:
        """What happened until now (or up to and with event ``last_seq``), oldest first."""
        return history_of(self._books, parcel, last_seq)

    def cancel(self, parcel: Parcel, step: Step | None = None) -> bool:
        """Cancel before collection: True, also when it was cancelled before; False once it is collected.

        ``step`` is what a cancelled parcel's trace shows; it happens, and is pushed, once.
        """
        with self._books.writing() as db:
            order = db.execute("SELECT * FROM orders WHERE id = ?", (parcel.id,)).fetchone()
            if order["collected_ms"] is not None or order["cancelled_ms"] is not None:
                return order["cancelled_ms"] is not None
            now = now_ms()
            db.execute("UPDATE orders SET cancelled_ms = ? WHERE id = ?", (now, parcel.id))
            if step:
                self._tell_at_once(db, parcel, step, now)
        return True

    def note(self, parcel: Parcel, **extra: Any) -> None:
        """Add to the parcel's ``extra``; no personal data."""
        with self._books.writing() as db:
            _note(db, parcel.id, extra)

    def subscribe(self, number: str, *, hint: str = "", extra: Mapping[str, Any] | None = None) -> Parcel:
        """From now on this number is pushed, from its first event on; a number that is new is written down.

        It moves only when it is presented at the counter, before or after. ``extra`` is added to the parcel's.
        """
        with self._books.writing() as db:
            row = db.execute("SELECT order_id FROM numbers WHERE number = ?", (number,)).fetchone()
            order_id = row["order_id"] if row else self._adopt(db, number, hint)
            db.execute("UPDATE orders SET subscribed = 1 WHERE id = ?", (order_id,))
            _note(db, order_id, extra or {})
        return self._get("id = ?", order_id)

    def collect(self, numbers: list[str]) -> dict[str, list[str]]:
        """Collect parcels by waybill or order number: ``{"collected", "already", "unknown"[, "cancelled"]}``.

        A parcel sets out once; to present it again changes nothing, and a cancelled one never sets out.
        """
        answer: dict[str, list[str]] = {"collected": [], "already": [], "unknown": []}
        with self._books.writing() as db:
            for number in numbers:
                answer.setdefault(self._collect(db, number), []).append(number)
        return answer

    def _collect(self, db: sqlite3.Connection, number: str) -> str:
        order = db.execute(_ORDER_AT_COUNTER, (number, number)).fetchone()
        if order is None and self._play.adopts(number) is not None:
            self._adopt(db, number, "")
            order = db.execute(_ORDER_AT_COUNTER, (number, number)).fetchone()
        if order is None:
            return "unknown"
        if order["cancelled_ms"] is not None:
            return "cancelled"
        if order["collected_ms"] is not None:
            return "already"
        carry.set_out(db, order, now_ms(), self._play, self._settings, lambda: self._issue(db))
        return "collected"

    def _book(self, db: sqlite3.Connection, draft: Draft, digest: bytes) -> str:
        """Write the order; gives the answer fault of its scenario's first call."""
        scenario = choose(self._play.scenarios, draft.hint, draft.order_no, self._settings.seed)
        is_spoiled = scenario.first_call and _is_first_call(db, draft.order_no)
        if is_spoiled and scenario.first_call in NOT_PROCESSED:
            return scenario.first_call
        numbers = draft.numbers or tuple(self._issue(db) for _ in range(draft.issue))
        subscribed = not self._play.only_subscribed
        _insert(db, draft.order_no, numbers, digest, scenario.number, draft.extra, subscribed=subscribed)
        return scenario.first_call if is_spoiled else ""

    def _adopt(self, db: sqlite3.Connection, number: str, hint: str) -> int:
        """Write down a number that no order of this post made: a tracker's parcel, chosen by its own digits."""
        scenario = choose(self._play.scenarios, hint or number, number, self._settings.seed)
        extra = self._play.adopts(number) or {}
        subscribed = not self._play.only_subscribed
        return _insert(db, number, (number,), b"", scenario.number, extra, subscribed=subscribed)

    def _again(self, order_no: str, known: sqlite3.Row, digest: bytes) -> Outcome:
        if not hmac.compare_digest(known["digest"], digest):
            return Outcome.OTHER_CONTENT
        drawn = roll(self._settings.seed, "duplicate_error", order_no) < self._settings.faults.duplicate_error
        return Outcome.DUPLICATE if drawn or self._settings.repeat_order == "duplicate_error" else Outcome.SAME

    def _digest(self, content: Any) -> bytes:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._settings.secret().encode(), text.encode(), hashlib.sha256).digest()

    def _issue(self, db: sqlite3.Connection) -> str:
        sql = "UPDATE counters SET value = value + 1 WHERE name = 'waybill' RETURNING value"
        return self._play.number(db.execute(sql).fetchone()["value"])

    def _tell_at_once(self, db: sqlite3.Connection, parcel: Parcel, step: Step, now: int) -> None:
        dice = random.Random(f"{self._settings.seed}:{parcel.order_no}")  # noqa: S311 - a play, no secret
        events = plan((replace(step, gaps=0),), now, self._settings.gap_seconds, dice)
        carry.write(db, parcel.id, events, (parcel.number, parcel.number))
        if step.pushed and self._play.pushes:
            carry.push(db, parcel.id, [carry.Push(0, carry.serial(dice), now)])

    def _get(self, condition: str, value: str | int) -> Parcel:
        parcel = parcel_where(self._books, condition, value)
        if parcel is None:
            raise AssertionError("written a moment ago")
        return parcel


_ORDER_AT_COUNTER = """
SELECT * FROM orders WHERE id = coalesce(
    (SELECT order_id FROM numbers WHERE number = ?), (SELECT id FROM orders WHERE order_no = ?))
"""


def _owner(db: sqlite3.Connection, numbers: tuple[str, ...]) -> str | None:
    sql = "SELECT order_no FROM orders JOIN numbers ON orders.id = order_id WHERE number = ?"
    owners: Iterator[Any] = (db.execute(sql, (number,)).fetchone() for number in numbers)
    return next((str(owner["order_no"]) for owner in owners if owner), None)


def _is_first_call(db: sqlite3.Connection, order_no: str) -> bool:
    return db.execute("INSERT OR IGNORE INTO first_calls VALUES (?)", (order_no,)).rowcount == 1


def _insert(
    db: sqlite3.Connection,
    order_no: str,
    numbers: tuple[str, ...],
    digest: bytes,
    scenario: str,
    extra: Mapping[str, Any],
    *,
    subscribed: bool,
) -> int:
    sql = (
        "INSERT INTO orders (order_no, digest, scenario, extra, subscribed, booked_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
    )
    values = (order_no, digest, scenario, json.dumps(dict(extra)), subscribed, now_ms())
    order_id: int = db.execute(sql, values).fetchone()["id"]
    db.executemany(
        "INSERT INTO numbers VALUES (?, ?, ?)", [(number, order_id, place) for place, number in enumerate(numbers)]
    )
    return order_id


def _note(db: sqlite3.Connection, order_id: int, extra: Mapping[str, Any]) -> None:
    row = db.execute("SELECT extra FROM orders WHERE id = ?", (order_id,)).fetchone()
    merged = json.dumps({**json.loads(row["extra"]), **extra})
    db.execute("UPDATE orders SET extra = ? WHERE id = ?", (merged, order_id))
