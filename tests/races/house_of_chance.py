"""The whole service in this process, on clocks that the test moves, and what anybody can ask of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from dispatch import worklist
from dispatch.accounts import EmsAccount
from dispatch.approval.case import Case, Document
from dispatch.booking.doubt import adopt_by_hand, confirm_never_placed
from dispatch.call import CarrierCall
from dispatch.db import connect, sessions
from dispatch.errors import NotFoundError
from dispatch.jobs import Job, due_names
from dispatch.journey import AT_AN_END, Stage, View
from dispatch.lease import Claim, claim
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.ems.account import Ems
from dispatch.posts.ems.booking import OPERATION as BOOKING
from dispatch.posts.line import open_line
from dispatch.settings import RHYTHM, Settings
from dispatch.shipment import Content, Shipment
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault
from dispatch.waybill import Waybill
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from tests.parts import SilentBell
from tests.races.told_post import ToldPost
from tests.rooms.road_steps import print_all
from workers.jobs import kind
from workers.run import run_one

MOMENT = timedelta(minutes=5)
"""The shortest wait: longer than a test takes on a crowded machine, so that none is over by itself."""
FAR = timedelta(days=30)
CLERK = "钟秋月"
MOST_JOBS = 3_000
KEY = bytes(32)  # the same orders have the same numbers whenever it is played
DETERMINED = {
    "patience": {view: FAR for view in View if view not in AT_AN_END},
    "rhythm": dict.fromkeys(RHYTHM, 5 * MOMENT),
    "case_patience": FAR,
    "hall_open_daily": True,
    "after_asking": MOMENT,
    "ask_floor": MOMENT,
    "doubt_ladder": (MOMENT, MOMENT, MOMENT),
    "unmatched_grace": MOMENT,
    "look_after_closing": 10 * MOMENT,
    "job_retry_first": MOMENT,
    "job_retry_cap": 2 * MOMENT,
    "breaker_first": MOMENT,
    "breaker_longest": MOMENT,
    "breaker_probe": MOMENT,
    "breaker_unauthorised": MOMENT,
    "job_put_off": MOMENT,
    "job_lease": 2 * MOMENT,
}
"""What is due hangs on the clocks that the test moves, and on nothing else."""
ON_THE_DATABASES_CLOCK = (
    "UPDATE jobs SET next_at = next_at - :by, lease_until = lease_until - :by WHERE done_at IS NULL",
    "UPDATE breakers SET open_until = open_until - :by, next_turn_at = next_turn_at - :by",
)


@dataclass
class Clock:
    """The wall clock of our machines, so far from the true time."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class House:
    """The service, its clock, the post, and workers that stand still with a job in their hands."""

    world: World
    clock: Clock
    post: ToldPost
    frozen: list[Claim] = field(default_factory=list)
    told_absent: Counter[str] = field(default_factory=Counter)
    """How often a person said of an order that the post does not have it."""

    def pass_time(self, by: timedelta) -> None:
        """On every clock there is: ours, the database's, and that of uptime for whoever stands still."""
        self.clock.ahead += by
        with self.world.begin() as session:
            for statement in ON_THE_DATABASES_CLOCK:
                session.execute(text(statement), {"by": by})
        self.frozen = [replace(one, until=one.until - by.total_seconds()) for one in self.frozen]

    def due(self) -> list[str]:
        """The names of due jobs, always in the same order."""
        with self.world.reading() as session:
            return sorted(due_names(session))

    def work(self, name: str) -> None:
        """One worker does one job of this name."""
        for claimed in claim(self.world, name, 1):
            run_one(self.world, kind(name), claimed)

    def freeze(self, name: str) -> None:
        """A worker claims a job, and stands still before it has begun."""
        self.frozen += claim(self.world, name, 1)

    def thaw(self, claimed: Claim) -> None:
        """And goes on, however late it is."""
        self.frozen.remove(claimed)
        run_one(self.world, kind(claimed.name), claimed)

    def work_off(self) -> None:
        """Everything that is due, as by workers without end."""
        for _ in range(MOST_JOBS):
            names = self.due()
            if not names:
                return
            self.work(names[0])
        raise AssertionError(f"still due after {MOST_JOBS} jobs: {self.due()}")

    def clear_the_desk(self) -> None:
        """Whatever can be printed, packed and handed over is."""
        print_all(self.world)
        with self.world.reading() as session:
            pairs = to_pack(session)
        for code, number in pairs:
            pack(self.world, code, number, CLERK)
        try:
            hand_over(self.world, "ems", CLERK)
        except NotFoundError:
            return

    def settle_doubts(self) -> None:
        """A person rings the post up about every order that is in doubt, and believes its books."""
        booked = {order["order_no"]: order["waybill_no"] for order in self.post.orders()}
        for shipment in self.shipments():
            if shipment.stage != Stage.IN_DOUBT:
                continue
            if (number := booked.get(shipment.order_no or "")) is None:
                confirm_never_placed(self.world, shipment.id, CLERK)
                self.told_absent[shipment.order_no or ""] += 1
            else:
                adopt_by_hand(self.world, shipment.id, number, CLERK)

    def shipments(self) -> list[Shipment]:
        """Oldest first."""
        with self.world.reading() as session:
            return list(session.scalars(select(Shipment).order_by(Shipment.created_at, Shipment.id)))

    def with_the_post(self) -> list[str]:
        """The live numbers of what was handed over, oldest first."""
        with self.world.reading() as session:
            gone = (Shipment.stage.in_([Stage.HANDED_OVER, Stage.CLOSED]), Waybill.voided_at.is_(None))
            numbers = select(Waybill.number).join(Shipment, Shipment.id == Waybill.shipment_id).where(*gone)
            return list(session.scalars(numbers.order_by(Waybill.adopted_at)))

    def envelopes(self) -> Mapping[str, Shipment]:
        """The live envelope of each case that has one (each case here is one document)."""
        query = (
            select(Case.case_no, Shipment)
            .join(Document, Document.case_id == Case.id)
            .join(Content, Content.document_id == Document.id)
            .join(Shipment, Shipment.id == Content.shipment_id)
            .where(~Content.void)
        )
        with self.world.reading() as session:
            return {row.case_no: row.Shipment for row in session.execute(query)}

    def closed(self) -> list[str]:
        """The numbers of closed cases, each as often as it is closed."""
        with self.world.reading() as session:
            return list(session.scalars(select(Case.case_no).join(Closure, Closure.case_id == Case.id)))

    def reasons(self, subject: str) -> frozenset[worklist.Reason]:
        """Why a person is to look at this."""
        with self.world.reading() as session:
            return frozenset(worklist.Reason(entry.reason) for entry in worklist.standing(session, subject))

    def said(self) -> Counter[str]:
        """How often each order was said to the post, or may have been: whoever intended it may have died later."""
        spoken = select(CarrierCall).where(CarrierCall.operation == BOOKING)
        with self.world.reading() as session:
            requests = [self.world.vault.open(call, "request") or "" for call in session.scalars(spoken)]
        return Counter(json.loads(request)[0]["logisticsOrderNo"] for request in requests)

    def nowhere(self) -> list[str]:
        """Cases that lie in no envelope and that no open job is about: nobody would ever look at them again."""
        inside = select(Document.case_id).join(Content, Content.document_id == Document.id).where(~Content.void)
        about = select(Job.id).where(Job.done_at.is_(None), Job.subject == func.concat("case:", Case.id))
        query = select(Case.case_no).where(Case.id.not_in(inside), ~about.exists())
        with self.world.reading() as session:
            return list(session.scalars(query))


@contextmanager
def open_house(
    database_url: str, settings: Settings, account: EmsAccount, typefaces: Typefaces, post: ToldPost
) -> Iterator[House]:
    """The whole service on an empty database, with an account at this post."""
    there = account.model_copy(update={"endpoint": f"{post.url}/amp-prod-api/f/amp/api/open"})
    engine, line, clock = connect(database_url), open_line(there), Clock()
    changed: dict[str, Any] = {**DETERMINED, "ems": there}
    world = World(
        settings=settings.model_copy(update=changed),
        sessions=sessions(engine),
        vault=Vault((KEY,)),
        carriers={"ems": Ems(there, line, clock.now)},
        trackers={},
        typefaces=typefaces,
        bell=SilentBell(),
        now=clock.now,
    )
    try:
        yield House(world, clock, post)
    finally:
        line.client.close()
        engine.dispose()
