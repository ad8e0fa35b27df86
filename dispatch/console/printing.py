"""Waybills at the desk: printed through the browser, as a file for a thermal printer, or straight to a printer."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.console.batches import batch_named
from dispatch.console.chosen import TickedRows, chosen_in
from dispatch.console.guard import ConsoleRoute, Desk, FormKey, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.label.find import find_printed
from dispatch.label.print_run import PDF, all_came_out, find_run, stop
from dispatch.label.print_sheets import Wish, begin_print, print_from
from dispatch.label.printer import SIZES, Language, find_printer, printers
from dispatch.label.thermal.labels import run_in
from dispatch.queues.batches import unanswered_runs
from dispatch.queues.queue import Queue
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Printing = Annotated[Desk, needs(Right.PRINT)]
BROWSER = ""
VIEWED = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A browser's own viewer is a plugin in a page that it makes itself."""
WHOLE = {"Cache-Control": "no-store", "Content-Security-Policy": VIEWED, "Accept-Ranges": "none"}
"""Never in parts: a viewer asks once, and what the audit log notes is one file."""
IN_A_VIEWER = {**WHOLE, "Content-Type": "application/pdf"}
AS_A_FILE = {**WHOLE, "Content-Type": "application/octet-stream"}
Where = Annotated[str, Form(alias="printer", max_length=36)]
Size = Annotated[str, Form(max_length=10)]
Why = Annotated[str, Form(max_length=200)]


def choices_for_printing(desk: Desk) -> dict[str, object]:
    """What stands beside the queue: sizes, printers, and how many runs nobody has answered for yet."""
    unanswered = unanswered_runs(desk.world, desk.scope, desk.by)
    with desk.world.reading() as session:
        return {"sizes": SIZES, "printers": printers(session), "unanswered": unanswered}


@router.post("/console/print")
def print_chosen(desk: Printing, ticked: TickedRows, size: Size = "100x150", printer: Where = BROWSER) -> Response:
    """A run of what was ticked, or of all that match."""
    wish = _wish(desk, size, printer)
    batch_id = begin_print(desk.world, chosen_in(desk, Queue.TO_PRINT, ticked), wish)
    return desk.to(f"/console/batch/{batch_id}")


@router.get("/console/batch/{batch_id}/labels.{kind}")
def labels(desk: Printing, batch_id: str, kind: str) -> Response:
    """The run as a file, until somebody answers for it: the same as often as it is asked for; each is noted."""
    found = batch_named(desk, batch_id)
    if kind not in {PDF, *Language}:
        raise NotFoundError("没有这种格式的面单。有 pdf、zpl、tspl。")
    language = None if kind == PDF else Language(kind)
    told = run_in(desk.world, found, desk.by, language)
    headers = IN_A_VIEWER if language is None else AS_A_FILE
    shown = f'{"inline" if language is None else "attachment"}; filename="labels.{kind}"'
    return Response(told, headers={**headers, "Content-Disposition": shown})


@router.post("/console/batch/{batch_id}/all-out")
def all_out(desk: Printing, batch_id: str) -> Response:
    """Somebody counted: all came out."""
    all_came_out(desk.world, batch_named(desk, batch_id), desk.by)
    return desk.to(f"/console/queue/{Queue.TO_PRINT}", gettext_in(desk.language)("已确认：全部打印成功。"))


@router.post("/console/batch/{batch_id}/from")
def from_nth(
    desk: Printing,
    batch_id: str,
    nth: Annotated[int, Form()],
    reason: Why = "",
    printer: Where = BROWSER,
) -> Response:
    """From the nth sheet again, with its reason."""
    found = batch_named(desk, batch_id)
    with desk.world.reading() as session:
        size = find_run(session, found).size
    made = print_from(desk.world, found, nth, _wish(desk, size, printer, reason))
    return desk.to(f"/console/batch/{made}")


@router.post("/console/batch/{batch_id}/stop")
def stop_sending(desk: Printing, batch_id: str) -> Response:
    """No more of it goes to the printer; its file can still be opened."""
    found = batch_named(desk, batch_id)
    stop(desk.world, found, desk.by)
    return desk.to(f"/console/batch/{found}", gettext_in(desk.language)("已停止往打印机送。可用浏览器打印。"))


@router.get("/console/reprint")
def reprint_page(desk: Printing) -> Response:
    """One waybill again: its number is scanned or typed."""
    return desk.page("reprint.html", beside=choices_for_printing(desk))


@router.post("/console/reprint")
def reprint(
    desk: Printing,
    number: Annotated[str, Form(max_length=64)],
    reason: Why = "",
    size: Size = "100x150",
    printer: Where = BROWSER,
    form_key: FormKey = None,
) -> Response:
    """Counted, with its reason, and it bears 补打."""
    if not reason.strip():
        raise NotAllowedError("补打须写明原因。")
    with desk.world.reading() as session:
        shipment_id = find_printed(session, number.strip(), desk.scope.of_shipments())
    wish = replace(_wish(desk, size, printer, reason), form_key=form_key)
    batch_id = begin_print(desk.world, [shipment_id], wish)
    return desk.to(f"/console/batch/{batch_id}")


def _wish(desk: Desk, size: str, printer: str, reason: str = "") -> Wish:
    """What the form asks for; a printer has paper of its own size."""
    if printer == BROWSER:
        if size not in SIZES:
            raise NotAllowedError(f"面单尺寸只有 {'、'.join(SIZES)}。")
        return Wish(SIZES[size], desk.by, reason)
    with desk.world.reading() as session:
        chosen = find_printer(session, _id(printer))
    return Wish(SIZES[chosen.size], desk.by, reason, chosen.id)


def _id(told: str) -> UUID:
    try:
        return UUID(told)
    except ValueError:
        raise NotFoundError("没有这台打印机。请另选一台，或用浏览器打印。") from None
