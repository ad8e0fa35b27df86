"""A case that was never closed is let go: nobody waits for it any more, and its personal data has had its time."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit, worklist
from dispatch.approval.case import Case, Document, find_case, open_hold
from dispatch.errors import NotAllowedError
from dispatch.journey import AT_AN_END
from dispatch.shipment import Content, Shipment, lock_all
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from dispatch.zero_visits.settle import signed


def may_lapse(session: Session, case: Case) -> bool:
    """Its time is up, it was never closed, and no envelope of it is on the road."""
    closed = session.scalar(select(Closure.id).where(Closure.case_id == case.id))
    up = worklist.stands(session, case.subject, Reason.KEPT_TOO_LONG)
    return up and closed is None and not _on_the_road(_envelopes(session, case))


def let_lapse(world: World, case_no: str, by: str, note: str) -> None:
    """Nothing of it is sent any more; whatever is open on it and its envelopes is settled, and its people are
    forgotten with the next round. `note`: what became of the paper.

    Raises NotFoundError; NotAllowedError: its time is not up, it is closed, an envelope is on the road, or no note.
    """
    signed(by, note)
    with world.begin() as session:
        case = find_case(session, case_no)
        envelopes = lock_all(session, [one.id for one in _envelopes(session, case)])
        session.refresh(case, with_for_update=True)
        if not may_lapse(session, case):
            raise NotAllowedError(f"办件“{case_no}”现在不能清除：没有到期、已闭环，或还有邮件在途。请先了结邮件。")
        case.lapsed_at = world.now()
        for subject in (case.subject, *(one.subject for one in envelopes)):
            for entry in worklist.standing(session, subject):
                worklist.settle(world, entry, by, f"不再寄送：{note.strip()}")
        held = open_hold(session, case.id)
        if held is not None:
            held.lifted_at, held.lifted_by = world.now(), by
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, f"到期不再寄送：{note.strip()}")


def _envelopes(session: Session, case: Case) -> list[Shipment]:
    """All that ever held something of it."""
    held = select(Content.shipment_id).join(Document, Document.id == Content.document_id)
    return list(session.scalars(select(Shipment).where(Shipment.id.in_(held.where(Document.case_id == case.id)))))


def _on_the_road(envelopes: list[Shipment]) -> bool:
    return any(one.view not in AT_AN_END for one in envelopes)
