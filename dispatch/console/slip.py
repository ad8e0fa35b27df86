"""One slip: what the applicant asked for, entered or corrected (寄递申请单)."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel
from starlette.responses import Response

from dispatch.approval.amend_slip import Wanted, amend_slip
from dispatch.approval.decided_case import Way
from dispatch.approval.fields.address import complete_or_wrong, read_line
from dispatch.approval.fields.text import WrongError
from dispatch.approval.slip_view import SlipView, see_slip
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import case_url
from dispatch.console.sentence import said_in
from dispatch.errors import NotAllowedError
from dispatch.reveal import log_reveal
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Clerk = Annotated[Desk, needs(Right.SLIP)]
Told = Annotated[str, Form()]
HERE = "/console/case/{case_no}/slip"


@router.get(HERE)
def slip(desk: Clerk, case_no: str) -> Response:
    """The form, masked."""
    return _form(desk, see_slip(desk.world, case_no, desk.scope.departments))


@router.post(f"{HERE}/reveal")
def reveal(desk: Clerk, case_no: str, reason: Told = "") -> Response:
    """The form with everything in it; who looked and why is written down first."""
    if not desk.may(Right.REVEAL):
        raise NotAllowedError("您的角色不查看完整信息。")
    seen = see_slip(desk.world, case_no, desk.scope.departments)
    log_reveal(desk.world, seen.subject, desk.by, reason)
    return _form(desk, see_slip(desk.world, case_no, desk.scope.departments, reveal=True))


@router.post(f"{HERE}/address")
def read_address(desk: Clerk, case_no: str, address: Told = "") -> Response:
    """One free line, read into its parts for the clerk to look at."""
    see_slip(desk.world, case_no, desk.scope.departments)
    place, wrong = read_line(address[:300]), ""
    try:
        complete_or_wrong(place)
    except WrongError as error:
        wrong = f"{error.wrong}。{error.right}"
    line = address[:300] if wrong else ""
    return desk.part("part_address.html", place=place, line=line, wrong=wrong, here=_at(case_no))


class Changes(BaseModel):
    """The form. An empty field stays as it was; `version`: what the page stood on."""

    version: str
    together: bool = False
    recipient_name: str = ""
    phone: str = ""
    address: str = ""
    province: str = ""
    city: str = ""
    county: str = ""
    town: str = ""
    detail: str = ""
    postcode: str = ""
    way: str = ""
    point: str = ""
    point_at_address: bool = False
    brought_to_door: bool = False
    proxy_allowed: bool = False

    def wanted(self) -> Wanted:
        """What shall be different."""
        return Wanted(**self.model_dump(exclude={"version", "together"}))


@router.post(HERE)
def save(desk: Clerk, case_no: str, changes: Annotated[Changes, Form()]) -> Response:
    """Save what is different."""
    done = amend_slip(
        desk.world,
        case_no,
        changes.wanted(),
        desk.by,
        version=changes.version,
        together=changes.together,
        departments=desk.scope.departments,
    )
    _ = gettext_in(desk.language)
    here = _at(case_no)
    if not done.fields:
        return desk.to(here, _("没有改动。"), "note")
    told = _("申请单已改：{fields}（办件 {cases}）。")
    fields = said_in(desk.language)("、".join(done.fields))
    return desk.to(here, told.format(fields=fields, cases="、".join(done.case_nos)))


def _at(case_no: str) -> str:
    return f"{case_url(case_no)}/slip"


def _form(desk: Desk, seen: SlipView) -> Response:
    return desk.page("slip.html", slip=seen, ways=list(Way), here=_at(seen.case_no))
