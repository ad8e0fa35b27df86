"""Closing: legs are evidenced, cases closed, each once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import ledger
from dispatch.approval.case import Case, Direction, Document, Leg
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId, insert_rows
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Act, Stage, Tracking
from dispatch.ledger import Visit
from dispatch.shipment import Content, Shipment, act_all
from dispatch.visits import VisitKind
from dispatch.worklist import SYSTEM
from dispatch.world import World
from dispatch.zero_visits.evidence import Evidence, Verdict


class LegEvidence(Base):
    """The proof of a leg: which shipment, which evidence, when by the carrier's time.

    What was signed for at the window came in no shipment.
    """

    __tablename__ = "leg_evidence"

    id: Mapped[RowId]
    leg_id: Mapped[UUID] = mapped_column(ForeignKey("legs.id"), unique=True)
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"), index=True)
    evidence: Mapped[str]
    happened_at: Mapped[datetime] = mapped_column(index=True)
    recorded_at: Mapped[datetime]


class Closure(Base):
    """送达闭环: all legs of a case are evidenced. Once for a case; the visits are in the ledger."""

    __tablename__ = "closures"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), unique=True)
    closed_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]  # until 0018; now cases.erased_at: to go in the next release

    __table_args__ = (
        Index("ix_closures_kept", "closed_at", postgresql_where=text("erased_at IS NULL")),  # goes with it
        Index("ix_closures_closed_at", "closed_at", postgresql_using="brin"),
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """A locked shipment, what all news say of it, and the verdict on that."""

    shipment: Shipment
    tracking: Tracking
    verdict: Verdict

    @property
    def closes(self) -> bool:
        """Whether it is delivered, with evidence, and still open."""
        return self.verdict.evidence is not None and self.shipment.stage == Stage.HANDED_OVER


def close_shipments(world: World, session: Session, weighed: Sequence[Weighed], by: str = SYSTEM) -> None:
    """Close locked shipments with their evidence; their legs and cases follow where nothing is missing."""
    if not weighed:
        return
    act_all(world, session, [one.shipment for one in weighed], Act.CLOSE, by=by)
    session.flush()
    record_trips(world, session, weighed)
    cases = cases_in(session, [one.shipment.id for one in weighed])
    _evidence(world, session, weighed, cases)
    _close_cases(world, session, {case.id for case, _ in cases})


def record_trips(world: World, session: Session, weighed: Sequence[Weighed]) -> None:
    """One trip fetches all that lies in the envelope; recorded once, however often it is weighed."""
    trips = {one.shipment.id: (one, kind) for one in weighed if (kind := one.verdict.visit) is not None}
    if trips:
        cases = cases_in(session, trips.keys())
        ledger.record_all(session, [_trip(world, *trips[shipment_id], case) for case, shipment_id in cases])


def _trip(world: World, weighed: Weighed, kind: VisitKind, case: Case) -> Visit:
    subject, since = weighed.shipment.subject, weighed.tracking.since
    return ledger.visit(
        world,
        case.matter_id,
        kind,
        f"{subject}:{case.id}",
        case_id=case.id,
        trip=subject,
        on=since.astimezone(SHANGHAI).date() if since else None,
    )


def confirm_evidence(world: World, session: Session, shipment: Shipment) -> None:
    """The applicant's word takes the place of the post's, which was taken back after the closing."""
    session.execute(
        update(LegEvidence)
        .where(LegEvidence.shipment_id == shipment.id)
        .values(evidence=Evidence.CONFIRMED_BY_APPLICANT, recorded_at=world.now())
    )


def _evidence(world: World, session: Session, weighed: Sequence[Weighed], cases: Sequence[tuple[Case, UUID]]) -> None:
    """A leg is evidenced when the last of its envelopes is."""
    by_shipment = {one.shipment.id: one for one in weighed}
    proved_by = {case.id: by_shipment[shipment_id] for case, shipment_id in cases}
    whole = proved_by.keys() - _envelopes_open(session, proved_by.keys())
    legs = session.scalars(select(Leg).where(Leg.case_id.in_(whole)).order_by(Leg.id)).all()
    proofs = [
        _proof(world, leg, proved_by[leg.case_id])
        for leg in legs
        if leg.direction == proved_by[leg.case_id].shipment.direction
    ]
    _forget_undone(session, [proof.leg_id for proof in proofs])
    insert_rows(session, proofs, once="leg_id")


def _forget_undone(session: Session, leg_ids: Collection[UUID]) -> None:
    """What once proved a leg and came back to us, or was lost after all, makes way for what proves it now."""
    undone = select(Shipment.id).where(Shipment.stage == Stage.UNDELIVERED)
    mine = delete(LegEvidence).where(LegEvidence.leg_id.in_(leg_ids), LegEvidence.shipment_id.in_(undone))
    session.execute(mine.execution_options(synchronize_session=False))


def _proof(world: World, leg: Leg, weighed: Weighed) -> LegEvidence:
    return LegEvidence(
        id=uuid7(),
        leg_id=leg.id,
        shipment_id=weighed.shipment.id,
        evidence=weighed.verdict.evidence,
        happened_at=weighed.tracking.since or world.now(),
        recorded_at=world.now(),
    )


def close_at_window(world: World, session: Session, case: Case) -> None:
    """A locked case's way out is proved by the receipt that was signed at the window; it closes with its legs."""
    legs = session.scalars(select(Leg).where(Leg.case_id == case.id, Leg.direction == Direction.OUTBOUND)).all()
    now = world.now()
    proofs = [
        LegEvidence(
            id=uuid7(),
            leg_id=leg.id,
            evidence=Evidence.COLLECTED_AT_WINDOW,
            happened_at=now,
            recorded_at=now,
        )
        for leg in legs
    ]
    insert_rows(session, proofs, once="leg_id")
    _close_cases(world, session, {case.id})


def _envelopes_open(session: Session, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases of which a document is not yet in a closed envelope."""
    closed = (
        select(Content.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(Content.document_id == Document.id, ~Content.void, Shipment.stage == Stage.CLOSED)
    )
    waiting = select(Document.case_id).where(Document.case_id.in_(case_ids), Document.lost_at.is_(None))
    waiting = waiting.where(~closed.exists())
    return set(session.scalars(waiting))


def _close_cases(world: World, session: Session, case_ids: Collection[UUID]) -> None:
    evidenced = select(LegEvidence.id).where(LegEvidence.leg_id == Leg.id).exists()
    bare = set(session.scalars(select(Leg.case_id).where(Leg.case_id.in_(case_ids), ~evidenced)))
    closures = [Closure(id=uuid7(), case_id=case_id, closed_at=world.now()) for case_id in sorted({*case_ids} - bare)]
    if insert_rows(session, closures, once="case_id"):
        reach(Point.CLOSED)


def cases_in(session: Session, shipment_ids: Collection[UUID]) -> list[tuple[Case, UUID]]:
    """The cases whose documents lie in these envelopes, each with its envelope.

    In order of their ids: whoever locks them keeps it.
    """
    inside = (
        select(Document.case_id, Content.shipment_id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id.in_(shipment_ids), ~Content.void)
        .distinct()
        .subquery()
    )
    query = select(Case, inside.c.shipment_id).join(inside, inside.c.case_id == Case.id)
    return [(case, of) for case, of in session.execute(query.order_by(Case.id).with_for_update(of=Case))]
