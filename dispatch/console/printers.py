"""Network printers: which there are, where they stand, what they understand."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotFoundError
from dispatch.label.change_printer import edit_printer, switch_printer
from dispatch.label.printer import (
    SIZES,
    Language,
    PrinterAsked,
    add_printer,
    find_printer,
    printers,
    remove_printer,
)
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Administrator = Annotated[Desk, needs(Right.PRINTERS)]
Text = Annotated[str, Form(max_length=64)]
Dots = Annotated[int, Form(ge=-1000, le=1000)]
HERE = "/console/printers"


@router.get("/console/printers")
def list_printers(desk: Administrator) -> Response:
    """Those in use, and a form for another."""
    with desk.world.reading() as session:
        known = printers(session, also_off=True)
    return desk.page("printers.html", printers=known, shown=PrinterAsked("", ""), **_choices(desk))


def _choices(desk: Desk) -> dict[str, Any]:
    """What the form of a printer needs to know."""
    settings = desk.world.settings
    networks = "、".join(str(one) for one in settings.printer_networks)
    ports = "{}–{}".format(*settings.printer_ports)
    return {"sizes": SIZES, "languages_of": list(Language), "networks": networks, "ports": ports}


def _asked(
    name: Text,
    host: Text,
    port: Annotated[int, Form(ge=1, le=65535)] = 9100,
    speaks: Annotated[Language, Form()] = Language.ZPL,
    size: Text = "100x150",
    darkness: Text = "",
    shift_right: Dots = 0,
    shift_down: Dots = 0,
) -> PrinterAsked:
    dark = int(darkness) if darkness.strip().isdecimal() else None
    return PrinterAsked(name, host, port, speaks, size, dark, shift_right, shift_down)


Asked = Annotated[PrinterAsked, Depends(_asked)]


@router.post("/console/printers")
def add(desk: Administrator, asked: Asked) -> Response:
    """One more."""
    add_printer(desk.world, asked, desk.by)
    return desk.to(HERE, gettext_in(desk.language)("打印机已添加。"))


@router.get("/console/printers/{printer_id}")
def printer(desk: Administrator, printer_id: str) -> Response:
    """One, as it may be described anew."""
    with desk.world.reading() as session:
        shown = find_printer(session, _id(printer_id), also_off=True)
    return desk.page("printer.html", shown=shown, **_choices(desk))


@router.post("/console/printers/{printer_id}")
def edit(desk: Administrator, printer_id: str, asked: Asked, seen: Text = "") -> Response:
    """It is like this from now on."""
    changed = edit_printer(desk.world, _id(printer_id), asked, desk.by, seen)
    say = gettext_in(desk.language)
    return desk.to(HERE, say("打印机已修改。") if changed else say("没有改动。"))


@router.post("/console/printers/{printer_id}/off")
def switch_off(desk: Administrator, printer_id: str) -> Response:
    """It is offered to nobody until it is switched on again."""
    switch_printer(desk.world, _id(printer_id), desk.by, on=False)
    return desk.to(HERE, gettext_in(desk.language)("打印机已停用。"))


@router.post("/console/printers/{printer_id}/on")
def switch_on(desk: Administrator, printer_id: str) -> Response:
    """It may be sent something again."""
    switch_printer(desk.world, _id(printer_id), desk.by, on=True)
    return desk.to(HERE, gettext_in(desk.language)("打印机已启用。"))


@router.post("/console/printers/{printer_id}/remove")
def remove(desk: Administrator, printer_id: str) -> Response:
    """It is gone for good."""
    remove_printer(desk.world, _id(printer_id), desk.by)
    return desk.to(HERE, gettext_in(desk.language)("打印机已移除。"))


def _id(told: str) -> UUID:
    try:
        return UUID(told)
    except ValueError:
        raise NotFoundError("没有这台打印机。") from None
