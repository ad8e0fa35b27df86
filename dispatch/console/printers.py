"""Network printers: which there are, where they stand, what they understand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotFoundError
from dispatch.label.printer import SIZES, Language, PrinterAsked, add_printer, printers, remove_printer
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Administrator = Annotated[Desk, needs(Right.PRINTERS)]
Text = Annotated[str, Form(max_length=64)]
Dots = Annotated[int, Form(ge=-1000, le=1000)]


@router.get("/console/printers")
def list_printers(desk: Administrator) -> Response:
    """Those in use, and a form for another."""
    with desk.world.reading() as session:
        known = printers(session)
    settings = desk.world.settings
    networks = "、".join(str(one) for one in settings.printer_networks)
    ports = "{}–{}".format(*settings.printer_ports)
    return desk.page(
        "printers.html", printers=known, sizes=SIZES, languages_of=list(Language), networks=networks, ports=ports
    )


@router.post("/console/printers")
def add(
    desk: Administrator,
    name: Text,
    host: Text,
    port: Annotated[int, Form(ge=1, le=65535)] = 9100,
    speaks: Annotated[Language, Form()] = Language.ZPL,
    size: Text = "100x150",
    darkness: Text = "",
    shift_right: Dots = 0,
    shift_down: Dots = 0,
) -> Response:
    """One more."""
    dark = int(darkness) if darkness.strip().isdecimal() else None
    asked = PrinterAsked(name, host, port, speaks, size, dark, shift_right, shift_down)
    add_printer(desk.world, asked, desk.by)
    return desk.to("/console/printers", gettext_in(desk.language)("打印机已添加。"))


@router.post("/console/printers/{printer_id}/remove")
def remove(desk: Administrator, printer_id: str) -> Response:
    """Not in use any more."""
    try:
        found = UUID(printer_id)
    except ValueError:
        raise NotFoundError("没有这台打印机。") from None
    remove_printer(desk.world, found, desk.by)
    return desk.to("/console/printers", gettext_in(desk.language)("打印机已停用。"))
