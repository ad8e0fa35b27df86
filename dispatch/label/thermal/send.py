"""What waits for a printer is sent to it: a few sheets at a time, and never twice by itself.

The intent is committed, the printer is spoken to, the outcome is committed. A job that is found `sending` was being
sent by a worker that died: how many came out nobody knows, and a person is asked (`print_run.answer`).
"""

from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch import worklist
from dispatch.crash import Point, reach
from dispatch.errors import NotAllowedError, ZhuandiError
from dispatch.label.print_run import draw_next, find_run
from dispatch.label.printer import UNDER_WAY, Language, Printer, PrintJob, State, check_address
from dispatch.label.thermal.labels import write_labels
from dispatch.label.thermal.line import CutError, NotReachedError, deliver
from dispatch.lease import Claim
from dispatch.shipment import subject_id
from dispatch.worklist import Reason
from dispatch.world import World

AT_ONCE = 10
"""Sheets on one connection: a slow printer takes them while the line waits, and no more are in doubt if it is cut."""
AT_LAST = timedelta(0)
DIED = "送到一半程序中断了，不知出了几张。"
REMOVED = "这台打印机已停用或移除，没有送。"
OTHER_PAPER = "打印机换成了 {} 的纸，这一批是 {} 的，没有送。请另选一台，或用浏览器打印。"


@dataclass(frozen=True, slots=True)
class Target:
    """A printer as a run is sent to it: kept with the run from its first sheets on, whatever is edited since."""

    host: str
    port: int
    language: str
    darkness: int | None
    shift_right: int
    shift_down: int


@dataclass(frozen=True, slots=True)
class Load:
    """The next sheets in the printer's language. `upto`: so many of the run are behind once it has taken them."""

    stream: bytes
    upto: int


def send(world: World, claim: Claim) -> None:
    """Send the next sheets of what waits longest for this printer; the job comes back while anything waits."""
    job = _next(world, subject_id(claim.subject))
    if job is None:
        with claim.done():
            return
    if job.state == State.SENDING:
        with claim.later(AT_LAST) as session:
            _in_doubt(world, session, job, DIED)
        return
    try:
        target, load = _prepare(world, job)
    except ZhuandiError as error:
        with claim.later(AT_LAST) as session:
            _end(world, session, job, State.FAILED, str(error))
        return
    if claim.may_speak() and _intend(world, job, target):
        _speak(world, claim, job, target, load)
    else:
        with claim.later(AT_LAST):
            return


def _next(world: World, printer_id: UUID) -> PrintJob | None:
    query = select(PrintJob).where(PrintJob.printer_id == printer_id, PrintJob.state.in_(UNDER_WAY))
    with world.reading() as session:
        return session.scalars(query.order_by(PrintJob.id).limit(1)).first()


def _prepare(world: World, job: PrintJob) -> tuple[Target, Load]:
    """Where to, and the next sheets. Raises NotAllowedError, and as `draw_next`."""
    target = _target(world, job)
    check_address(world.settings, target.host, target.port)  # as the settings are now
    pdf, upto = draw_next(world, job.batch_id, job.upto, AT_ONCE)
    moved = (target.shift_right, target.shift_down)
    return target, Load(write_labels(pdf, Language(target.language), darkness=target.darkness, moved=moved), upto)


def _target(world: World, job: PrintJob) -> Target:
    """What the first sheets of the run were sent to; before them the printer as it is now. Raises NotAllowedError."""
    with world.reading() as session:
        printer, run = session.get_one(Printer, job.printer_id), find_run(session, job.batch_id)
    if printer.removed_at is not None or not printer.is_on:
        raise NotAllowedError(REMOVED)
    if job.claimed is not None:
        return Target(**job.claimed)
    if printer.size != run.size:
        raise NotAllowedError(OTHER_PAPER.format(printer.size, run.size))
    return Target(**{field.name: getattr(printer, field.name) for field in fields(Target)})


def _intend(world: World, job: PrintJob, target: Target) -> bool:
    """Whether it still waits: somebody may have stopped it meanwhile."""
    mine = update(PrintJob).where(PrintJob.id == job.id, PrintJob.state == State.WAITING)
    with world.begin() as session:
        told = {"state": State.SENDING, "words": "", "changed_at": world.now(), "claimed": asdict(target)}
        intended = mine.values(**told).returning(PrintJob.id)
        still = session.scalar(intended) is not None
        reach(Point.INTENT_WRITTEN)
    reach(Point.INTENT_COMMITTED)
    return still


def _speak(world: World, claim: Claim, job: PrintJob, target: Target, load: Load) -> None:
    wrong = _said_of(world, target, load.stream)
    reach(Point.PARSED)
    if isinstance(wrong, NotReachedError):
        with claim.failed(str(wrong), world.settings.printer_again) as session:
            _end(world, session, job, State.WAITING, str(wrong))
    elif wrong is not None:
        with claim.later(AT_LAST) as session:
            _in_doubt(world, session, job, str(wrong))
    else:
        state = State.SENT if load.upto == job.sheets else State.WAITING
        with claim.later(AT_LAST) as session:
            _end(world, session, job, state, "", load.upto)


def _said_of(world: World, target: Target, stream: bytes) -> NotReachedError | CutError | None:
    """None where the printer has taken all of it."""
    connect, seconds = world.settings.printer_connect_seconds, world.settings.printer_seconds
    try:
        deliver(target.host, target.port, stream, connect_seconds=connect, seconds=seconds)
    except (NotReachedError, CutError) as wrong:
        return wrong
    return None


def _in_doubt(world: World, session: Session, job: PrintJob, words: str) -> None:
    """Nobody knows how many came out: whoever sees it first counts, and says so (`print_run.answer`)."""
    _end(world, session, job, State.UNKNOWN, words)
    printer = session.get_one(Printer, job.printer_id)
    told = f"打印机“{printer.name}”：共 {job.sheets} 张，确知收到 {job.upto} 张。{words}"
    worklist.put(world, session, Reason.PRINT_UNKNOWN, job.subject, detail=told)


def _end(world: World, session: Session, job: PrintJob, state: State, words: str, upto: int | None = None) -> None:
    taken = job.upto if upto is None else upto
    told = {"state": state, "words": words, "upto": taken, "changed_at": world.now()}
    if state is State.WAITING and not taken:
        told["claimed"] = None  # nothing of it lies anywhere yet: it may go wherever the printer stands by then
    session.execute(update(PrintJob).where(PrintJob.id == job.id).values(**told))
