"""An envelope ends without a delivery: it came back and goes out again or waits, or it is lost and made anew.

Its papers leave the envelope and are free: sent again they are ordered anew, under another order number. The trips
that its way cost stay in the ledger; a trip to the hall after it is counted by whoever hands the paper out there.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit, jobs, words, worklist
from dispatch.approval.case import Case, Document, Hold, held_among, open_hold, refuse_erased
from dispatch.approval.lodge import CASE_WATCH, GATHER
from dispatch.errors import NotAllowedError
from dispatch.hall_time import SHANGHAI
from dispatch.journey import WAY_BACK, Act, Stage, Tracked
from dispatch.shipment import Content, Shipment, act, lock
from dispatch.tracking.sighting import fold_sightings, sightings_of
from dispatch.working_days import case_patience
from dispatch.world import World
from dispatch.zero_visits.close import cases_in
from dispatch.zero_visits.settle import signed

BACK = WAY_BACK | {Tracked.LOST}
"""What the post says of a letter that may lie in our hands again; a lost one turns up."""


def send_again(world: World, shipment_id: UUID, by: str, note: str = "") -> tuple[str, ...]:
    """二次寄递: what came back goes out again, under a new order; the numbers of the cases that still wait (held).

    Raises NotAllowedError: the post does not say that it came back.
    """
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        cases = _take_back(world, session, shipment, by, _told("二次寄递", note))
        for case in cases:
            jobs.leave(session, GATHER, case.subject)
            jobs.leave(session, CASE_WATCH, case.subject, after=case_patience(world, session))
        held = held_among(session, [case.id for case in cases])
        return tuple(case.case_no for case in cases if case.id in held)


def keep_here(world: World, shipment_id: UUID, until: date, by: str, note: str = "") -> None:
    """暂存: what came back lies in the hall until that day; then a person is asked again.

    Each case is held, so that nothing goes out by itself: lifting the hold sends it, at the window it is handed out.
    Raises NotAllowedError: it did not come back, or the day is over.
    """
    ends = datetime.combine(until, time(), SHANGHAI)
    if ends <= world.now():
        raise NotAllowedError(f"暂存期限“{until}”已过。请填今天以后的日期。")
    told = _told(f"退件暂存至 {until}", note)
    with world.begin() as session:
        for case in _take_back(world, session, lock(session, shipment_id), by, told):
            if open_hold(session, case.id) is None:
                row = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=by, until=ends)
                world.vault.seal(row, "reason", told)
                session.add(row)
            jobs.leave(session, CASE_WATCH, case.subject)  # it learns of the day, and rests until then


def declare_lost(world: World, shipment_id: UUID, by: str, note: str) -> tuple[str, ...]:
    """报失补证: the letter is given up, and its cases wait for new papers (待出证); the codes of those.

    `note`: how it was searched, and what is claimed of the post. Found later, the old paper goes nowhere.
    Raises NotAllowedError: it was never handed over, its delivery is proved, or there is no note.
    """
    signed(by, note)
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        if shipment.stage == Stage.CLOSED and shipment.tracked not in BACK:
            raise NotAllowedError(f"邮件 {shipment.order_no} 已凭签收闭环，不能报失。签收有疑问的，先核实。")
        papers = _papers(session, shipment)
        cases = {
            case.id: case
            for case in end_undelivered(world, session, shipment, Act.WRITE_OFF, by, f"报失补证：{note}")
        }
        made = [_made_anew(world, session, cases[paper.case_id], paper) for paper in papers]
        for case in cases.values():
            case.paper_ready_at = None
            jobs.leave(session, CASE_WATCH, case.subject, after=case_patience(world, session))
        return tuple(paper.code for paper in made)


def came_back(session: Session, shipment: Shipment) -> bool:
    """Whether by the post's word we may have it again. Signed for on its way back, it may be by ourselves."""
    if shipment.stage not in {Stage.HANDED_OVER, Stage.CLOSED}:
        return False
    if shipment.tracked in BACK:
        return True
    delivered = shipment.stage == Stage.HANDED_OVER and shipment.tracked == Tracked.DELIVERED
    return delivered and fold_sightings(sightings_of(session, shipment.id)).on_way_back


def _take_back(world: World, session: Session, shipment: Shipment, by: str, told: str) -> Sequence[Case]:
    if not came_back(session, shipment):
        here = words.VIEWS[shipment.view]
        raise NotAllowedError(f"邮件 {shipment.order_no} 处于“{here}”，没有退回，不能收回。请先问寄递企业。")
    return end_undelivered(world, session, shipment, Act.TAKE_BACK, by, told)


def end_undelivered(
    world: World, session: Session, shipment: Shipment, deed: Act, by: str, told: str
) -> Sequence[Case]:
    """A locked envelope is at its end, its papers are out of it, what a person was asked about it is answered.

    The cases whose papers lay in it. `deed`: taken back, or written off. Raises NotAllowedError where it cannot be.
    """
    cases = [case for case, _ in cases_in(session, [shipment.id])]
    for case in cases:  # whoever forgets locks the envelope too
        refuse_erased(case)
    for entry in worklist.standing(session, shipment.subject):
        worklist.settle(world, entry, by, told)
    session.flush()
    act(world, session, shipment, deed, by=by)
    for content in session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void)):
        content.void = True
    session.flush()
    for subject in (shipment.subject, *(case.subject for case in cases)):
        audit.note(world, session, by, audit.Deed.CHANGE, subject, told)
    return cases


def _papers(session: Session, shipment: Shipment) -> list[Document]:
    inside = select(Document).join(Content, Content.document_id == Document.id)
    query = inside.where(Content.shipment_id == shipment.id, ~Content.void).order_by(Document.code)
    return list(session.scalars(query))


def _made_anew(world: World, session: Session, case: Case, paper: Document) -> Document:
    last = session.scalar(select(func.max(Document.number)).where(Document.case_id == case.id)) or 0
    paper.lost_at = world.now()
    made = Document(
        id=uuid7(),
        case_id=case.id,
        number=last + 1,
        code=f"{case.case_no}-{last + 1}",
        name=paper.name,
        copies=paper.copies,
    )
    session.add(made)
    session.flush()
    return made


def _told(what: str, note: str) -> str:
    return f"{what}：{note.strip()}" if note.strip() else what
