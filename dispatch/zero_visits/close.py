"""The evidence is weighed; legs are evidenced, cases closed, or a person is asked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs, ledger, worklist
from dispatch.approval.case import Case, CaseSlip, Document, Leg
from dispatch.approval.decided_case import Way
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Act, Observed, Stage, Tracking
from dispatch.lease import Claim
from dispatch.shipment import ASK, Content, Shipment, act, lock, subject_id
from dispatch.tracking.sighting import Sighting, fold_sightings, sightings_of
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.evidence import ANSWERABLE, Consent, Evidence, Verdict, weigh

BY_WHOM = (
    "退回途中又显示妥投，可能是本中心自己签收的退件，不能凭此闭环。"
    "收件人确已收到的，用 zhuandi received 记下本人的话；退件在本中心的，二次寄递或暂存。"
)


class LegEvidence(Base):
    """The proof of a leg: which shipment, which evidence, when by the carrier's time."""

    __tablename__ = "leg_evidence"

    id: Mapped[RowId]
    leg_id: Mapped[UUID] = mapped_column(ForeignKey("legs.id"), unique=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"))
    evidence: Mapped[str]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Closure(Base):
    """送达闭环: all legs of a case are evidenced. Once for a case; the visits are in the ledger."""

    __tablename__ = "closures"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), unique=True)
    closed_at: Mapped[datetime]


def weigh_shipment(world: World, claim: Claim) -> None:
    """Weigh what the sightings of a shipment say now, and act on it."""
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        rows = sightings_of(session, shipment.id)
        tracking = fold_sightings(rows)
        _show_facts(world, session, shipment, tracking)
        if _show_contradictions(world, session, shipment, tracking):
            return
        verdict = weigh(tracking, consent_to(session, shipment), asked=_asked(shipment, rows))
        _carry_out(world, session, shipment, tracking, verdict)


def _show_facts(world: World, session: Session, shipment: Shipment, tracking: Tracking) -> None:
    """What a person must have seen of all that stands of the carrier's news: so it never hangs on when we looked."""
    for seen in tracking.refusals:
        worklist.put(world, session, Reason.RECIPIENT_REFUSED, shipment.subject, cause=seen.fact)
    post = world.carriers.get(shipment.carrier)
    for seen in tracking.unknown:
        name = post.code_name(seen.code) if post else ""
        told = f"代码“{f'{seen.code} {name}'.strip()}”{f'（{seen.detail}）' if seen.detail else ''}"
        words = f"{told}{'须人工判读' if name else '不在对照表内'}，已保留，未改变状态。"
        worklist.put(world, session, Reason.UNKNOWN_CODE, shipment.subject, cause=seen.fact, detail=words)
    # What the carrier took back, and what was told of a number that is voided by now, is no fact of this envelope.
    for reason, facts in ((Reason.RECIPIENT_REFUSED, tracking.refusals), (Reason.UNKNOWN_CODE, tracking.unknown)):
        worklist.settle_gone(world, session, shipment.subject, reason, {seen.fact for seen in facts})


def _show_contradictions(world: World, session: Session, shipment: Shipment, tracking: Tracking) -> bool:
    """Whether a contradiction stands that no person has settled: then nothing is closed."""
    waiting = unsettled(session, shipment, tracking)
    for seen in waiting:
        words = f"寄递企业的代码“{seen.code}”推翻了先前的消息。"
        worklist.put(world, session, Reason.DELIVERY_REVOKED, shipment.subject, cause=seen.fact, detail=words)
    # A revocation may overtake what it revokes; what turns out to be a routine correction is nobody's work.
    facts = {seen.fact for seen in tracking.contradictions}
    worklist.settle_gone(world, session, shipment.subject, Reason.DELIVERY_REVOKED, facts)
    return bool(waiting)


def unsettled(session: Session, shipment: Shipment, tracking: Tracking) -> list[Observed]:
    """The contradictions that no person has settled yet."""
    settled = worklist.settled_causes(session, shipment.subject, Reason.DELIVERY_REVOKED)
    return [seen for seen in tracking.contradictions if seen.fact not in settled]


def _asked(shipment: Shipment, rows: list[Sighting]) -> bool:
    latest = max((row.received_at for row in rows if row.source != "question"), default=None)
    return shipment.asked_at is not None and (latest is None or shipment.asked_at >= latest)


def consent_to(session: Session, shipment: Shipment) -> Consent:
    """What the applicant agreed to for this envelope."""
    slip = session.get_one(CaseSlip, shipment.slip_id)
    return Consent(Way(slip.way), slip.point_at_address, slip.brought_to_door, slip.proxy_allowed)


