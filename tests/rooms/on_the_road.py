"""A case brought to a given point of the road, and the post's news as a test wants them told."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text

from dispatch.approval.case import Case, Document
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import lodge
from dispatch.carrier import Seen
from dispatch.journey import Act
from dispatch.label.print_sheets import to_print
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.ems.codes import VOIDS, meaning
from dispatch.shipment import Content, Shipment, act, lock
from dispatch.tracking.observe import observe
from dispatch.waybill import Waybill
from dispatch.worklist import Entry
from dispatch.world import World

CLERK = "钟秋月"


@dataclass
class Road:
    """A service with a post that carries nothing by itself: what it tells, the test says."""

    world: World
    drain: Callable[[World], None]
    told: int = 0

    def at(self, moment: datetime) -> "Road":
        """The same road at another time of our clock."""
        return dataclasses.replace(self, world=dataclasses.replace(self.world, now=lambda: moment))

    def lodge(self, *cases: DecidedCase) -> None:
        for case in cases:
            lodge(self.world, case, "审批系统")
        self.drain(self.world)

    def hand_over(self, *cases: DecidedCase) -> None:
        """These cases, and whatever else waits on the desk, are with the postman."""
        self.lodge(*cases)
        with self.world.reading() as session:
            chosen = to_print(session)
        with self.world.begin() as session:  # printed, without the drawing
            for key in sorted(chosen):
                act(self.world, session, lock(session, key), Act.PRINT, by=CLERK)
        with self.world.reading() as session:
            pairs = to_pack(session)
        for code, number in pairs:
            pack(self.world, code, number, CLERK)
        hand_over(self.world, "ems", CLERK)

    def seal_envelopes(self) -> None:
        """What the end of the grouping window does."""
        with self.world.begin() as session:
            session.execute(text("UPDATE jobs SET next_at = now() WHERE name = 'shipment.seal'"))
        self.drain(self.world)

    def shipment(self, case_no: str) -> Shipment:
        query = (
            select(Shipment)
            .join(Content, Content.shipment_id == Shipment.id)
            .join(Document, Document.id == Content.document_id)
            .join(Case, Case.id == Document.case_id)
            .where(Case.case_no == case_no)
        )
        with self.world.reading() as session:
            return session.scalars(query).one()

    def number(self, case_no: str) -> str:
        with self.world.reading() as session:
            return session.scalars(
                select(Waybill.number).where(Waybill.shipment_id == self.shipment(case_no).id)
            ).one()

    def tell(self, case_no: str, code: str, detail: str = "", *, at: datetime | None = None, **more: str) -> None:
        """The post tells one line of news, in EMS's codes; without `at`, a second after the last one."""
        self.told += 1
        news, signer = meaning(code, detail)
        seen = Seen(
            waybill_no=self.number(case_no),
            at=at or self.world.now() + timedelta(seconds=self.told),
            code=code,
            detail=detail,
            news=news,
            signer=signer,
            voids=VOIDS.get(code, frozenset()),
            **more,
        )
        with self.world.begin() as session:
            observe(self.world, session, "ems", seen, "push")
        self.drain(self.world)

    def deliver(self, case_no: str, signer: str = "10") -> None:
        """Collected and signed for; `signer` is EMS's 妥投代码, 10 the recipient."""
        self.tell(case_no, "203")
        self.tell(case_no, "704", signer)

    def revoke(self, case_no: str) -> None:
        """The post takes the delivery back."""
        self.tell(case_no, "743")

    def entries(self) -> list[Entry]:
        """The open entries, oldest first."""
        with self.world.reading() as session:
            return list(session.scalars(select(Entry).where(Entry.settled_at.is_(None)).order_by(Entry.opened_at)))


@contextmanager
def as_given(world: World) -> Iterator[World]:
    """In place of the command line's own world."""
    yield world
