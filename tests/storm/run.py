"""One storm: a whole house with storming posts, a clerk who works all day, and the witnesses at the end."""

import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from sqlalchemy import func, or_, select

from dispatch.approval.case import waiting_for_release
from dispatch.approval.lodge import CASE_WATCH
from dispatch.approval.release import release
from dispatch.booking.book import SETTLE_DOUBT
from dispatch.booking.cancel import void_label
from dispatch.booking.take_off import Then
from dispatch.errors import NotFoundError, ZhuandiError
from dispatch.jobs import Job, kind_of
from dispatch.journey import AT_AN_END, Act, Stage
from dispatch.label.print_sheets import to_print
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.retention import FORGET
from dispatch.settings import home_folder
from dispatch.shipment import ASK, LOOK_AGAIN, WATCH, WEIGH, Shipment, act, lock
from dispatch.tracking.collected import CHECK
from dispatch.tracking.health import healths
from dispatch.tracking.push import Push
from dispatch.tracking.rhythm import LEARN
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Entry
from dispatch.world import World
from tests.storm.books import Witnesses, books_of
from tests.storm.plan import BY, hasten, lodge_cases
from zhuandi.context import open_world
from zhuandi.house import House
from zhuandi.practice import prepare_practice, read_practice
from zhuandi.practice_posts import MAKERS

LIMIT_SECONDS = 1800  # a guard, not an aim: a slow machine needs its time
QUIET_LOOKS = 8
LOOK_SECONDS = 1.0
RELABELLED = 0.05
SOON = timedelta(seconds=20)
MOMENT = timedelta(seconds=10)
NO_REUSE = httpx2.Limits(max_keepalive_connections=0)  # the posts may close an idle connection at that very moment
WATCHING = {WATCH, ASK, SETTLE_DOUBT, CASE_WATCH, LEARN, FORGET, CHECK}


VOID, PRINT, PACK, HAND_OVER = "void", "print", "pack", "hand_over"
log = logging.getLogger("storm")


@dataclass
class Done:
    """What an act of the clerk was about; known of a posting list only once it is made."""

    key: str


