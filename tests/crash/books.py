"""The books are compared: ours, the posts' own, and our own courier's desk."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document
from dispatch.approval.lodge import CASE_WATCH
from dispatch.errands.errand import Errand, ErrandEvent
from dispatch.errands.report import LANE
from dispatch.jobs import Job
from dispatch.reconcile.begin import LOOK_THROUGH
from dispatch.retention import FORGET
from dispatch.shipment import WATCH, Content, Shipment, subject_id
from dispatch.tracking.collected import CHECK
from dispatch.tracking.rhythm import LEARN
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from tests.storm.books import Witnesses

PATIENT = (WATCH, CASE_WATCH, LEARN, FORGET, CHECK, LOOK_THROUGH)
SOUND = "1 booking, 1 closure, 0 lost"


@dataclass(frozen=True)
class Books:
    """What became of every envelope. `orphans`: live orders at a post that are nobody's, or doubled."""

    cells: dict[UUID, str]
    cases: dict[UUID, UUID]
    errands: dict[UUID, UUID]
    orphans: tuple[str, ...]

    def cell(self, subject: str) -> str:
        """Of the envelope that somebody died over; of all together where it was over none."""
        kind, found = subject.partition(":")[0], None
        if kind in {"shipment", "case", "errand"}:
            key = subject_id(subject)
            found = {"shipment": key, "case": self.cases.get(key), "errand": self.errands.get(key)}[kind]
        if found in self.cells:
            return self.cells[found]
        return next((cell for cell in self.cells.values() if cell != SOUND), SOUND)


def compare(world: World, books: dict[str, dict]) -> Books:
    """Count everything once."""
    witnesses = Witnesses(world, books)
    with world.reading() as session:
        live = Counter(
            order["order_no"] for post in books.values() for order in post["orders"] if order["cancelled_at"] is None
        )
        errands = session.scalars(select(Errand)).all()
        live.update(errand.order_no for errand in errands if errand.cancelled_at is None)
        lost = [*witnesses.lost_sightings(session), *_unheard(session)]
        shipments = session.scalars(select(Shipment)).all()
        cells = {row.id: _cell(session, row, live, lost) for row in shipments}
        by_order = {row.order_no: row.id for row in shipments}
        return Books(
            cells,
            _envelopes(session),
            {errand.id: by_order[errand.order_no] for errand in errands if errand.order_no in by_order},
            (*witnesses.booked(session).double, *(no for no in live if no not in by_order)),
        )


def _cell(session: Session, shipment: Shipment, live: Counter[str], lost: list[str]) -> str:
    mine = select(Document.case_id).join(Content, Content.document_id == Document.id)
    inside = mine.where(Content.shipment_id == shipment.id, ~Content.void)
    closures = session.scalar(select(func.count()).select_from(Closure).where(Closure.case_id.in_(inside)))
    number = session.scalar(
        select(Waybill.number).where(Waybill.shipment_id == shipment.id, Waybill.voided_at.is_(None))
    )
    missing = sum(f" {number} " in f"{line} " for line in lost)
    return f"{live[shipment.order_no or '']} booking, {closures} closure, {missing} lost"


def _unheard(session: Session) -> list[str]:
    """What our courier reported and no sighting tells."""
    heard = set(session.execute(select(Sighting.waybill_no, Sighting.at).where(Sighting.carrier == LANE)))
    told = select(Errand.number, ErrandEvent.at).join(ErrandEvent, ErrandEvent.errand_id == Errand.id)
    return [f"{LANE} {number} {at}" for number, at in session.execute(told) if (number, at) not in heard]


def _envelopes(session: Session) -> dict[UUID, UUID]:
    pairs = select(Document.case_id, Content.shipment_id).join(Content, Content.document_id == Document.id)
    return dict(session.execute(pairs.where(~Content.void)).all())


def closed(world: World) -> bool:
    """Whether every case is."""
    with world.reading() as session:
        open_cases = select(Case.id).where(Case.id.not_in(select(Closure.case_id)))
        return session.scalar(open_cases.limit(1)) is None


def drained(world: World, books: dict[str, dict]) -> bool:
    """Every case is closed, every push heard, and no job is open but those that come back by themselves."""
    unheard = sum(order["unacknowledged_pushes"] for post in books.values() for order in post["orders"])
    with world.reading() as session:
        left = session.scalar(select(Job.id).where(Job.done_at.is_(None), Job.name.not_in(PATIENT)).limit(1))
    return closed(world) and not unheard and left is None
