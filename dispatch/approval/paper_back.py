"""撤回出证登记: registered by mistake, or fetched again by the department; the case waits for its paper anew."""

from sqlalchemy.orm import Session

from dispatch import audit, jobs, words
from dispatch.approval.case import Case, refuse_erased
from dispatch.approval.issue import standing_issue
from dispatch.approval.lodge import CASE_WATCH, GATHER
from dispatch.approval.regather import SENT, Envelope, call_off_first, holding, is_unbooked, near, regather
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.working_days import case_patience
from dispatch.world import World

LONGEST_REASON = 200
WHAT = "撤回出证登记"


def take_paper_back(world: World, case_no: str, by: str, why: str, within: Within = EVERYTHING) -> None:
    """The paper is not here: the case leaves an envelope of which no carrier knows, and waits in 待出证.

    Raises NotFoundError (no such case, or nothing registered), NotAllowedError (no reason), ConflictError (it lies in
    an envelope that was booked, or was given out).
    """
    told = " ".join(why.split())[:LONGEST_REASON]
    if not told:
        raise NotAllowedError("请写明为什么撤回出证登记。")
    with world.begin() as session:
        case = find_case_within(session, case_no, within)
        envelopes = near(session, {case.id})
        session.refresh(case, with_for_update=True)
        _check(session, case, envelopes)
        freed = regather(world, session, envelopes, {case.id}, by, WHAT)
        _end(world, session, case, by, told)
        jobs.leave_all(session, GATHER, [f"case:{one}" for one in sorted(freed - {case.id})])
        jobs.leave(session, CASE_WATCH, case.subject, after=case_patience(world, session))
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, f"{WHAT}：{told}")


def _check(session: Session, case: Case, envelopes: list[Envelope]) -> None:
    refuse_erased(case)
    if case.given_at is not None:
        raise ConflictError(f"办件“{case.case_no}”的证照已在窗口交给本人或代领人，出证登记不能撤回。")
    if case.paper_ready_at is None:
        raise NotFoundError(f"办件“{case.case_no}”还没有登记出证，不用撤回。")
    for envelope in envelopes:
        if envelope.holds_any({case.id}) and not is_unbooked(envelope.shipment):
            raise _booked(case, envelope)
    if not set(session.scalars(holding([case.id]))) <= {envelope.shipment.id for envelope in envelopes}:
        raise ConflictError(f"办件“{case.case_no}”的出件正在装入信封，登记没有撤回。请再试一次。")


def _booked(case: Case, envelope: Envelope) -> ConflictError:
    shipment = envelope.shipment
    lies = f"办件“{case.case_no}”的出件已在邮件 {shipment.order_no} 中（{words.VIEWS[shipment.view]}），"
    if shipment.stage in SENT:
        return ConflictError(f"{lies}已经交寄，出证登记不能撤回。")
    return ConflictError(
        f"{lies}寄递企业已知道或可能知道，登记没有撤回。{call_off_first(shipment)}撤成后再撤回登记。"
    )


def _end(world: World, session: Session, case: Case, by: str, told: str) -> None:
    case.paper_ready_at = None
    row = standing_issue(session, case)
    if row is not None:
        row.taken_back_at, row.taken_back_by = world.now(), by
        world.vault.seal(row, "taken_back_why", told)
