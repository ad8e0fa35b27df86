"""A parcel's whole future, written down when it is collected.

The future is fixed in advance and becomes visible as real time passes, so no process has to be awake for a
parcel to move, and a killed server finds its parcels where a real post would have carried them.
"""

import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.post.faults import roll
from sandbox.post.settings import PostSettings
from sandbox.post.story import Happening, Play, Scenario, Step, plan


@dataclass(frozen=True)
class Push:
    """One message about event ``seq``, not before ``due_ms``; two pushes may share a serial number."""

    seq: int
    serial_no: str
    due_ms: int


def pushes_for(
    scenario: Scenario, events: Sequence[Happening], gap_seconds: float, dice: random.Random
) -> list[Push]:
    """One push for each event as it happens; scrambled and doubled where the scenario says so."""
    pushes = [Push(event.seq, serial(dice), event.happens_ms) for event in events]
    if scenario.scrambled:
        return _scramble(pushes, int(gap_seconds * 1000) // 4, dice)
    return [push for push, event in zip(pushes, events, strict=True) if event.step.pushed]


def _scramble(pushes: list[Push], pace_ms: int, dice: random.Random) -> list[Push]:
    """Hold everything back until the story is over, then tell it with the last event ahead of the one before.

    One push comes twice under its own serial number (a repeat after a good acknowledgement), another twice
    under a new one.
    """
    order = dice.sample(pushes, len(pushes))
    before, last = order.index(pushes[-2]), order.index(pushes[-1])
    if before < last:
        order[before], order[last] = order[last], order[before]
    again, anew = dice.sample(pushes, 2)
    for copy, serial_no in ((again, again.serial_no), (anew, serial(dice))):
        index = dice.randint(order.index(copy) + 1, len(order))
        order.insert(index, Push(copy.seq, serial_no, copy.due_ms))
    start_ms = max(push.due_ms for push in pushes)
    return [Push(push.seq, push.serial_no, start_ms + pace_ms * index) for index, push in enumerate(order)]


def set_out(
    db: sqlite3.Connection,
    order: sqlite3.Row,
    start_ms: int,
    play: Play,
    settings: PostSettings,
    issue: Callable[[], str],
) -> None:
    """Mark one order as collected and write its future, inside the caller's transaction."""
    scenario = play.scenarios[order["scenario"]]
    dice = random.Random(f"{settings.seed}:{order['order_no']}")  # noqa: S311 - a play that repeats, no secret
    steps = (*scenario.steps, *_revocation(scenario, play, settings, order["order_no"]))
    events = plan(steps, start_ms, settings.gap_seconds, dice)
    db.execute("UPDATE orders SET collected_ms = ? WHERE id = ?", (start_ms, order["id"]))
    write(db, order["id"], events, _numbers(db, order["id"], steps, issue))
    if play.pushes:
        push(db, order["id"], pushes_for(scenario, events, settings.gap_seconds, dice))


def write(db: sqlite3.Connection, order_id: int, events: Sequence[Happening], numbers: tuple[str, str]) -> None:
    """Events into the books; ``numbers`` are those of usual and of renumbered steps."""
    db.executemany(
        "INSERT INTO events (order_id, seq, code, happens_ms, number, extra) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                *(order_id, event.seq, event.code, event.happens_ms, numbers[event.step.renumbered]),
                json.dumps(dict(event.step.extra)),
            )
            for event in events
        ],
    )


def push(db: sqlite3.Connection, order_id: int, pushes: Sequence[Push]) -> None:
    """Pushes into the books."""
    db.executemany(
        "INSERT INTO pushes (order_id, seq, serial_no, next_ms) VALUES (?, ?, ?, ?)",
        [(order_id, push.seq, push.serial_no, push.due_ms) for push in pushes],
    )


def _revocation(scenario: Scenario, play: Play, settings: PostSettings, order_no: str) -> tuple[Step, ...]:
    step = play.revoked_by.get(scenario.steps[-1].code)
    if step is None or scenario.scrambled:
        return ()
    return (step,) if roll(settings.seed, "revoked", order_no) < settings.faults.revoked else ()


def _numbers(
    db: sqlite3.Connection, order_id: int, steps: Sequence[Step], issue: Callable[[], str]
) -> tuple[str, str]:
    """The leading number, and the one of renumbered steps, issued here where a step asks for it."""
    sql = "SELECT number FROM numbers WHERE order_id = ? ORDER BY place"
    known = [row["number"] for row in db.execute(sql, (order_id,))]
    if not any(step.renumbered for step in steps):
        return known[0], known[0]
    second = issue()
    db.execute("INSERT INTO numbers VALUES (?, ?, ?)", (second, order_id, len(known)))
    return known[0], second


def serial(dice: random.Random) -> str:
    """32 hexadecimal digits."""
    return uuid.UUID(int=dice.getrandbits(128), version=4).hex
