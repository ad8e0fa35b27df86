"""How the network printers do: when each last took sheets, what waits for it, what it did not take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dispatch.label.print_run import PrintRun
from dispatch.label.printer import UNDER_WAY, Printer, PrintJob, State, printers
from dispatch.world import World

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PrinterHealth:
    """`seen_at`: it last took sheets; None where it never did. `last`: the newest run on it, since `last_at`.

    `waiting`: sheets that wait for it; `refused`: runs of the last 30 days that it was not sent; `unknown`: those
    whose line was lost and of which nobody has said yet how many came out. `words`: what went wrong with the newest.
    """

    name: str
    on: bool
    seen_at: datetime | None
    last: State | None
    last_at: datetime | None
    words: str
    waiting: int
    refused: int
    unknown: int

    @property
    def ails(self) -> bool:
        """Whether somebody should look at it."""
        return self.on and bool(self.unknown or self.words)


def printer_healths(world: World, session: Session) -> list[PrinterHealth]:
    """All there are, by name: two statements, however many they are."""
    newest, counted = _newest(session), _counted(session, world.now() - RECENT)
    return [_health(printer, newest.get(printer.id), counted) for printer in printers(session, also_off=True)]


@dataclass(slots=True)
class _Counts:
    seen_at: datetime | None = None
    waiting: int = 0
    refused: int = 0
    unknown: int = 0


def _health(printer: Printer, last: PrintJob | None, counted: Mapping[UUID, _Counts]) -> PrinterHealth:
    counts = counted.get(printer.id, _Counts())
    state = State(last.state) if last else None
    return PrinterHealth(
        name=printer.name,
        on=printer.is_on,
        seen_at=counts.seen_at,
        last=state,
        last_at=last.changed_at if last else None,
        words=last.words if last else "",
        waiting=counts.waiting,
        refused=counts.refused,
        unknown=counts.unknown,
    )


def _newest(session: Session) -> Mapping[UUID, PrintJob]:
    by_printer = select(PrintJob).ext(distinct_on(PrintJob.printer_id))
    by_printer = by_printer.order_by(PrintJob.printer_id, PrintJob.id.desc())
    return {job.printer_id: job for job in session.scalars(by_printer)}


def _counted(session: Session, since: datetime) -> Mapping[UUID, _Counts]:
    waits = PrintJob.state.in_(UNDER_WAY)
    run = select(PrintRun.answered_at.is_(None)).where(PrintRun.batch_id == PrintJob.batch_id).correlate(PrintJob)
    unanswered = (PrintJob.state == State.UNKNOWN) & run.scalar_subquery()  # looked up for these alone
    query = select(
        PrintJob.printer_id,
        func.max(PrintJob.changed_at).filter(PrintJob.upto > 0),
        func.coalesce(func.sum(PrintJob.sheets - PrintJob.upto).filter(waits), 0),
        func.count().filter(PrintJob.state == State.FAILED, PrintJob.changed_at >= since),
        func.count().filter(unanswered),
    ).group_by(PrintJob.printer_id)
    return {row[0]: _Counts(row[1], row[2], row[3], row[4]) for row in session.execute(query)}
