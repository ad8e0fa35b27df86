"""Workers that sleep with a carrier's answer in their hands until others have taken over, and die when they wake."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from dispatch.crash import FREEZE, mark_of
from dispatch.journey import Stage
from dispatch.shipment import Shipment
from tests.crash.desk import Desk, case_no
from tests.crash.house import LOOK_SECONDS, House, died_over
from tests.crash.points import FREEZE_AT, Role

PATIENCE_SECONDS = 180


@dataclass
class Sleeper:
    """A worker of its own, and the point at which it is to die after its sleep."""

    point: str
    marks: Path
    pid: int

    @property
    def sleeps(self) -> bool:
        return mark_of(self.marks, FREEZE_AT).exists()


def freeze(house: House, desk: Desk, points: Sequence[str], first: int) -> None:
    """A sleeper for each point, over a case of its own; the cases are numbered from `first`.

    In a quiet house: who is frozen in the middle of another transaction holds its locks for as long as it sleeps.
    """
    house.dismiss(Role.WORKER)
    sleepers = []
    for number, point in enumerate(points, first):
        sleepers.append(sleeper := _put_to_bed(house, point))
        desk.lodge("ems", number)
        desk.release([case_no("ems", number)])
        _await(house, lambda sleeper=sleeper: sleeper.sleeps)
    house.call_back(Role.WORKER)
    _await(house, lambda: not _booking(house))
    for sleeper in sleepers:
        os.kill(sleeper.pid, signal.SIGCONT)
    _await(house, lambda: all(house.nursery.ended(sleeper.pid) is not None for sleeper in sleepers))
    for sleeper in sleepers:
        house.nursery.kill(sleeper.pid)
        if (subject := died_over(sleeper.marks, sleeper.point, sleeper.pid)) is not None and sleeper.sleeps:
            house.bury(sleeper.point, subject)


def _put_to_bed(house: House, point: str) -> Sleeper:
    marks = house.marks / mark_of(Path(), f"asleep for {point}")
    marks.mkdir()
    arms = f"{FREEZE_AT}:1:{FREEZE},{point}"
    return Sleeper(point, marks, house.start_armed(Role.WORKER, arms, marks))


def _await(house: House, happened: Callable[[], bool]) -> None:
    """Or not: then nobody died at the point, and its cell says so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened() and time.monotonic() < deadline:
        house.keep()
        time.sleep(LOOK_SECONDS)


def _booking(house: House) -> bool:
    with house.world.reading() as session:
        return session.scalar(select(Shipment.id).where(Shipment.stage == Stage.BOOKING).limit(1)) is not None
