"""Documents of one recipient are joined in one envelope, until its grouping window is over."""

from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, restored, worklist
from dispatch.approval.case import Case, CaseSlip, Direction, Document, Item, documents_of, may_leave
from dispatch.approval.lodge import CASE_WATCH
from dispatch.booking.order import order_number
from dispatch.booking.past import lost_past
from dispatch.booking.route import choose_carrier
from dispatch.crash import Point, reach
from dispatch.jobs import Claim
from dispatch.journey import Act, Stage
from dispatch.shipment import BOOK, Content, Shipment, act, lock, subject_id
from dispatch.world import World

SEAL = "shipment.seal"
ONLY_GATHERING = text("stage = 'gathering'")
"""Written out: a prepared statement with the stage as a parameter would not match the partial index."""


def gather(world: World, claim: Claim) -> None:
    """Put a case's documents into an envelope, if it may leave and they are not in one already."""
    with claim.done() as session:
        restored.check(session)
        case = session.scalars(select(Case).where(Case.id == subject_id(claim.subject)).with_for_update()).one()
        item = session.get_one(Item, case.item_id)
        documents = [paper for paper in documents_of(session, case.id) if not _enveloped(session, paper)]
        if not documents or not may_leave(session, case, item):
            return
        shipment = _open_envelope(world, session, case, item)
        for paper in documents:
            session.add(Content(id=uuid7(), shipment_id=shipment.id, document_id=paper.id))
        worklist.settle_by_itself(world, session, case.subject, worklist.ENDS_BY_ITSELF)
        if item.grouping:
            jobs.leave(session, SEAL, shipment.subject, after=max(shipment.seal_at - world.now(), timedelta(0)))
        else:
            _seal(world, session, shipment)
        reach(Point.GATHERED)


def seal(world: World, claim: Claim) -> None:
    """The grouping window is over: what the envelope holds now is what is booked."""
    with claim.done() as session:
        restored.check(session)
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.GATHERING:
            _seal(world, session, shipment)


def _enveloped(session: Session, paper: Document) -> bool:
    query = select(Content.id).where(Content.document_id == paper.id, ~Content.void)
    return session.scalar(query) is not None


def _open_envelope(world: World, session: Session, case: Case, item: Item) -> Shipment:
    """The envelope that gathers for this recipient and carrier, locked; a new one where none does."""
    slip = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one()
    carrier, now = choose_carrier(world, session, slip, item), world.now()
    digest = world.vault.digest("envelope", carrier, slip.group_digest.hex())
    while True:
        session.execute(
            insert(Shipment)
            .values(
                id=uuid7(),
                direction=Direction.OUTBOUND,
                slip_id=slip.id,
                group_digest=digest,
                carrier=carrier,
                stage=Stage.GATHERING,
                moved_at=now,
                created_at=now,
                seal_at=now + item.grouping,
            )
            .on_conflict_do_nothing(index_elements=["group_digest"], index_where=ONLY_GATHERING)
        )
        gathering = (
            select(Shipment)
            .where(Shipment.group_digest == digest, Shipment.stage == Stage.GATHERING)
            .with_for_update()
        )
        # Between the insert and the lock another worker may have sealed the envelope that stood there: look again.
        if (found := session.scalar(gathering)) is not None:
            return found


def _seal(world: World, session: Session, shipment: Shipment) -> None:
    session.flush()
    papers = _papers_that_may_leave(world, session, shipment)
    if not papers:
        act(world, session, shipment, Act.CANCEL)
        return
    shipment.sequence = 1 + _earlier_orders(session, shipment)
    shipment.order_no = order_number(world, shipment.direction, papers, shipment.sequence)
    shipment.perhaps_placed = shipment.perhaps_placed or lost_past(session, shipment)
    act(world, session, shipment, Act.SEAL)
    jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
    reach(Point.SEALED)


def _papers_that_may_leave(world: World, session: Session, shipment: Shipment) -> list[tuple[str, int]]:
    """Case and document numbers in the envelope; a case held since it joined is taken out, to join another later."""
    inside = (
        select(Content, Document, Case, Item)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .join(Item, Item.id == Case.item_id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
        .order_by(Case.id)
        .with_for_update(of=Case)  # a hold waits for us, or we see it
    )
    staying = []
    for content, paper, case, item in session.execute(inside).all():
        if may_leave(session, case, item):
            staying.append((case.case_no, paper.number))
        else:
            session.delete(content)
            jobs.leave(session, CASE_WATCH, case.subject, after=world.settings.case_patience)
    session.flush()
    return staying


def _earlier_orders(session: Session, shipment: Shipment) -> int:
    """The last sequence under which one of these documents was ever ordered: a new order needs a new number."""
    mine = select(Content.document_id).where(Content.shipment_id == shipment.id)
    earlier = (
        select(func.max(Shipment.sequence))
        .join(Content, Content.shipment_id == Shipment.id)
        .where(Content.document_id.in_(mine), Content.void)
    )
    return session.scalar(earlier) or 0
