"""The applicant's own word: it is in my hands. Evidence where the post's news alone is none (DESIGN promise 6)."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit, words, worklist
from dispatch.approval.case import Case, Document, find_case, refuse_erased
from dispatch.crash import Deed
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Signer, Stage, Tracked, Tracking
from dispatch.shipment import Content, Shipment, lock
from dispatch.tracking.sighting import fold_sightings, sightings_of
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.close import Weighed, close_shipments, confirm_evidence
from dispatch.zero_visits.evidence import ANSWERABLE, EVIDENCE_WORDS, Evidence, Verdict, own_word, weigh
from dispatch.zero_visits.settle import signed
from dispatch.zero_visits.weigh import consent_to


def confirm_received(world: World, case_no: str, by: str, note: str) -> int:
    """Close what the post delivered, on the applicant's word that it is in hand; how many envelopes that were.

    `by`: who took the word; `note`: how and when it was given. All cases in such an envelope close with it.
    It answers what the post took back, too. Raises NotFoundError (no such case, no envelope), NotAllowedError (never
    delivered, on its way back or lost, the post's own news are evidence enough, no name or no note).
    """
    signed(by, note)
    with world.begin(Deed.RECEIVED) as session:
        case = find_case(session, case_no)
        envelopes = [lock(session, key) for key in _envelopes(session, case)]
        session.refresh(case, with_for_update=True)
        refuse_erased(case)
        if not envelopes:
            raise NotFoundError(f"办件“{case_no}”还没有邮件，谈不上收到。")
        delivered = [one for one in envelopes if _may_be_in_hand(session, one)]
        if not delivered:
            seen = "、".join(words.VIEWS[shipment.view] for shipment in envelopes)
            raise NotAllowedError(f"办件“{case_no}”的邮件处于“{seen}”，只有“已妥投待核实”的才能由本人确认收到。")
        for shipment in delivered:
            _confirm(world, session, shipment, by.strip(), note.strip())
        audit.note(world, session, by.strip(), audit.Deed.CHANGE, case.subject, f"本人确认收到：{note.strip()}")
        return len(delivered)


def _envelopes(session: Session, case: Case) -> list[UUID]:
    """Whoever locks several shipments takes them in order of id."""
    query = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
    )
    return sorted(set(session.scalars(query)))


def _may_be_in_hand(session: Session, shipment: Shipment) -> bool:
    """Delivered by the post's word, or said to be so and taken back; not where the post has it back, or lost it."""
    if shipment.tracked in {Tracked.RETURNING, Tracked.RETURNED, Tracked.LOST}:
        return False
    if shipment.stage == Stage.CLOSED:
        return shipment.tracked != Tracked.DELIVERED or shipment.signer == Signer.UNKNOWN
    contradicted = fold_sightings(sightings_of(session, shipment.id)).contradictions
    return shipment.stage == Stage.HANDED_OVER and (shipment.tracked == Tracked.DELIVERED or bool(contradicted))


def _confirm(world: World, session: Session, shipment: Shipment, by: str, note: str) -> None:
    tracking = fold_sightings(sightings_of(session, shipment.id))
    consent = consent_to(session, shipment)
    if tracking.contradictions:
        for seen in tracking.contradictions:
            worklist.put(world, session, Reason.DELIVERY_REVOKED, shipment.subject, cause=seen.fact)
        _answer_questions(world, session, shipment, by, note)
        _end(world, session, shipment, tracking, own_word(tracking, consent), by)
        return
    reason = weigh(tracking, consent, asked=True).reason
    if reason not in ANSWERABLE or tracking.cause is None:
        raise NotAllowedError(f"邮件 {shipment.order_no} 的签收情况已经清楚，会自行闭环，无需本人确认。")
    if not _open_questions(session, shipment):  # nobody asked yet, or it was settled otherwise: for the record
        worklist.put(world, session, reason, shipment.subject, cause=f"word:{tracking.cause.fact}")
    _answer_questions(world, session, shipment, by, note)
    close_shipments(world, session, [Weighed(shipment, tracking, own_word(tracking, consent))], by=by)


def _end(world: World, session: Session, shipment: Shipment, tracking: Tracking, verdict: Verdict, by: str) -> None:
    if shipment.stage == Stage.CLOSED:
        confirm_evidence(world, session, shipment)
    else:
        close_shipments(world, session, [Weighed(shipment, tracking, verdict)], by=by)


def _answer_questions(world: World, session: Session, shipment: Shipment, by: str, note: str) -> None:
    """The word settles what it answers, before the closing would settle it by itself."""
    for entry in _open_questions(session, shipment):
        worklist.settle(world, entry, by, f"{EVIDENCE_WORDS[Evidence.CONFIRMED_BY_APPLICANT]}：{note}")
    session.flush()


def _open_questions(session: Session, shipment: Shipment) -> list[worklist.Entry]:
    return [entry for entry in worklist.standing(session, shipment.subject) if entry.reason in ANSWERABLE]
