"""Packing with two scans: one box that knows what was read, and a red stop where the pair is wrong."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Form, UploadFile
from starlette.responses import Response

from dispatch.console.guard import Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.uploading import PictureRoute
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.packing.pack import WrongPairError, unpack
from dispatch.packing.photograph import photograph
from dispatch.packing.scan import Step, clean_scan, look_inside, scan, scan_pair
from dispatch.picture import MOST_BYTES
from dispatch.staff.role import Right

router = APIRouter(route_class=PictureRoute, include_in_schema=False)
Packer = Annotated[Desk, needs(Right.PACK)]
PAGE = "/console/pack"
Text = Annotated[str, Form(max_length=512)]


@router.get(PAGE)
def pack_page(desk: Packer, waybill: str = "") -> Response:
    """Nothing is open yet, unless an envelope is gone back to."""
    return _answer(desk, _reopened(desk, waybill))


@router.post(PAGE + "/scan")
def scanned(
    desk: Packer,
    code: Annotated[str, Form(alias="scan", max_length=512)] = "",
    paper: Text = "",
    waybill: Text = "",
) -> Response:
    """One scan. A refusal keeps the envelope that is open, and lets go of the paper."""
    try:
        step = scan(desk.world, code, desk.by, paper=paper, waybill=waybill, within=desk.scope.within())
    except (NotFoundError, NotAllowedError) as error:
        return _refused(desk, error, waybill)
    return _answer(desk, step)


@router.post(PAGE + "/pair")
def paired(desk: Packer, paper: Text = "", waybill: Text = "") -> Response:
    """Both numbers at once, typed by hand or scanned into two boxes, in either order."""
    try:
        step = scan_pair(desk.world, paper, waybill, desk.by, desk.scope.within())
    except (NotFoundError, NotAllowedError) as error:
        return _refused(desk, error, "")
    return _answer(desk, step)


@router.post(PAGE + "/unpack")
def opened(desk: Packer, waybill: Text = "", carrier: Text = "") -> Response:
    """A sealed envelope is opened again: every document is scanned anew."""
    number, within = clean_scan(desk.world, waybill), desk.scope.within()
    unpack(desk.world, number, desk.by, carrier, within)
    return _answer(desk, Step("", number, look_inside(desk.world, number, within)))


@router.post(PAGE + "/photo")
def photographed(
    desk: Packer, photo: Annotated[UploadFile, File()], waybill: Text = "", carrier: Text = ""
) -> Response:
    """What lies in the envelope, for those who want a picture of it."""
    body = photo.file.read(MOST_BYTES + 1)
    number = clean_scan(desk.world, waybill)
    photograph(desk.world, number, body, desk.by, carrier, desk.scope.within())
    return desk.to(f"{PAGE}?waybill={quote(number)}", gettext_in(desk.language)("照片已存。"))


def _refused(desk: Desk, error: Exception, waybill: str) -> Response:
    """The wrong pair stops everything; what was merely not found is said and scanned again."""
    step = _reopened(desk, waybill)
    status = 404 if isinstance(error, NotFoundError) else 409
    return _answer(desk, step, status, wrong=str(error), stop=isinstance(error, WrongPairError))


def _reopened(desk: Desk, waybill: str) -> Step:
    """The envelope as it lies there; nothing where there is none."""
    try:
        envelope = look_inside(desk.world, waybill, desk.scope.within()) if waybill else None
    except NotFoundError:
        envelope = None
    if envelope is None:
        return Step()
    return Step("", "" if envelope.packed else envelope.waybill_no, envelope)


def _answer(desk: Desk, step: Step, status: int = 200, *, wrong: str = "", stop: bool = False) -> Response:
    told = {"step": step, "wrong": wrong, "stop": stop, "done": _done(desk, step)}
    if desk.request.headers.get("hx-request"):
        return desk.part("part_pack.html", status, **told)
    return desk.page("pack.html", status, **told)


def _done(desk: Desk, step: Step) -> str:
    _ = gettext_in(desk.language)
    if step.again:
        return _("这一份已经扫过，没有变化。")
    if step.paired and step.envelope is not None:
        return _("内件齐全，可以封口。") if step.envelope.packed else _("已装入，请接着扫下一份出件。")
    if step.paper:
        return _("请扫面单条码。")
    return _("请扫出件。") if step.waybill else ""
