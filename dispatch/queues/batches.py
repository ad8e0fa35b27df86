"""Batches as the desk shows them: how far they are, and what became of each item."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.curtain import Curtain, behind
from dispatch.approval.hold_reason import HOLD_REASONS
from dispatch.batch import Batch, BatchItem, Kind, Outcome, find_batch, tally
from dispatch.errors import NotFoundError
from dispatch.label.print_run import PrintRun
from dispatch.label.printer import Printer, PrintJob
from dispatch.queues.queue import Scope, midnight
from dispatch.shipment import Shipment
from dispatch.waybill import live_waybills
from dispatch.world import World

MOST_ROWS = 500
RECENT = 50


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One line of a batch. `nth`: of a printed sheet its place in the run, else 0."""

    place: int
    number: str
    outcome: Outcome
    words: str
    copy: int
    nth: int


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch. `reason`: of a hold, masked. `run`, `job` and `printer`: of printing alone."""

    batch: Batch
    reason: str
    counts: Counter[Outcome]
    rows: Sequence[ItemRow]
    run: PrintRun | None
    job: PrintJob | None
    printer: Printer | None

    @property
    def total(self) -> int:
        """How many items it has."""
        return sum(self.counts.values())

    @property
    def sheets(self) -> int:
        """How many sheets a print run has."""
        return self.counts[Outcome.DONE]

    @property
    def in_file(self) -> int:
        """How many of them are given out as a file: those that no printer has taken."""
        return self.sheets - (self.job.upto if self.job else 0)


def show_batch(world: World, scope: Scope, batch_id: UUID, by: str) -> BatchView:
    """A batch, with what was not done first. Raises NotFoundError for one of which anything is out of sight."""
    with world.reading() as session:
        batch = check_in_sight(world, session, scope, batch_id, by)
        run = session.scalar(select(PrintRun).where(PrintRun.batch_id == batch_id))
        job = session.scalar(select(PrintJob).where(PrintJob.batch_id == batch_id))
        printer = session.get(Printer, job.printer_id) if job else None
        reason = _hold_reason(world, session, batch) if batch.kind == Kind.HOLD else ""
        return BatchView(batch, reason, tally(session, batch_id), _rows(session, batch), run, job, printer)


def _hold_reason(world: World, session: Session, batch: Batch) -> str:
    """Why all of these were held. A clerk's own words may name one of the applicants."""
    told = world.vault.open(batch, "reason") or ""
    if told in HOLD_REASONS:
        return told
    items = select(BatchItem.of).where(BatchItem.batch_id == batch.id).order_by(BatchItem.place).limit(MOST_ROWS)
    query = select(Case, CaseSlip).join(CaseSlip, CaseSlip.case_id == Case.id).where(Case.id.in_(items))
    return behind([Curtain.before(world, *of, reveal=False) for of in session.execute(query)], told)


def check_in_sight(world: World, session: Session, scope: Scope, batch_id: UUID, by: str) -> Batch:
    """The batch, if all of it may be seen. Who sees only what lies here today sees only what they began today."""
    batch = find_batch(session, batch_id)
    today = batch.made_by == by and batch.made_at >= midnight(world.now())
    if _out_of_sight(session, scope, batch) or (scope.today_only and not today):
        raise NotFoundError("没有这个批次。请从“批次”里选。")
    return batch


def _out_of_sight(session: Session, scope: Scope, batch: Batch) -> bool:
    if scope.departments is None:
        return False
    if batch.kind == Kind.PRINT:
        seen = exists().where(Shipment.id == BatchItem.of, scope.of_shipments())
    else:
        seen = exists().where(Case.id == BatchItem.of, scope.of_cases())
    return session.scalar(select(BatchItem.id).where(BatchItem.batch_id == batch.id, ~seen).limit(1)) is not None


def _rows(session: Session, batch: Batch) -> list[ItemRow]:
    trouble_first = (BatchItem.outcome == Outcome.DONE, BatchItem.place)
    query = select(BatchItem).where(BatchItem.batch_id == batch.id).order_by(*trouble_first).limit(MOST_ROWS)
    items = session.scalars(query).all()
    numbers = _numbers(session, batch, [item.of for item in items])
    printed = batch.kind == Kind.PRINT
    return [
        ItemRow(
            item.place,
            numbers.get(item.of, "—"),
            Outcome(item.outcome),
            item.words,
            item.copy,
            item.place if printed and item.outcome == Outcome.DONE else 0,
        )
        for item in items
    ]


def _numbers(session: Session, batch: Batch, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What a clerk knows each by: the case's number, the waybill's, or our order's."""
    if batch.kind != Kind.PRINT:
        return dict(session.execute(select(Case.id, Case.case_no).where(Case.id.in_(ids))).all())
    orders = session.execute(select(Shipment.id, Shipment.order_no).where(Shipment.id.in_(ids)))
    known = {key: order or "—" for key, order in orders}
    return known | {key: waybill.number for key, waybill in live_waybills(session, ids).items()}


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in the list. `unanswered`: printed, and nobody has said yet whether all came out."""

    batch: Batch
    counts: Counter[Outcome]
    unanswered: bool


def unanswered_runs(world: World, scope: Scope, by: str) -> int:
    """How many runs with sheets wait for somebody to say whether all came out."""
    printed = exists().where(BatchItem.batch_id == Batch.id, BatchItem.outcome == Outcome.DONE)
    query = select(func.count()).select_from(Batch).join(PrintRun, PrintRun.batch_id == Batch.id)
    with world.reading() as session:
        return session.scalar(query.where(PrintRun.answered_at.is_(None), printed, _listed(world, scope, by))) or 0


def _listed(world: World, scope: Scope, by: str) -> ColumnElement[bool]:
    """Who does not see everything is shown what they began themselves; who sees only today, today."""
    if scope.today_only:
        return (Batch.made_by == by) & (Batch.made_at >= midnight(world.now()))
    return true() if scope.departments is None else Batch.made_by == by


def recent_batches(world: World, scope: Scope, by: str, *, unanswered: bool = False) -> list[BatchLine]:
    """The newest batches that may be seen, or those of printing that nobody has answered yet."""
    query = (
        select(Batch, PrintRun).outerjoin(PrintRun, PrintRun.batch_id == Batch.id).where(_listed(world, scope, by))
    )
    if unanswered:
        query = query.where(PrintRun.id.is_not(None), PrintRun.answered_at.is_(None))
    with world.reading() as session:
        found = session.execute(query.order_by(Batch.made_at.desc(), Batch.id.desc()).limit(RECENT)).all()
        seen = [(batch, run) for batch, run in found if not _out_of_sight(session, scope, batch)]
        lines = [
            BatchLine(batch, tally(session, batch.id), run is not None and run.answered_at is None)
            for batch, run in seen
        ]
    return [line for line in lines if not line.unanswered or line.counts[Outcome.DONE]]