def _carry_out(world: World, session: Session, shipment: Shipment, tracking: Tracking, verdict: Verdict) -> None:
    if verdict.ask:
        jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
    elif verdict.reason is not None and tracking.cause is not None:
        if not (verdict.reason in ANSWERABLE and _confirmed(session, shipment)):
            words, fact = BY_WHOM if tracking.on_way_back else "", tracking.cause.fact
            worklist.put(world, session, verdict.reason, shipment.subject, cause=fact, detail=words)
            # The watch may have shown it first, where nobody weighed for longer than its patience.
            worklist.supersede(world, session, shipment.subject, verdict.reason, fact)
    elif verdict.evidence is not None and shipment.stage == Stage.HANDED_OVER:
        close_shipment(world, session, shipment, tracking, verdict)
    elif verdict.evidence is not None and shipment.stage == Stage.CLOSED:
        # News that came after the closing may tell of a trip that the closing could not know.
        _record_trip(world, session, shipment, tracking, verdict)


def close_shipment(
    world: World, session: Session, shipment: Shipment, tracking: Tracking, verdict: Verdict, by: str = "system"
) -> None:
    """Close a locked shipment with the evidence of `verdict`; its legs and cases follow where nothing is missing."""
    act(world, session, shipment, Act.CLOSE, by=by)
    session.flush()
    _record_trip(world, session, shipment, tracking, verdict)
    for case in cases_in(session, shipment.id):
        _evidence(world, session, case, shipment, tracking, verdict)
        _close_case(world, session, case)


def _record_trip(world: World, session: Session, shipment: Shipment, tracking: Tracking, verdict: Verdict) -> None:
    """One trip fetches all that lies in the envelope; recorded once, however often it is weighed."""
    if verdict.visit is None:
        return
    for case in cases_in(session, shipment.id):
        ledger.record(
            world,
            session,
            case.matter_id,
            verdict.visit,
            f"{shipment.subject}:{case.id}",
            case_id=case.id,
            trip=shipment.subject,
            on=tracking.since.astimezone(SHANGHAI).date() if tracking.since else None,
        )


def _confirmed(session: Session, shipment: Shipment) -> bool:
    """Whether the applicant has said already that it is in hand."""
    word = LegEvidence.evidence == Evidence.CONFIRMED_BY_APPLICANT
    return session.scalar(select(LegEvidence.id).where(LegEvidence.shipment_id == shipment.id, word)) is not None


def confirm_evidence(world: World, session: Session, shipment: Shipment) -> None:
    """The applicant's word takes the place of the post's, which was taken back after the closing."""
    session.execute(
        update(LegEvidence)
        .where(LegEvidence.shipment_id == shipment.id)
        .values(evidence=Evidence.CONFIRMED_BY_APPLICANT, recorded_at=world.now())
    )


def _evidence(
    world: World, session: Session, case: Case, shipment: Shipment, tracking: Tracking, verdict: Verdict
) -> None:
    """The leg is evidenced when the last of its envelopes is."""
    if _envelopes_open(session, case.id):
        return
    leg = session.scalars(select(Leg).where(Leg.case_id == case.id, Leg.direction == shipment.direction)).one()
    values = {
        "id": uuid7(),
        "leg_id": leg.id,
        "shipment_id": shipment.id,
        "evidence": verdict.evidence,
        "happened_at": tracking.since or world.now(),
        "recorded_at": world.now(),
    }
    session.execute(insert(LegEvidence).values(**values).on_conflict_do_nothing(index_elements=["leg_id"]))


def _envelopes_open(session: Session, case_id: UUID) -> bool:
    """Whether a document of the case is not yet in a closed envelope."""
    closed = (
        select(Content.document_id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(~Content.void, Shipment.stage == Stage.CLOSED)
    )
    waiting = select(Document.id).where(Document.case_id == case_id, Document.id.not_in(closed))
    return session.scalar(waiting.limit(1)) is not None


def _close_case(world: World, session: Session, case: Case) -> None:
    evidenced = select(LegEvidence.leg_id)
    bare = select(Leg.id).where(Leg.case_id == case.id, Leg.id.not_in(evidenced))
    if session.scalar(bare.limit(1)) is None:
        values = {"id": uuid7(), "case_id": case.id, "closed_at": world.now()}
        session.execute(insert(Closure).values(**values).on_conflict_do_nothing(index_elements=["case_id"]))
        reach(Point.CLOSED)


def cases_in(session: Session, shipment_id: UUID) -> list[Case]:
    """The cases whose documents lie in an envelope, in order of their ids (whoever locks them keeps it)."""
    query = (
        select(Case)
        .where(
            Case.id.in_(
                select(Document.case_id)
                .join(Content, Content.document_id == Document.id)
                .where(Content.shipment_id == shipment_id, ~Content.void)
            )
        )
        .order_by(Case.id)
        .with_for_update()
    )
    return list(session.scalars(query))
