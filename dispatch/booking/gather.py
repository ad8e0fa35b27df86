"""Documents of one recipient are joined in one envelope, until its grouping window is over."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, restored, worklist
from dispatch.approval.case import Case, CaseSlip, Direction, Document, Item, held_among, is_let_go, may_leave
from dispatch.approval.lodge import CASE_WATCH
from dispatch.booking.order import order_number
from dispatch.booking.past import lost_past
from dispatch.booking.route import choose_carrier
from dispatch.crash import Point, reach
from dispatch.journey import Act, Stage
from dispatch.lease import Claim
from dispatch.restored import Restore
from dispatch.shipment import BOOK, Content, Shipment, act, lock, subject_id
from dispatch.world import World

SEAL = "shipment.seal"
ONLY_GATHERING = text("stage = 'gathering'")
"""Written out: a prepared statement with the stage as a parameter would not match the partial index."""


def gather(world: World, claim: Claim) -> None:
    """Put a case's documents into an envelope, if it may leave and they are not in one already."""
    with claim.done() as session:
        known = restored.check(session)
        case, item = _locked(session, subject_id(claim.subject))
        documents = _loose_papers(session, case)
        if not documents or not may_leave(session, case, item):
            return
        shipment = _open_envelope(world, session, case, item)
        for paper in documents:
            session.add(Content(id=uuid7(), shipment_id=shipment.id, document_id=paper.id))
        worklist.settle_by_itself(world, session, case.subject, worklist.ENDS_BY_ITSELF)
        if item.grouping:
            jobs.leave(session, SEAL, shipment.subject, after=max(shipment.seal_at - world.now(), timedelta(0)))
        else:
            _seal(world, session, shipment, known)
        reach(Point.GATHERED)


def seal(world: World, claim: Claim) -> None:
    """The grouping window is over: what the envelope holds now is what is booked."""
    with claim.done() as session:
        known = restored.check(session)
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.GATHERING:
            _seal(world, session, shipment, known)


def _locked(session: Session, case_id: UUID) -> tuple[Case, Item]:
    mine = select(Case, Item).join(Item, Item.id == Case.item_id).where(Case.id == case_id)
    case, item = session.execute(mine.with_for_update(of=Case)).one()
    return case, item


def _loose_papers(session: Session, case: Case) -> list[Document]:
    """A case's documents that lie in no envelope yet, in their order."""
    enveloped = exists().where(Content.document_id == Document.id, ~Content.void)
    loose = select(Document).where(Document.case_id == case.id, ~enveloped)
    return list(session.scalars(loose.order_by(Document.number)))


def _open_envelope(world: World, session: Session, case: Case, item: Item) -> Shipment:
    """The envelope that gathers for this recipient and carrier, locked; a new one where none does."""
    slip = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one()
    carrier, now = choose_carrier(world, session, slip, item), world.now()
    digest = world.vault.digest("envelope", carrier, slip.group_digest.hex())
    envelope = insert(Shipment).values(
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
    # To write what stands there anyway locks the envelope that gathers; one sealed at this moment is none any more.
    gathering = envelope.on_conflict_do_update(
        index_elements=["group_digest"], index_where=ONLY_GATHERING, set_={"stage": envelope.excluded.stage}
    )
    return session.scalars(gathering.returning(Shipment), execution_options={"populate_existing": True}).one()


def _seal(world: World, session: Session, shipment: Shipment, known: list[Restore]) -> None:
    """`known`: the restores so far, each of which may have lost an order of these papers."""
    session.flush()
    papers = _papers_that_may_leave(world, session, shipment)
    if not papers:
        act(world, session, shipment, Act.CANCEL)
        return
    lost = lost_past(session, shipment, known)
    shipment.sequence = 1 + _earlier_orders(session, shipment)
    shipment.order_no = order_number(world, shipment.direction, papers, shipment.sequence)
    shipment.perhaps_placed = shipment.perhaps_placed or lost
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
    rows = session.execute(inside).all()
    held = held_among(session, {case.id for _, _, case, _ in rows})
    staying = []
    for content, paper, case, item in rows:
        if is_let_go(case, item) and case.id not in held:
            staying.append((case.case_no, paper.number))
        else:
            session.delete(content)
            jobs.leave(session, CASE_WATCH, case.subject, after=world.settings.case_patience)
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
