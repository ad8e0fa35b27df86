"""Named places where a process may be killed in a test (FAULTS §3.1): around every commit and every call.

In production nothing is armed, and to pass a point is one comparison. A process is armed by its environment alone:
`ZHUANDI_CRASH=ask/sent,commit.unrung:3` names points (`:3`: at the third passage), and `ZHUANDI_CRASH_TEST` must name
the folder in which the process leaves a mark where it ended; without it the process refuses to start. At its point it
is killed by SIGKILL: nothing is rolled back, closed or flushed. `ask/sent:1:freeze` stops it instead (SIGSTOP), as a
machine does that sleeps. Where a mark lies already nobody dies again, so many processes can share one folder.
"""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

ARMED_BY, TEST = "ZHUANDI_CRASH", "ZHUANDI_CRASH_TEST"
OF, FREEZE = "/", "freeze"
"""Between the kind of a job or deed and its point: `shipment.book/sent`."""


class Point(StrEnum):
    """Everywhere a process may be told to die. What is passed for a kind of job or deed is named with it."""

    # each kind of job
    CLAIM_WRITTEN = "claim.written"
    CLAIMED = "claimed"
    OUTCOME_WRITTEN = "outcome.written"
    OUTCOME_COMMITTED = "outcome.committed"
    # each kind of job that speaks
    CONNECTING = "connecting"
    SENT = "sent"
    ACCEPTED = "accepted"  # the other side has done what it was asked, and its answer is not read
    ANSWERED = "answered"
    # each kind of job that keeps its calls
    INTENT_WRITTEN = "intent.written"
    INTENT_COMMITTED = "intent.committed"
    PARSED = "parsed"
    # each deed
    WRITTEN = "written"
    COMMITTED = "committed"
    # once each
    UNRUNG = "commit.unrung"
    RINGING = "bell.ringing"
    MID_BATCH = "bell.mid_batch"
    RUNG = "bell.rung"
    TICK = "clock.read"
    TOCK = "clock.rung"
    GATHERED = "case.gathered"
    SEALED = "shipment.sealed"
    DOUBTED = "shipment.doubted"
    NUMBER_TAKEN = "number.taken"
    LABEL_STORED = "label.stored"
    VOIDED = "number.voided"
    CLOSED = "case.closed"
    PUSH_ACKNOWLEDGED = "push.acknowledged"


JOB_POINTS = (Point.CLAIM_WRITTEN, Point.CLAIMED, Point.OUTCOME_WRITTEN, Point.OUTCOME_COMMITTED)
LINE_POINTS = (Point.CONNECTING, Point.SENT, Point.ACCEPTED, Point.ANSWERED)
CALL_POINTS = (Point.INTENT_WRITTEN, Point.INTENT_COMMITTED, Point.PARSED)
DEED_POINTS = (Point.WRITTEN, Point.COMMITTED)
SINGLE_POINTS = tuple(
    point for point in Point if point not in {*JOB_POINTS, *LINE_POINTS, *CALL_POINTS, *DEED_POINTS}
)


class Deed(StrEnum):
    """A transaction outside of a job's own outcome: at a door, at the desk, or in the middle of a job."""

    LODGE = "case.lodge"
    RELEASE = "case.release"
    CLEAR = "item.clear"
    WITHDRAW = "item.withdraw"
    PRINT = "shipment.print"
    PACK = "shipment.pack"
    HAND_OVER = "shipment.hand_over"
    VOID = "shipment.void"
    RECEIVED = "shipment.received"
    PUSH = "push.receive"
    NEWS = "push.apply"
    TAKE_ERRAND = "errand.take"
    REPORT = "errand.report"
    HEALTH = "breaker.report"
    FORGET = "forget.batch"
    LATE_ANSWER = "answer.late"


@dataclass
class Armed:
    """What is to happen in this process, and where it is written down."""

    passages: dict[str, int]
    freezing: frozenset[str]
    marks: Path
    working: threading.local = field(default_factory=threading.local)
    alone: threading.Lock = field(default_factory=threading.Lock)

    def passed(self, point: Point, of: str) -> None:
        """Die here, if it is the passage that was named."""
        kind, subject = getattr(self.working, "on", ("", ""))
        for name in (str(point), f"{of or kind}{OF}{point}"):
            if name not in self.passages:
                continue
            with self.alone:  # who dies holds it: nobody else leaves a mark or dies elsewhere
                self.passages[name] -= 1
                if not self.passages[name]:
                    self.die(name, subject)

    def die(self, name: str, subject: str) -> None:
        """Or freeze, unless somebody has died here already. The mark is complete before that."""
        try:
            with mark_of(self.marks, name).open("x") as mark:
                mark.write(f"{os.getpid()}\t{subject}")
                mark.flush()
                os.fsync(mark.fileno())
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGSTOP if name in self.freezing else signal.SIGKILL)


def mark_of(marks: Path, name: str) -> Path:
    """Where a process writes its id, a tab and the subject it worked on when it dies at the point of this name."""
    return marks / name.replace(OF, "+")


def read_arms(environment: Mapping[str, str]) -> Armed | None:
    """What the environment arms; None where it names no point. Leaves the process where no test is named."""
    told = environment.get(ARMED_BY)
    if not told:
        return None
    if not environment.get(TEST):
        raise SystemExit(f"错误：{ARMED_BY} 会让进程中途被杀，只能在测试里用。正式运行请去掉它。")
    points = [name.split(":") for name in told.split(",")]
    passages = {name: int(further[0]) if further else 1 for name, *further in points}
    return Armed(passages, frozenset(name for name, *further in points if FREEZE in further), Path(environment[TEST]))


_armed = read_arms(os.environ)


def arm(environment: Mapping[str, str]) -> None:
    """Arm this process anew, for one that was forked after this module was loaded."""
    global _armed  # noqa: PLW0603 - the one thing that `reach` compares
    _armed = read_arms(environment)


def reach(point: Point, of: str = "") -> None:
    """The process is here. `of`: the kind of job or deed, where it is not that of the job this thread works on."""
    if _armed is not None:
        _armed.passed(point, of)


def work_on(kind: str, subject: str) -> None:
    """What this thread works on from now on: whose points it passes."""
    if _armed is not None:
        _armed.working.on = (kind, subject)


def sending() -> dict[str, Any]:
    """Extensions of a request: the wire tells when the whole of it has left. Nothing where nothing is armed."""
    if _armed is None:
        return {}
    return {"trace": _traced}


def _traced(event: str, _told: Mapping[str, Any]) -> None:
    if event.endswith("send_request_body.complete"):
        reach(Point.SENT)
