"""One run: all points of a list on one broker. Cases go through while processes die, and the books are compared."""

import logging
import os
import signal
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import select

from dispatch.crash import ARMED_BY, FREEZE, JOB_POINTS, TEST
from dispatch.journey import Stage
from dispatch.reconcile.begin import LOOK_THROUGH, begin_by_hand
from dispatch.reconcile.left import all_sent, finish
from dispatch.shipment import RECALL, Shipment
from tests.crash.books import compare, drained
from tests.crash.brokers import Broker
from tests.crash.desk import BY, CARRIERS, LAW, Desk, case_no
from tests.crash.house import KILLED, LOOK_SECONDS, Dead, House, open_house
from tests.crash.points import FREEZE_AT, Role, listed
from tests.storm.books import books_of
from zhuandi.practice import read_practice

PER_CARRIER = 16
LIMIT_SECONDS = 900  # a guard and not an aim
STILL_SECONDS = 180  # so long nobody has died: what is armed is not reached
NOT_REACHED = "not reached"
AFTER = 500  # numbers of the cases that come after a restore
SET_BACK = (RECALL, LOOK_THROUGH)
"""Jobs that there are only after the database was set back to an earlier time."""

log = logging.getLogger("crash")


@dataclass(frozen=True)
class Result:
    """A cell for each point, and whatever else was not as it should be."""

    cells: dict[str, str]
    strange: list[str]
    seconds: float


def run(broker: Broker, points: Collection[str]) -> Result:
    """Die at each of these points on this broker, and count."""
    began = time.monotonic()
    waiting: dict[Role, set[str]] = {}
    for name, role in listed().items():
        if name in points:
            waiting.setdefault(role, set()).add(name)
    frozen = waiting.pop(Role.FROZEN, set())
    with (
        tempfile.TemporaryDirectory(prefix="crash-") as folder,
        open_house(Path(folder), broker, waiting) as house,
        httpx2.Client(timeout=10, trust_env=False) as http,
    ):
        desk = Desk(house, http)
        posts = {name: read_practice(house.home).url(name) for name in ("ems", "sf")}
        _send_everything(desk)
        _live_through(house, desk, without=SET_BACK)
        if any(name.startswith(SET_BACK) for name in points):
            _set_back(house, desk)
        house.disarm()
        for number, point in enumerate(sorted(frozen)):
            _freeze(house, desk, point, PER_CARRIER + number)
        _until(house, desk, lambda: drained(house.world, {name: books_of(http, url) for name, url in posts.items()}))
        books = compare(house.world, {name: books_of(http, url) for name, url in posts.items()})
        died = {dead.point: books.cell(dead.subject) for dead in house.died}
        strange = [*house.strange, *books.orphans]
    cells = {name: died.get(name, NOT_REACHED) for name in listed() if name in points}
    return Result(cells, strange, round(time.monotonic() - began, 1))


def _send_everything(desk: Desk) -> None:
    for carrier in CARRIERS:
        for number in range(PER_CARRIER):
            desk.lodge(carrier, number)
    desk.lodge("ems", 9999, LAW)
    desk.open_roads()
    cases = [case_no(carrier, number) for number in range(PER_CARRIER) for carrier in CARRIERS]
    desk.release([*cases, case_no("ems", 9999)])


def _live_through(house: House, desk: Desk, without: tuple[str, ...] = ()) -> None:
    """Until somebody has died at every point but those that come later, or nobody dies any more."""
    began = last = time.monotonic()
    died = len(house.died)
    while _waiting(house, without) and time.monotonic() - last < STILL_SECONDS:
        house.keep()
        desk.work()
        if len(house.died) > died:
            died, last = len(house.died), time.monotonic()
            log.info("%3.0f s: %s died, last at %s", last - began, died, house.died[-1].point)
        time.sleep(LOOK_SECONDS)


def _waiting(house: House, without: tuple[str, ...] = ()) -> list[str]:
    """Where nobody has died yet."""
    return [name for names in house.waiting.values() for name in names if not (without and name.startswith(without))]


def _set_back(house: House, desk: Desk) -> None:
    """As after a restore: all is looked through, and what comes again may have been booked in the lost time."""
    begin_by_hand(house.world, BY)
    _live_through(house, desk, without=(RECALL,))
    cases = [case_no("sf", number) for number in range(AFTER, AFTER + len(JOB_POINTS))]
    for number in range(AFTER, AFTER + len(JOB_POINTS)):
        desk.lodge("sf", number)
    desk.release(cases)
    all_sent(house.world, BY)
    finish(house.world, BY, accept="演练")
    _live_through(house, desk)


def _freeze(house: House, desk: Desk, point: str, number: int) -> None:
    """A worker sleeps with an answer in its hand until another has taken over; then it wakes, and dies writing."""
    house.dismiss(Role.WORKER)
    mark = house.mark(Role.FROZEN)
    mark.unlink(missing_ok=True)
    arms = {ARMED_BY: f"{FREEZE_AT}:1:{FREEZE},{point}", TEST: str(mark)}
    sleeper = house.nursery.start(["worker"], house.environment | arms, house.log(Role.FROZEN))
    posted = time.monotonic()
    desk.lodge("ems", number)
    desk.release([case_no("ems", number)])
    while not mark.exists() and time.monotonic() - posted < STILL_SECONDS:
        time.sleep(LOOK_SECONDS)
    house.call_back(Role.WORKER)
    while _booking(house) and time.monotonic() - posted < LIMIT_SECONDS:
        time.sleep(LOOK_SECONDS)
    os.kill(sleeper, signal.SIGCONT)
    while (code := house.nursery.ended(sleeper)) is None and time.monotonic() - posted < STILL_SECONDS:
        time.sleep(LOOK_SECONDS)
    lines = [line.split("\t") for line in mark.read_text().splitlines()] if mark.exists() else []
    if code == KILLED and [name for name, _ in lines] == [FREEZE_AT, point]:
        house.died.append(Dead(point, lines[1][1]))
    elif code is None:
        house.nursery.kill(sleeper)


def _booking(house: House) -> bool:
    with house.world.reading() as session:
        return session.scalar(select(Shipment.id).where(Shipment.stage == Stage.BOOKING).limit(1)) is not None


def _until(house: House, desk: Desk, happened: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > LIMIT_SECONDS:
            house.strange.append(f"nothing drained in {LIMIT_SECONDS} s")
            return
        house.keep()
        desk.work()
        time.sleep(LOOK_SECONDS * 5)
