"""A print run: which sheets of which size, in which order, and what somebody says came out.

Printed is not yet on paper. Until somebody says what came out, the same run may be drawn again as often as its file
gets lost, with the same sheets and without counting, each file noted; after that it is given to nobody. What goes to
a printer is no file besides. Whatever is *printed* again counts, has a reason, and bears 补打.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit, worklist
from dispatch.batch import Batch, BatchItem, Kind, Outcome, find_batch, items_of
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Stage
from dispatch.label.pages import Envelope, Stamp, draw, look_inside
from dispatch.label.printer import SIZES, UNDER_WAY, PrintJob, State, print_subject
from dispatch.once import check_same, made_before
from dispatch.world import World

PDF = "pdf"
NOTHING_LEFT = "这一批没有可打的面单：没有打成，或都已封装、换号、撤销。"


class PrintRun(Base):
    """What belongs to a batch of printing alone. `came_out`: so many sheets, as whoever answered says."""

    __tablename__ = "print_runs"

    id: Mapped[RowId]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), unique=True)
    size: Mapped[str]
    again_of: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    came_out: Mapped[int | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_print_runs_unanswered", "batch_id", postgresql_where=text("answered_at IS NULL")),)


def make_run(session: Session, batch: Batch, size: str, again_of: UUID | None) -> None:
    """The run of this batch, not answered yet."""
    session.add(PrintRun(id=uuid7(), batch_id=batch.id, size=size, again_of=again_of))


def find_run(session: Session, batch_id: UUID) -> PrintRun:
    """The run of this batch. Raises NotFoundError."""
    found = session.scalar(select(PrintRun).where(PrintRun.batch_id == batch_id))
    if found is None:
        raise NotFoundError("这不是打单的批次。")
    return found


def run_of_form(
    world: World, session: Session, form_key: UUID | None, by: str, reason: str, shipment_ids: Sequence[UUID]
) -> UUID | None:
    """The batch that this very form has made. Raises ConflictError where its key was used for something else."""
    batch = made_before(session, Batch, form_key)
    if batch is None:
        return None
    sheets = {item.of for item in items_of(session, batch.id)}
    told = (batch.kind, batch.made_by, world.vault.open(batch, "reason") or "", sheets)
    check_same(same=told == (Kind.PRINT, by, reason, set(shipment_ids)))
    return batch.id


def job_of(session: Session, batch_id: UUID) -> PrintJob | None:
    """What is sent to a printer for this batch."""
    return session.scalar(select(PrintJob).where(PrintJob.batch_id == batch_id))


def draw_run(world: World, batch_id: UUID, first: int = 1) -> bytes:
    """The sheets of this batch as one PDF, from the first-th, in the order of the run: the same each time.

    What was packed, relabelled or called off meanwhile is left out: its sheet must not lie about once more.
    Raises NotFoundError, and ConflictError where none is left.
    """
    with world.reading() as session:
        printed = items_of(session, batch_id, Outcome.DONE)
        standing = _standing(session, printed[first - 1 :])
    return _drawn(world, batch_id, printed, standing)


def draw_next(world: World, batch_id: UUID, upto: int, most: int) -> tuple[bytes, int]:
    """The same of the next sheets after this many, `most` at a time; and how many of the run are behind then.

    Where none of these stands any more it goes on behind them. Raises as `draw_run`.
    """
    with world.reading() as session:
        printed = items_of(session, batch_id, Outcome.DONE)
        while not (standing := _standing(session, printed[upto : upto + most])) and upto < len(printed):
            upto += most
    return _drawn(world, batch_id, printed, standing), min(upto + most, len(printed))


def _standing(session: Session, printed: Sequence[BatchItem]) -> list[Envelope]:
    envelopes = look_inside(session, [item.of for item in printed])
    return [one for one, item in zip(envelopes, printed, strict=True) if _stands(one, item)]


def _drawn(world: World, batch_id: UUID, printed: Sequence[BatchItem], standing: Sequence[Envelope]) -> bytes:
    with world.reading() as session:
        batch, run = find_batch(session, batch_id), find_run(session, batch_id)
    if not standing:
        raise ConflictError(NOTHING_LEFT)
    copies = {item.of: item.copy for item in printed}
    return draw(world, standing, SIZES[run.size], Stamp(batch.made_at, copies))


def take_out(world: World, batch_id: UUID, by: str, kind: str = PDF) -> bytes:
    """The sheets as a file for somebody to print, which is noted; `kind`: of the file that is made of this PDF.

    Of a run that a printer has begun and will not end, those that it has not taken: no sheet twice without 补打.
    Raises as `draw_run`, and ConflictError where somebody has answered for the run, or a printer may print it.
    """
    with world.reading() as session:
        _refuse_answered(find_run(session, batch_id), "不再给面单文件。打坏、丢了的，请用补打。")
        job = job_of(session, batch_id)
    if job is not None and job.no_file:
        raise ConflictError(job.no_file)
    drawn = draw_run(world, batch_id, job.upto + 1 if job is not None else 1)
    with world.begin() as session:
        audit.note(world, session, by, audit.Deed.EXPORT, f"batch:{batch_id}", f"面单文件（{kind.upper()}）")
    return drawn


def _stands(envelope: Envelope, item: BatchItem) -> bool:
    waybill = envelope.waybill
    return envelope.shipment.stage == Stage.PRINTED and waybill is not None and waybill.id == item.waybill_id


def all_came_out(world: World, batch_id: UUID, by: str) -> None:
    """Somebody has counted. Raises NotFoundError, ConflictError (answered already, or still being printed)."""
    with world.begin() as session:
        answer(world, session, batch_id, by, None)
        audit.note(world, session, by, audit.Deed.CHANGE, f"batch:{batch_id}", "全部打印成功")


def answer(world: World, session: Session, batch_id: UUID, by: str, came_out: int | None) -> None:
    """Write the answer down (None: all came out). Of two who answer the second is told who was first."""
    mine = select(PrintRun).where(PrintRun.batch_id == batch_id).with_for_update()
    run = session.scalar(mine.execution_options(populate_existing=True))
    if run is None:
        raise NotFoundError("这不是打单的批次。")
    _refuse_answered(run, "要再打，请用补打。")
    _check_printer_is_done(session, batch_id, came_out)
    run.came_out = len(items_of(session, batch_id, Outcome.DONE)) if came_out is None else came_out
    run.answered_by, run.answered_at = by, world.now()
    for entry in worklist.standing(session, print_subject(batch_id)):
        worklist.settle(world, entry, by, f"清点：出了 {run.came_out} 张")


def _refuse_answered(run: PrintRun, instead: str) -> None:
    if run.answered_at is not None:
        first = f"{run.answered_by} {hall_time(run.answered_at)}"
        raise ConflictError(f"这一批已由 {first} 答复：出了 {run.came_out} 张。{instead}")


def _check_printer_is_done(session: Session, batch_id: UUID, came_out: int | None) -> None:
    mine = select(PrintJob).where(PrintJob.batch_id == batch_id).with_for_update()
    job = session.scalar(mine.execution_options(populate_existing=True))
    if job is not None and State(job.state) in UNDER_WAY:
        what = "再答复" if came_out is None else "再重打"
        raise ConflictError(f"这一批还在往打印机送。请等它送完，或先停止，{what}。")


def stop(world: World, batch_id: UUID, by: str) -> None:
    """Nothing more of it is sent to the printer. Raises NotFoundError, ConflictError."""
    with world.begin() as session:
        mine = select(PrintJob).where(PrintJob.batch_id == batch_id).with_for_update()
        job = session.scalar(mine.execution_options(populate_existing=True))
        if job is None:
            raise NotFoundError("这一批没有送往打印机。")
        if job.state != State.WAITING:
            raise ConflictError("这一批没有在等打印机，停不了。正在送的这几张请等它有结果。")
        job.state, job.changed_at = State.STOPPED, world.now()
        audit.note(world, session, by, audit.Deed.CHANGE, f"batch:{batch_id}", f"停止打印，已送 {job.upto} 张")


def sheets_from(session: Session, batch_id: UUID, nth: int) -> Sequence[UUID]:
    """The envelopes from the nth sheet of a run on. Raises NotAllowedError where it has no such sheet."""
    printed = items_of(session, batch_id, Outcome.DONE)
    if not 1 <= nth <= len(printed):
        raise NotAllowedError(f"这一批共 {len(printed)} 张，没有第 {nth} 张。")
    return [item.of for item in printed[nth - 1 :]]
