"""One run: all points of a list on one broker. Cases go through while processes die, and the books are compared."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select, update

from dispatch.approval.case import Case, Document
from dispatch.breaker import Breaker
from dispatch.crash import JOB_POINTS, Deed
from dispatch.errors import NotAllowedError
from dispatch.journey import Stage
from dispatch.reconcile.begin import LOOK_THROUGH, begin_by_hand
from dispatch.reconcile.left import all_sent, finish
from dispatch.shipment import RECALL, Content, Shipment
from dispatch.world import World
from sandbox.printer import running_printer
from tests.crash.books import compare, drained
from tests.crash.brokers import opened
from tests.crash.desk import BY, CARRIERS, LAW, Desk, case_no
from tests.crash.freeze import freeze
from tests.crash.house import LOOK_SECONDS, House, open_house
from tests.crash.points import Role, listed
from tests.storm.books import books_of
from workers.clock import leave_standing
from workers.jobs import STANDING
from zhuandi.practice import read_practice

PER_CARRIER = 16
LIMIT_SECONDS = 900  # a guard and not an aim
STILL_SECONDS = 180  # so long nobody has died: what is armed is not reached
NOT_REACHED = "not reached"
FROZEN, AFTER, FAILED = 400, 500, 700
"""Numbers of the cases over which workers sleep, which a restore may have lost, over which an account gets well."""
FAILS_EVERY_SECONDS = 5.0
HEALTH = f"{Deed.HEALTH}/"
SET_BACK = (RECALL, LOOK_THROUGH)
"""Jobs that there are only after the database was set back to an earlier time."""
ONCE_A_DAY = tuple(f"{name}/" for name, _ in STANDING)


@dataclass(frozen=True)
class Result:
    """A cell for each point, and whatever else was not as it should be."""

    cells: dict[str, str]
    strange: list[str]
    seconds: float


def run(broker: str, points: Collection[str], server: str, folder: Path) -> Result:
    """Die at each of these points on this broker, with a database on this server, and count. `folder` is empty."""
    began = time.monotonic()
    roles = {
        role: frozenset(name for name, one in listed().items() if one is role and name in points) for role in Role
    }
    frozen = roles.pop(Role.FROZEN)
    home = folder / "home"
    home.mkdir()
    with (
        opened(broker, folder) as url,
        open_house(home, server, url, roles) as house,
        httpx2.Client(timeout=10, trust_env=False) as http,
        running_printer() as printer,
    ):
        desk = Desk(house, http, printer)
        if frozen:
            freeze(house, desk, sorted(frozen), FROZEN)
            leave_standing(house.world)  # who slept had done what is due once a day, and nobody died over it
            house.say("who slept has woken")
        _send_everything(desk)
        house.say("all cases are sent")
        if any(name.startswith(SET_BACK) for name in points):
            _live_until(house, desk, lambda: _sealed(house.world))
            house.say("the database was set back")
            _set_back(house, desk)
        house.say("what the restore lost is known")
        again = _Again(house, desk)
        _live_until(house, desk, lambda: _died_at_all(house, again))
        house.say("nobody dies any more")
        posts = {name: read_practice(home).url(name) for name in ("ems", "sf")}
        if not _live_until(house, desk, lambda: drained(house.world, _books(http, posts)), LIMIT_SECONDS):
            house.strange.append(f"nothing drained in {LIMIT_SECONDS} s")
        books = compare(house.world, _books(http, posts))
        house.strange.extend(desk.papers.wrong())
    cells = {
        name: books.cell(house.died[name]) if name in house.died else NOT_REACHED
        for name in listed()
        if name in points
    }
    return Result(cells, [*house.strange, *books.orphans], round(time.monotonic() - began, 1))


def _books(http: httpx2.Client, posts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {name: books_of(http, url) for name, url in posts.items()}


def _send_everything(desk: Desk) -> None:
    for carrier in CARRIERS:
        for number in range(PER_CARRIER):
            desk.lodge(carrier, number)
    desk.lodge("ems", 9999, LAW)
    desk.open_roads()
    cases = [case_no(carrier, number) for number in range(PER_CARRIER) for carrier in CARRIERS]
    desk.release([*cases, case_no("ems", 9999)])


def _live_until(house: House, desk: Desk, happened: Callable[[], bool], patience: float = STILL_SECONDS) -> bool:
    """Whether it happened; given up when nobody has died for so long."""
    last, died = time.monotonic(), len(house.died)
    while not happened():
        if len(house.died) > died:
            last, died = time.monotonic(), len(house.died)
        if time.monotonic() - last > patience:
            return False
        house.keep()
        desk.work()
        time.sleep(LOOK_SECONDS)
    return True


def _died_at_all(house: House, again: "_Again") -> bool:
    """Whether somebody has died at every point. Who was killed over another job may have ended, a moment before it
    came to a point of its own, what is due once a day, or what is told of an account that was not well: that comes
    again.
    """
    left = house.left()
    if all(name.startswith((*ONCE_A_DAY, HEALTH)) for name in left):
        if any(name.startswith(ONCE_A_DAY) for name in left):
            leave_standing(house.world)
        if any(name.startswith(HEALTH) for name in left):
            again.fail_and_answer()
    return not left


@dataclass
class _Again:
    """An account that has failed once, and a case over which its post answers."""

    house: House
    desk: Desk
    number: int = FAILED
    last: float = float("-inf")

    def fail_and_answer(self) -> None:
        """Once more, if the last time has had its time."""
        if time.monotonic() - self.last < FAILS_EVERY_SECONDS:
            return
        with self.house.world.begin() as session:
            session.execute(update(Breaker).values(failures=1))
        self.desk.lodge("ems", self.number)
        self.desk.release([case_no("ems", self.number)])
        self.number, self.last = self.number + 1, time.monotonic()


def _sealed(world: World) -> bool:
    """Every case lies in an envelope that is closed."""
    with world.reading() as session:
        gathering = session.scalar(select(Shipment.id).where(Shipment.stage == Stage.GATHERING).limit(1))
        enveloped = select(Document.case_id).join(Content, Content.document_id == Document.id)
        outside = session.scalar(select(Case.id).where(Case.id.not_in(enveloped)).limit(1))
    return gathering is None and outside is None


def _set_back(house: House, desk: Desk) -> None:
    """As after a restore in the middle of the day: what is on its way is looked through, and what was told since
    comes again and may have been booked in the lost time."""
    lost = range(AFTER, AFTER + len(JOB_POINTS))
    for number in lost:
        desk.lodge("sf", number)
    begin_by_hand(house.world, BY)
    desk.release([case_no("sf", number) for number in lost])
    all_sent(house.world, BY)
    _live_until(house, desk, lambda: not any(name.startswith(LOOK_THROUGH) for name in house.left()))
    with suppress(NotAllowedError):  # it may have ended by itself
        finish(house.world, BY, accept="演练")
