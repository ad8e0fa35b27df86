"""At the window: a case is pulled from the road, its applicant checked, the paper given out against a signature."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.approval.issue import MOST_COPIES
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS, case_url
from dispatch.queues.pictures import check_picture, look_at_picture
from dispatch.staff.role import Right
from dispatch.zero_visits.at_window import FAULTS, Given, give, pull
from dispatch.zero_visits.pickup import Step, at_window
from dispatch.zero_visits.receipt import receipt

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Window = Annotated[Desk, needs(Right.WINDOW)]
Viewer = Annotated[Desk, needs(Right.REVEAL)]
Line = Annotated[str, Form(max_length=200)]
Number = Annotated[int, Form(ge=0, le=MOST_COPIES)]


@router.get("/console/case/{case_no}/window")
def window_page(desk: Window, case_no: str) -> Response:
    """How the case stands, and what comes next."""
    shown = at_window(desk.world, case_no, desk.scope.within())
    return desk.page("window.html", window=shown, Step=Step, faults=FAULTS)


@router.post("/console/case/{case_no}/window/pull")
def pulled(desk: Window, case_no: str) -> Response:
    """改窗口领取."""
    shown = pull(desk.world, case_no, desk.by, desk.scope.within())
    _ = gettext_in(desk.language)
    said = _("已抽回，等寄递企业撤单。") if shown.step is Step.WAIT else _("已留在窗口，不再寄出。")
    return desk.to(f"{case_url(case_no)}/window", said)


@router.post("/console/case/{case_no}/window/give")
def given_out(
    desk: Window,
    case_no: str,
    id_no: Line = "",
    delegate_name: Line = "",
    delegate_id_no: Line = "",
    authority: Line = "",
    originals: Number = 0,
    copies: Number = 0,
    fault: Line = "",
    signature: Annotated[str, Form(max_length=500_000)] = "",
    on_paper: Annotated[bool, Form()] = False,  # noqa: FBT002 - a form's box
) -> Response:
    """Checked, signed, given out, closed."""
    given = Given(
        id_no=id_no,
        delegate_name=delegate_name,
        delegate_id_no=delegate_id_no,
        authority=authority,
        originals=originals,
        copies=copies,
        fault=fault,
        signature=signature,
        on_paper=on_paper,
    )
    give(desk.world, case_no, given, desk.by, desk.scope.within())
    return desk.to(f"{case_url(case_no)}/window", gettext_in(desk.language)("已发出并登记，办件送达闭环。"))


@router.get("/console/case/{case_no}/window/receipt.pdf")
def receipt_sheet(desk: Window, case_no: str) -> Response:
    """领取登记 on paper."""
    body = receipt(desk.world, case_no, desk.by, desk.scope.within())
    headers = {**HEADERS, "Content-Disposition": 'inline; filename="receipt.pdf"'}
    return Response(body, media_type="application/pdf", headers=headers)


@router.get("/console/picture/{picture_id}")
def picture_page(desk: Viewer, picture_id: UUID) -> Response:
    """Why it is looked at is asked first."""
    check_picture(desk.world, picture_id, desk.scope.within())
    return desk.page("picture.html", picture_id=picture_id, picture=None)


@router.post("/console/picture/{picture_id}")
def picture_shown(desk: Viewer, picture_id: UUID, reason: Line = "") -> Response:
    """The picture itself; the look stands in the audit log."""
    drawn = look_at_picture(desk.world, picture_id, desk.by, reason, desk.scope.within())
    return desk.page("picture.html", picture_id=picture_id, picture=drawn)