class Clerk:
    """Prints, packs, hands over; now and then a label is spoilt and made anew."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice, self.relabelled = world, random.Random(seed), set[object]()

    @contextmanager
    def doing(self, kind: str, key: str) -> Iterator[Done]:
        """Around each act, for whoever keeps a history of them."""
        yield Done(key)

    def work(self) -> None:
        """One round of the desk."""
        with self.world.reading() as session:
            ready = to_print(session)
        for key in ready:
            spoilt = key not in self.relabelled and self.dice.random() < RELABELLED
            self.relabelled.add(key)
            try:
                if spoilt:
                    with self.doing(VOID, str(key)):
                        void_label(self.world, key, Then.BOOK_AGAIN, BY)
                else:
                    with self.doing(PRINT, str(key)):
                        self._print(key)
            except ZhuandiError as busy:
                log.warning("%s", busy)
        with self.world.reading() as session:
            pairs = to_pack(session)
        for document, number in pairs:
            with self.doing(PACK, f"{document} {number}"):
                pack(self.world, document, number, BY)
        for carrier in self._packed():
            try:
                with self.doing(HAND_OVER, carrier) as done:
                    done.key = hand_over(self.world, carrier, BY)
            except NotFoundError:
                continue

    def _packed(self) -> list[str]:
        with self.world.reading() as session:
            packed = select(Shipment.carrier).where(Shipment.stage == Stage.PACKED).distinct()
            return [carrier for carrier in session.scalars(packed) if carrier in self.world.carriers]

    def _print(self, key: object) -> None:
        with self.world.begin() as session:
            shipment = lock(session, key)
            act(self.world, session, shipment, Act.PRINT, by=BY)
            shipment.prints += 1


def storm(seed: int, shipments: int) -> dict[str, object]:
    """Drive it to its end, and count."""
    home = home_folder()
    prepare_practice(home)
    hasten(home, shipments)
    options = ("--post", "all", "--faults", "storm", "--seed", str(seed))
    started = time.monotonic()
    with (
        House(practice=True, posts=options).open() as house,
        open_world() as world,
        httpx2.Client(timeout=30, limits=NO_REUSE) as client,
    ):
        lodge_cases(world, seed, shipments)
        with world.reading() as session:
            waiting = [case.case_no for case in waiting_for_release(session)]
        for case_no in waiting:
            release(world, case_no, BY)
        practice = read_practice(home)
        _until_quiet(house, world, Clerk(world, seed), lambda: _books(client, practice))
        counts = _count(world, _books(client, practice))
    return {"seed": seed, **counts, "seconds": round(time.monotonic() - started, 1)}


def _books(client, practice):
    return {name: books_of(client, practice.url(name)) for name in MAKERS}


def _until_quiet(house, world, clerk, books) -> None:
    deadline, quiet = time.monotonic() + LIMIT_SECONDS, 0
    while quiet < QUIET_LOOKS:
        house.keep()
        clerk.work()
        quiet = quiet + 1 if is_still(world, books()) else 0
        if time.monotonic() > deadline:
            log.warning("the storm did not calm down in %s s", LIMIT_SECONDS)
            return
        time.sleep(LOOK_SECONDS)


def is_still(world: World, books: dict[str, dict], *, all_asked: bool = True) -> bool:
    """Nothing moves at the posts, no job is due but those that watch, and nothing waits for the clerk.

    `all_asked`: where pushes may be lost, the carriers have also been asked since anything moved.
    """
    moving = sum(
        order["collected_at"] is not None and (not order["ended"])
        for post in books.values()
        for order in post["orders"]
    )
    with world.reading() as session:
        # Each answer to a question leaves a weighing: what is weighed within a moment keeps nothing waiting.
        lasting = or_(Job.name != WEIGH, Job.next_at < func.now() - MOMENT)
        soon = or_(Job.next_at < func.now() + SOON, Job.name.startswith(LOOK_AGAIN, autoescape=True))
        names = session.scalars(select(Job.name).where(Job.done_at.is_(None), soon, lasting))
        busy = [name for name in names if kind_of(name) not in WATCHING]
        never_asked = session.scalar(
            select(func.count()).where(
                Shipment.stage.in_([Stage.CLOSED, Stage.HANDED_OVER]), ~_asked_since_it_moved()
            )
        )
        unseen = len(
            Witnesses(world, books).unseen(session)
        )  # a doubt is looked up for a while before a person is told
    log.info("moving %s, busy %s, not asked %s, unseen %s", moving, dict(Counter(busy)), never_asked, unseen)
    return not (moving or busy or (all_asked and never_asked) or unseen)


def _asked_since_it_moved():
    """Or moved by that very answer: what it said is written a moment after it was heard."""
    return (Shipment.asked_at.is_not(None)) & (Shipment.asked_at >= Shipment.moved_at - MOMENT)


def _count(world: World, books: dict[str, dict]) -> dict[str, object]:
    witnesses = Witnesses(world, books)
    with world.reading() as session:
        # At the moment of calm: to ask every carrier for whole traces takes minutes, and the storm goes on meanwhile.
        unseen, booked = witnesses.unseen(session), witnesses.booked(session)
        found = {
            "double_bookings": booked.double,
            "missing_bookings": booked.missing,
            "lost_sightings": witnesses.lost_sightings(session),
            "wrong_ends": witnesses.wrong_ends(session),
            "untrue_reasons": witnesses.untrue_reasons(session),
            "unseen": unseen,
        }
        for kind, cases in found.items():
            for one in cases[:20]:
                log.warning("%s: %s", kind, one)
        rows = list(session.scalars(select(Shipment)))
        reasons = Counter(session.scalars(select(Entry.reason).where(Entry.settled_at.is_(None))))
        return {
            "shipments": len(rows),
            "closed": sum(row.stage == Stage.CLOSED for row in rows),
            "open_on_the_worklist": sum(row.view not in AT_AN_END for row in rows) - len(found["unseen"]),
            "booked_shipments": booked.booked,
            "booked_in_doubt": booked.in_doubt,
            "live_bookings_at_the_posts": booked.live,
            **{kind: len(cases) for kind, cases in found.items()},
            "waybills_voided": session.scalar(select(func.count()).where(Waybill.voided_at.is_not(None))),
            "sightings": session.scalar(select(func.count()).select_from(Sighting)),
            "pushes": session.scalar(select(func.sum(Push.times))) or 0,
            "turned_away": session.scalar(select(func.count()).where(Push.turned_away.is_not(None))),
            "worklist": dict(reasons),
            "carriers": {
                one.carrier: {
                    "shipments": sum(row.carrier == one.carrier for row in rows),
                    "closed": sum(row.carrier == one.carrier and row.stage == Stage.CLOSED for row in rows),
                    "facts": one.share.facts if one.share else 0,
                    "only_asked": one.share.only_asked if one.share else 0,
                }
                for one in healths(world)
            },
        }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # one line a call would bury what the storm found
    print(json.dumps(storm(int(sys.argv[1]), int(sys.argv[2])), ensure_ascii=False))
