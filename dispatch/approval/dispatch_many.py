"""Many cases are released, held, or let off their hold: in steps, each case with its own outcome.

Each step is one transaction under the batch's lock, whether at the desk or in a worker: what a step has done, the
next one does not see again, so whoever dies or loses the line in between does nothing twice and forgets nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch import audit, jobs
from dispatch.approval.case import Case, open_hold
from dispatch.approval.release import hold_one, lift_one, release_one
from dispatch.batch import Batch, BatchItem, Kind, Outcome, add_waiting, items_of, lock_batch, make_batch, tally
from dispatch.crash import Deed
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError, ZhuandiError
from dispatch.hall_time import hall_time
from dispatch.lease import Claim
from dispatch.shipment import subject_id
from dispatch.world import World

WORK = "batch.work"
STEP = 100
"""Cases in one transaction: nobody waits long for their locks."""
KINDS = (Kind.RELEASE, Kind.HOLD, Kind.LIFT)
HELD = "已放行；仍在暂缓寄递，解除后才寄出。"
NO_PAPER = "已放行；纸质结果还没有到窗口（待出证），到后寄出。"


def begin_many(
    world: World,
    kind: Kind,
    case_ids: Sequence[UUID],
    by: str,
    reason: str = "",
    *,
    alone: Collection[UUID] = (),
) -> UUID:
    """A batch of these cases, in this order, which a worker does if nobody else goes on with it.

    `alone`: those that are released each into an envelope of its own, whoever else it may be for.
    Raises NotAllowedError where no case is chosen, or a hold has no reason.
    """
    if not case_ids:
        raise NotAllowedError("还没有选办件。请先勾选，或选中符合条件的全部。")
    if kind is Kind.HOLD and not reason.strip():
        raise NotAllowedError("暂缓寄递须写明原因。")
    with world.begin() as session:
        batch = make_batch(world, session, kind, by, reason.strip())
        add_waiting(session, batch, case_ids, alone if kind is Kind.RELEASE else ())
        jobs.leave(session, WORK, batch.subject)
        audit.note(world, session, by, audit.Deed.CHANGE, batch.subject, f"{kind}：{len(case_ids)} 件")
    return batch.id


def go_on(world: World, batch_id: UUID) -> bool:
    """Do the next step of it now; whether anything still waits. What is left, a worker does too."""
    with world.begin(Deed.RELEASE) as session:
        return _step(world, session, lock_batch(session, batch_id))


def work_batch(world: World, claim: Claim) -> None:
    """One step, and the job comes back while anything waits."""
    batch_id = subject_id(claim.subject)
    with world.reading() as session:
        waiting = tally(session, batch_id)[Outcome.WAITING]
    with claim.later(timedelta(0)) if waiting > STEP else claim.done() as session:
        _step(world, session, lock_batch(session, batch_id))


def try_failed_again(world: World, batch_id: UUID, by: str) -> int:
    """What was not done waits once more, and nothing else; how many. Raises NotFoundError, ConflictError."""
    with world.begin() as session:
        batch = lock_batch(session, batch_id)
        if batch.kind not in KINDS:
            raise ConflictError("打单的批次请从结果里另打，不在这里重试。")
        failed = update(BatchItem).where(BatchItem.batch_id == batch_id, BatchItem.outcome == Outcome.FAILED)
        again = session.execute(
            failed.values(outcome=Outcome.WAITING, words="", at=None).returning(BatchItem.id)
        ).all()
        if again:
            batch.ended_at = None
            jobs.leave(session, WORK, batch.subject)
            audit.note(world, session, by, audit.Deed.CHANGE, batch.subject, f"重试未办成的 {len(again)} 件")
    return len(again)


def _step(world: World, session: Session, batch: Batch) -> bool:
    waiting = items_of(session, batch.id, Outcome.WAITING, most=STEP + 1)
    now = waiting[:STEP]
    cases = _lock_cases(session, [item.of for item in now])
    reason = world.vault.open(batch, "reason") or ""
    for item in now:
        item.outcome, item.words = _do(world, session, batch, item, cases.get(item.of), reason)
        item.at = world.now()
    if len(waiting) <= STEP and batch.ended_at is None:
        batch.ended_at = world.now()
    return len(waiting) > STEP


def _lock_cases(session: Session, case_ids: Sequence[UUID]) -> Mapping[UUID, Case]:
    """In order of id, so that two batches never wait for each other crosswise."""
    mine = select(Case).where(Case.id.in_(case_ids)).order_by(Case.id).with_for_update()
    return {case.id: case for case in session.scalars(mine.execution_options(populate_existing=True))}


def _do(
    world: World, session: Session, batch: Batch, item: BatchItem, case: Case | None, reason: str
) -> tuple[Outcome, str]:
    """One case. Whatever cannot be done is told before anything of it is written."""
    if case is None:
        return Outcome.FAILED, "这件办件已不在系统里。"
    try:
        if batch.kind == Kind.HOLD:
            hold_one(world, session, case, reason, batch.made_by)
        elif batch.kind == Kind.LIFT:
            return Outcome.DONE, lift_one(world, session, case, batch.made_by)
        else:
            return _release(world, session, case, batch.made_by, alone=item.alone)
    except NotFoundError as error:
        return Outcome.ALREADY, str(error)
    except ZhuandiError as error:
        return Outcome.FAILED, str(error)
    return Outcome.DONE, ""


def _release(world: World, session: Session, case: Case, by: str, *, alone: bool) -> tuple[Outcome, str]:
    was = (case.released_by or "", case.released_at)
    if not release_one(world, session, case, by, alone=alone):
        first, at = was
        return Outcome.ALREADY, f"{first} {hall_time(at) if at else ''} 已放行。"
    if open_hold(session, case.id) is not None:
        return Outcome.DONE, HELD
    return Outcome.DONE, "" if case.paper_ready_at is not None else NO_PAPER
