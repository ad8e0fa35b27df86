"""A parcel's whole future, written down when it is collected.

The future is fixed in advance and becomes visible as real time passes, so no process has to be awake for a
parcel to move, and a killed server finds its parcels where a real post would have carried them.
"""

import math
import random
import sqlite3
import uuid
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from sandbox.ems.scenarios import SCENARIOS, Scenario

JITTER: Final = 0.2  # of a gap, upward only


@dataclass(frozen=True)
class Event:
    """Something that happens to a parcel at ``happens_ms`` (milliseconds since 1970)."""

    seq: int
    op_code: str
    happens_ms: int
    deliver_code: str
    attempt_code: str


@dataclass(frozen=True)
class Push:
    """One message about event ``seq``, not before ``due_ms``; two pushes may share a serial number."""

    seq: int
    serial_no: str
    due_ms: int


def plan(scenario: Scenario, start_ms: int, gap_seconds: float, dice: random.Random) -> list[Event]:
    """The events of a parcel collected at ``start_ms``, a second or more apart, so no two share an opTime."""
    gap_ms = math.ceil(gap_seconds * 1000)
    waits = (step.gaps * gap_ms + dice.randrange(int(gap_ms * JITTER)) * bool(step.gaps) for step in scenario.steps)
    times = accumulate(waits, initial=start_ms)
    next(times)  # the start itself is no event
    return [
        Event(
            seq,
            dice.choice((step.op_code, step.or_code or step.op_code)),
            happens_ms,
            step.deliver_code,
            step.attempt_code,
        )
        for seq, (step, happens_ms) in enumerate(zip(scenario.steps, times, strict=True))
    ]


def pushes_for(scenario: Scenario, events: list[Event], gap_seconds: float, dice: random.Random) -> list[Push]:
    """One push for each event as it happens, or the scrambled and doubled pushes of scenario 16."""
    pushes = [Push(event.seq, _serial(dice), event.happens_ms) for event in events]
    if scenario.scrambled:
        return _scramble(events, pushes, int(gap_seconds * 1000) // 4, dice)
    return [push for push in pushes if scenario.steps[push.seq].pushed]


def _scramble(events: list[Event], pushes: list[Push], pace_ms: int, dice: random.Random) -> list[Push]:
    """Hold everything back until the parcel is delivered, then tell it with 704 ahead of 702.

    One push comes twice under its own serial number (a repeat after a good acknowledgement), another twice
    under a new one.
    """
    order = dice.sample(pushes, len(pushes))
    place = {events[push.seq].op_code: index for index, push in enumerate(order)}
    out, done = place["702"], place["704"]
    if out < done:
        order[out], order[done] = order[done], order[out]
    again, anew = dice.sample(pushes, 2)
    for copy, serial_no in ((again, again.serial_no), (anew, _serial(dice))):
        index = dice.randint(order.index(copy) + 1, len(order))
        order.insert(index, Push(copy.seq, serial_no, copy.due_ms))
    start_ms = max(push.due_ms for push in pushes)
    return [Push(push.seq, push.serial_no, start_ms + pace_ms * index) for index, push in enumerate(order)]


def set_out(db: sqlite3.Connection, order: sqlite3.Row, start_ms: int, gap_seconds: float, seed: int) -> None:
    """Mark one order as collected and write its events and pushes, inside the caller's transaction."""
    scenario = SCENARIOS[order["scenario"]]
    dice = random.Random(f"{seed}:{order['order_no']}")  # noqa: S311 - a play that repeats, no secret
    events = plan(scenario, start_ms, gap_seconds, dice)
    db.execute("UPDATE orders SET collected_ms = ? WHERE id = ?", (start_ms, order["id"]))
    db.executemany(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
        [(order["id"], e.seq, e.op_code, e.happens_ms, e.deliver_code, e.attempt_code) for e in events],
    )
    db.executemany(
        "INSERT INTO pushes (order_id, seq, serial_no, next_ms) VALUES (?, ?, ?, ?)",
        [
            (order["id"], push.seq, push.serial_no, push.due_ms)
            for push in pushes_for(scenario, events, gap_seconds, dice)
        ],
    )


def _serial(dice: random.Random) -> str:
    return uuid.UUID(int=dice.getrandbits(128), version=4).hex
