"""What lets a case go, and what holds it: released by a person, paper handed over, holds with a reason."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit, jobs, words
from dispatch.approval.case import Case, Document, Hold, Item, Release, find_case, open_hold, refuse_erased
from dispatch.approval.hold_reason import AT_WINDOW
from dispatch.approval.lodge import GATHER
from dispatch.approval.pickup_row import asked_for_under
from dispatch.approval.regather import SENT, call_off_first
from dispatch.crash import Deed
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Stage
from dispatch.shipment import Content, Shipment
from dispatch.world import World

STAYS = "原来的暂缓已解除；本人要到窗口领取，仍留着不寄。要改回寄出的，再解除一次。"


def release(world: World, case_no: str, by: str, *, alone: bool = False) -> bool:
    """Let a case go, `alone` in an envelope of its own; False if it was released before.

    Raises NotFoundError, NotAllowedError (nobody waits for it any more).
    """
    with world.begin(Deed.RELEASE) as session:
        return release_one(world, session, _lock(session, case_no), by, alone=alone)


def _lock(session: Session, case_no: str) -> Case:
    """The case as it is now: of two who act at once the second sees what the first did. Raises NotFoundError."""
    mine = select(Case).where(Case.id == find_case(session, case_no).id).with_for_update()
    return session.scalars(mine.execution_options(populate_existing=True)).one()


def release_one(world: World, session: Session, case: Case, by: str, *, alone: bool = False) -> bool:
    """The same, in a transaction that does more."""
    if case.released_at is not None:
        return False
    _must_be_awaited(case)
    case.released_at, case.released_by, case.alone = world.now(), by, alone
    jobs.leave(session, GATHER, case.subject)
    audit.note(world, session, by, audit.Deed.CHANGE, case.subject, "放行寄递，单独装封" if alone else "放行寄递")
    return True


def _must_be_awaited(case: Case) -> None:
    if case.given_at is not None:
        when = hall_time(case.given_at)
        raise NotAllowedError(f"办件“{case.case_no}”已于 {when} 由窗口发出，不再寄送。")
    if case.lapsed_at is not None:
        when = hall_time(case.lapsed_at)
        raise NotAllowedError(f"办件“{case.case_no}”已于 {when} 到期，不再寄送。确要寄的，请按新办件另行受理。")
    refuse_erased(case)


def hold(world: World, case_no: str, reason: str, by: str) -> None:
    """Hold a case back. Raises ConflictError if it is held already, or lies in an envelope that is sealed."""
    with world.begin() as session:
        hold_one(world, session, _lock(session, case_no), reason, by)


def hold_one(world: World, session: Session, case: Case, reason: str, by: str) -> None:
    """The same for a locked case, in a transaction that does more."""
    _must_be_awaited(case)
    if (standing := open_hold(session, case.id)) is not None:
        first = f"{standing.opened_by} {hall_time(standing.opened_at)}"
        raise ConflictError(f"办件“{case.case_no}”已在暂缓寄递中（{first}）。请先解除原来的暂缓。")
    if (booked := _sealed_in(session, case)) is not None:
        lies = f"办件“{case.case_no}”已在邮件 {booked.order_no} 中（{words.VIEWS[booked.view]}），"
        if booked.stage in SENT:
            raise ConflictError(f"{lies}已经交寄，不能再暂缓。")
        raise ConflictError(f"{lies}来不及暂缓。{call_off_first(booked)}撤成后办件自行暂缓。")
    open_a_hold(world, session, case, reason, by)
    audit.note(world, session, by, audit.Deed.CHANGE, case.subject, f"暂缓寄递：{reason}")


def open_a_hold(world: World, session: Session, case: Case, reason: str, by: str) -> None:
    """Of a locked case on which none stands."""
    row = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=by)
    world.vault.seal(row, "reason", reason)
    session.add(row)


def _sealed_in(session: Session, case: Case) -> Shipment | None:
    """The envelope that is on its way to the post with a document of the case."""
    query = (
        select(Shipment)
        .join(Content, Content.shipment_id == Shipment.id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
        .where(Shipment.stage.not_in([Stage.GATHERING, Stage.CANCELLED]))
    )
    return session.scalars(query.limit(1)).first()


def lift(world: World, case_no: str, by: str) -> str:
    """Lift the hold of a case; in words why it waits all the same, empty where it may go.

    Raises NotFoundError if none stands.
    """
    with world.begin() as session:
        return lift_one(world, session, _lock(session, case_no), by)


def lift_one(world: World, session: Session, case: Case, by: str) -> str:
    """The same, in a transaction that does more."""
    standing = open_hold(session, case.id)
    if standing is None:
        raise NotFoundError(f"办件“{case.case_no}”没有暂缓寄递，无需解除。")
    standing.lifted_at, standing.lifted_by = world.now(), by
    audit.note(world, session, by, audit.Deed.CHANGE, case.subject, "解除暂缓")
    own = (world.vault.open(standing, "reason") or "").startswith(AT_WINDOW)
    if not own and asked_for_under(session, case, standing):
        session.flush()  # one hold at a time stands on a case
        open_a_hold(world, session, case, AT_WINDOW, by)
        return STAYS
    jobs.leave(session, GATHER, case.subject)
    return ""


def paper_ready_in(world: World, session: Session, case: Case) -> bool:
    """The paper was handed over (出证登记), in the caller's transaction; False if that was known."""
    if case.paper_ready_at is not None:
        return False
    case.paper_ready_at = world.now()
    jobs.leave(session, GATHER, case.subject)
    return True


def set_policy(world: World, item_code: str, release_policy: Release, grouping_minutes: int | None) -> None:
    """Change an item's policy; cases that waited only for a person go on by themselves under `at_once`."""
    with world.begin() as session:
        item = session.scalar(select(Item).where(Item.code == item_code).with_for_update())
        if item is None:
            raise NotFoundError(f"没有编码为“{item_code}”的事项。事项在第一件办件到达时建立。")
        item.release = release_policy
        if grouping_minutes is not None:
            item.grouping = timedelta(minutes=grouping_minutes)
        for case in session.scalars(select(Case).where(Case.item_id == item.id, Case.released_at.is_(None))):
            jobs.leave(session, GATHER, case.subject)
