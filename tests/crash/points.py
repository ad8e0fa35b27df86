"""All points of the service, listed from its own code, and which process is to die there."""

from collections.abc import Iterable
from enum import StrEnum

from dispatch.crash import CALL_POINTS, DEED_POINTS, JOB_POINTS, LINE_POINTS, OF, SINGLE_POINTS, Deed, Point
from dispatch.errands.report import PUSH
from dispatch.label.printer import SEND
from dispatch.shipment import BOOK
from workers.jobs import JOBS


class Role(StrEnum):
    """Whose process dies; those of the desk are commands, which a clerk repeats."""

    API = "api"
    WORKER = "worker"
    CLOCK = "clock"
    RELEASE = "release"
    CLEAR = "clear-item"
    WITHDRAW = "withdraw-item"
    PRINT = "print"
    PACK = "pack"
    HAND_OVER = "hand-over"
    RELABEL = "relabel"
    RECEIVED = "received"
    FROZEN = "frozen worker"


SERVANTS = (Role.API, Role.WORKER, Role.CLOCK)
"""Processes that are always there; the others are commands."""
BY_DEED = {
    Deed.LODGE: Role.API,
    Deed.PUSH: Role.API,
    Deed.TAKE_ERRAND: Role.API,
    Deed.REPORT: Role.API,
    Deed.RELEASE: Role.RELEASE,
    Deed.CLEAR: Role.CLEAR,
    Deed.WITHDRAW: Role.WITHDRAW,
    Deed.PRINT: Role.PRINT,
    Deed.PACK: Role.PACK,
    Deed.HAND_OVER: Role.HAND_OVER,
    Deed.VOID: Role.RELABEL,
    Deed.RECEIVED: Role.RECEIVED,
    Deed.NEWS: Role.WORKER,
    Deed.HEALTH: Role.WORKER,
    Deed.FORGET: Role.WORKER,
    Deed.LATE_ANSWER: Role.FROZEN,
}
BY_POINT = {
    Point.UNRUNG: Role.API,
    Point.RINGING: Role.API,
    Point.RUNG: Role.WORKER,
    Point.MID_BATCH: Role.CLOCK,
    Point.TICK: Role.CLOCK,
    Point.TOCK: Role.CLOCK,
    Point.PUSH_ACKNOWLEDGED: Role.API,
    Point.GATHERED: Role.WORKER,
    Point.SEALED: Role.WORKER,
    Point.DOUBTED: Role.WORKER,
    Point.NUMBER_TAKEN: Role.WORKER,
    Point.LABEL_STORED: Role.WORKER,
    Point.VOIDED: Role.WORKER,
    Point.CLOSED: Role.WORKER,
}
FREEZE_AT = f"{BOOK}{OF}{Point.PARSED}"
KEEPS_NO_CALLS = {PUSH}
"""News to ourselves over our own door: their rows say what was heard."""

TO_A_PRINTER = {SEND}
"""Jobs that speak, and to no carrier: they have no lane."""


def speaking() -> set[str]:
    """The jobs that speak to the outside."""
    return {name for name, kind in JOBS.items() if kind.speaks} | TO_A_PRINTER


def listed() -> dict[str, Role]:
    """Every point by its name, in the order of the code. Raises KeyError for one that no process is to die at."""
    found = {f"{name}{OF}{point}": Role.WORKER for name in JOBS for point in _of_job(name)}
    found |= {f"{deed}{OF}{point}": BY_DEED[deed] for deed in Deed for point in DEED_POINTS}
    return found | {str(point): BY_POINT[point] for point in SINGLE_POINTS}


def _of_job(name: str) -> Iterable[Point]:
    yield from JOB_POINTS
    if name in speaking():
        yield from LINE_POINTS
        if name not in KEEPS_NO_CALLS:
            yield from CALL_POINTS
