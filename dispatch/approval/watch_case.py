"""A case that has no envelope yet waits for somebody: past its patience that is shown (DESIGN promise 10)."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.approval.case import Case, Document, Item, is_over, may_leave, open_hold
from dispatch.approval.lodge import GATHER
from dispatch.hall_time import hall_time
from dispatch.lease import Claim
from dispatch.shipment import Content, subject_id
from dispatch.working_days import case_patience
from dispatch.worklist import Reason
from dispatch.world import World


def watch_case(world: World, claim: Claim) -> None:
    """Look whether the case is on its way; if not, say what it waits for, again and again until it is."""
    with world.reading() as session:
        case = session.get_one(Case, subject_id(claim.subject))
        settled = is_over(case) or _enveloped(session, case)
        rests = _rests(world, session, case)
        again = case_patience(world, session)
    if settled:
        with claim.done():
            return
    if rests > timedelta(0):
        with claim.later(rests):
            return
    with claim.later(again) as session:
        case = session.get_one(Case, subject_id(claim.subject))
        reason = _waits_for(session, case)
        if reason is None:
            jobs.leave(session, GATHER, case.subject)  # nothing holds it: its job was lost from sight
        elif not worklist.stands(session, case.subject, reason):
            times, _ = worklist.last_settled(session, case.subject, reason)
            words = f"{hall_time(case.received_at)} 收件，至今没有封袋。{_why_held(world, session, case)}"
            worklist.put(world, session, reason, case.subject, cause=str(times), detail=words)


def _rests(world: World, session: Session, case: Case) -> timedelta:
    """How long its hold says that nobody need be asked."""
    standing = open_hold(session, case.id)
    return standing.until - world.now() if standing and standing.until else timedelta(0)


def _enveloped(session: Session, case: Case) -> bool:
    query = (
        select(Content.id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
    )
    return session.scalar(query.limit(1)) is not None


def _why_held(world: World, session: Session, case: Case) -> str:
    standing = open_hold(session, case.id)
    return f"暂缓原因：{world.vault.open(standing, 'reason')}" if standing else ""


def _waits_for(session: Session, case: Case) -> Reason | None:
    if open_hold(session, case.id) is not None:
        return Reason.ON_HOLD
    if case.paper_ready_at is None:
        return Reason.PAPER_LATE
    return None if may_leave(session, case, session.get_one(Item, case.item_id)) else Reason.NOT_RELEASED
