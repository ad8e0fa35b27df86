"""Waybills are printed: each time a batch, in its order, with what became of each; a reprint says that it is one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit, words
from dispatch.approval.case import Case, Document
from dispatch.batch import Batch, BatchItem, Kind, Outcome, items_of, make_batch
from dispatch.crash import Deed
from dispatch.db import insert_rows
from dispatch.errors import ConflictError, NotAllowedError, ZhuandiError
from dispatch.hall_time import hall_time
from dispatch.journey import Act, Stage
from dispatch.label.pages import Envelope, Stamp, draw, look_inside
from dispatch.label.print_run import all_came_out, answer, find_run, job_of, make_run, run_of_form, sheets_from
from dispatch.label.printer import SIZES, find_printer, printers, queue_up
from dispatch.label.sheet import SheetSize
from dispatch.label.their_label import fetch_missing
from dispatch.shipment import Content, Move, Shipment, act_all, lock_all
from dispatch.waybill import live_waybills
from dispatch.world import World

PRINTABLE = (Stage.BOOKED, Stage.PRINTED)


@dataclass(frozen=True, slots=True)
class Wish:
    """How sheets are to be printed. `reason`: why what was printed before is printed again; without one it is not.

    `printer_id`: sent to it by a worker; else whoever asked draws the run (`print_run.draw_run`).
    `form_key`: of the form that asks; sent again it is the same run.
    """

    size: SheetSize
    by: str
    reason: str = ""
    printer_id: UUID | None = None
    form_key: UUID | None = None

    @property
    def size_name(self) -> str:
        """As it is stored."""
        return f"{self.size.width_mm}x{self.size.height_mm}"


@dataclass(frozen=True, slots=True)
class _Again:
    """From which sheet of which earlier run."""

    batch_id: UUID
    nth: int


Refusals = Mapping[UUID, ZhuandiError]


def print_sheets(world: World, shipment_ids: Sequence[UUID], size: SheetSize, by: str, reason: str = "") -> bytes:
    """One PDF with a page for each shipment, in the order given; then they count as printed. All, or none.

    A label that the carrier still owes us is asked for again. Raises LabelError, NotFoundError, NotAllowedError (a
    shipment that has no number yet, or that was packed already), ConflictError (printed before, and no reason).
    """
    wish = Wish(size, by, reason.strip())
    refused, drawn = _try_out(world, shipment_ids, wish)
    if refused:
        raise next(refused[one] for one in shipment_ids if one in refused)
    _mark(world, shipment_ids, {}, wish, strictly=True)
    return drawn


def begin_print(world: World, shipment_ids: Sequence[UUID], wish: Wish) -> UUID:
    """A batch of those that can be printed, in the order given; of the others it says why not.

    Drawn first, so that a sheet that cannot be drawn leaves nothing marked. Raises NotAllowedError where none is
    chosen, and where a single one cannot be printed, for its own reason; ConflictError where the form's key was used
    for other sheets.
    """
    return _begin(world, shipment_ids, wish)


def print_from(world: World, batch_id: UUID, nth: int, wish: Wish) -> UUID:
    """From the nth sheet of a run again: a batch of its own, each sheet with its 补打. Answers the run in one act.

    Whether a spoilt sheet lies about somewhere nobody knows, so each of these counts as printed again.
    """
    if not wish.reason.strip():
        raise NotAllowedError("重打须写明原因。")
    with world.reading() as session:
        chosen = sheets_from(session, batch_id, nth)
    return _begin(world, chosen, wish, _Again(batch_id, nth))


def go_on_after(world: World, batch_id: UUID, came_out: int, by: str, reason: str) -> UUID | None:
    """So many sheets of a run came out: the others are printed again, where they were sent; the batch of those.

    None: all came out. What is not there any more of its printer is left to the browser. Raises as `print_from`.
    """
    with world.reading() as session:
        size, sheets = find_run(session, batch_id).size, len(items_of(session, batch_id, Outcome.DONE))
        job = job_of(session, batch_id)
        still = {one.id for one in printers(session)}
    if came_out == sheets:
        all_came_out(world, batch_id, by)
        return None
    printer_id = job.printer_id if job is not None and job.printer_id in still else None
    return print_from(world, batch_id, came_out + 1, Wish(SIZES[size], by, reason, printer_id))


def _begin(world: World, shipment_ids: Sequence[UUID], wish: Wish, again: _Again | None = None) -> UUID:
    chosen, wish = list(dict.fromkeys(shipment_ids)), replace(wish, reason=wish.reason.strip())
    if not chosen:
        raise NotAllowedError("还没有选邮件。请先勾选，或选中符合条件的全部。")
    with world.reading() as session:
        first = run_of_form(world, session, wish.form_key, wish.by, wish.reason, chosen)
    if first is not None:
        return first
    refused, _ = _try_out(world, chosen, wish)
    if len(chosen) == 1 and refused:
        raise refused[chosen[0]]
    return _mark(world, chosen, refused, wish, again)


def _try_out(world: World, shipment_ids: Sequence[UUID], wish: Wish) -> tuple[dict[UUID, ZhuandiError], bytes]:
    """Which cannot be printed and why, and the others drawn as they will be."""
    envelopes = _ask_for_labels(world, shipment_ids)
    with world.reading() as session:
        refused = _refusals(session, [one.shipment for one in envelopes if one.waybill is not None], wish)
    good = [one for one in envelopes if one.shipment.id not in refused]
    stamp = Stamp(world.now(), {one.shipment.id: one.shipment.prints for one in good})
    try:
        return refused, draw(world, good, wish.size, stamp) if good else b""
    except ZhuandiError:
        return refused | _undrawable(world, good, wish, stamp), b""


def _ask_for_labels(world: World, shipment_ids: Sequence[UUID]) -> list[Envelope]:
    with world.begin() as session:
        envelopes = look_inside(session, shipment_ids)
        fetch_missing(world, session, [(one.shipment, one.waybill) for one in envelopes if one.waybill is not None])
    return envelopes


def _undrawable(world: World, envelopes: Sequence[Envelope], wish: Wish, stamp: Stamp) -> dict[UUID, ZhuandiError]:
    """One bad sheet must not keep back the others: each alone says what is wrong with it."""
    found: dict[UUID, ZhuandiError] = {}
    for envelope in envelopes:
        try:
            draw(world, [envelope], wish.size, stamp)
        except ZhuandiError as error:
            found[envelope.shipment.id] = error
    return found


def _refusals(session: Session, shipments: Sequence[Shipment], wish: Wish) -> dict[UUID, ZhuandiError]:
    """Those that are at another stage, or that were printed already where no reason is given."""
    found: dict[UUID, ZhuandiError] = {}
    for shipment in shipments:
        if shipment.stage not in PRINTABLE:
            here = words.VIEWS[shipment.view]
            found[shipment.id] = NotAllowedError(
                f"邮件 {shipment.order_no} 处于“{here}”，不能{words.ACTS[Act.PRINT]}。"
            )
        elif shipment.stage == Stage.PRINTED and not wish.reason:
            found[shipment.id] = ConflictError(f"{_printed_by(session, shipment)}已打过单。再打须写明原因（补打）。")
    return found


def _printed_by(session: Session, shipment: Shipment) -> str:
    printed = select(Move).where(Move.shipment_id == shipment.id, Move.cause == f"act:{Act.PRINT}")
    last = session.scalars(printed.order_by(Move.at.desc()).limit(1)).first()
    return f"邮件 {shipment.order_no} 由 {last.by} {hall_time(last.at)} " if last else f"邮件 {shipment.order_no} "


def _mark(
    world: World,
    shipment_ids: Sequence[UUID],
    refused: Refusals,
    wish: Wish,
    again: _Again | None = None,
    *,
    strictly: bool = False,
) -> UUID:
    """They count as printed, in one transaction with the batch, its items and the audit log."""
    with world.begin(Deed.PRINT) as session:
        if (first := run_of_form(world, session, wish.form_key, wish.by, wish.reason, shipment_ids)) is not None:
            return first
        locked = {shipment.id: shipment for shipment in lock_all(session, shipment_ids)}
        late = _refusals(session, [locked[one] for one in locked if one not in refused], wish)
        if late and strictly:
            raise next(iter(late.values()))
        refused = {**refused, **late}
        if again is not None:
            answer(world, session, again.batch_id, wish.by, again.nth - 1)
        batch = make_batch(world, session, Kind.PRINT, wish.by, wish.reason, wish.form_key)
        batch.ended_at = batch.made_at
        good = [locked[one] for one in shipment_ids if one not in refused]
        _write_items(world, session, batch, good, refused)
        make_run(session, batch, wish.size_name, again.batch_id if again else None)
        if wish.printer_id is not None and good:
            queue_up(world, session, batch, find_printer(session, wish.printer_id), len(good))
        _note(world, session, batch, good, wish)
        for shipment in good:
            shipment.prints += 1
        act_all(world, session, good, Act.PRINT, by=wish.by)
    return batch.id


def _write_items(world: World, session: Session, batch: Batch, good: Sequence[Shipment], refused: Refusals) -> None:
    """The sheets first, so that the nth item is the nth sheet."""
    numbers = live_waybills(session, [shipment.id for shipment in good])
    common = {"batch_id": batch.id, "at": world.now()}
    rows = [
        BatchItem(
            id=uuid7(),
            of=one.id,
            outcome=Outcome.DONE,
            words="",
            waybill_id=numbers[one.id].id,
            copy=one.prints,
            **common,
        )
        for one in good
    ]
    for key, error in refused.items():
        outcome = Outcome.ALREADY if isinstance(error, ConflictError) else Outcome.FAILED
        rows.append(
            BatchItem(id=uuid7(), of=key, outcome=outcome, words=str(error), waybill_id=None, copy=0, **common)
        )
    for place, row in enumerate(rows, start=1):
        row.place = place
    insert_rows(session, rows)


def _note(world: World, session: Session, batch: Batch, good: Sequence[Shipment], wish: Wish) -> None:
    audit.note(world, session, wish.by, audit.Deed.PRINT, batch.subject, f"{len(good)} 张 {wish.size_name}")
    for shipment in good:
        if shipment.prints:
            told = f"补打 {shipment.prints}：{wish.reason}"
            audit.note(world, session, wish.by, audit.Deed.REPRINT, shipment.subject, told)


def to_print(session: Session) -> list[UUID]:
    """Shipments that have a number and no sheet yet, oldest first."""
    query = select(Shipment.id).where(Shipment.stage == Stage.BOOKED).order_by(Shipment.created_at, Shipment.id)
    return list(session.scalars(query))


def holding(session: Session, case_nos: Collection[str], stages: Collection[Stage] = PRINTABLE) -> list[UUID]:
    """The shipments at these stages that hold documents of these cases, oldest first."""
    query = (
        select(Shipment.id)
        .join(Content, Content.shipment_id == Shipment.id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Case.case_no.in_(case_nos), ~Content.void, Shipment.stage.in_(stages))
        .distinct()
    )
    return sorted(session.scalars(query))
