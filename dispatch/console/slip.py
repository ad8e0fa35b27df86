"""One slip: what the applicant asked for, entered or corrected (寄递申请单)."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.approval.amend_slip import Wanted, amend_slip
from dispatch.approval.decided_case import Way
from dispatch.approval.fields.address import complete_or_wrong, read_line
from dispatch.approval.fields.text import WrongError
from dispatch.approval.slip_view import SlipView, see_slip
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
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


@router.post(HERE)
def save(
    desk: Clerk,
    case_no: str,
    *,
    version: Told,
    recipient_name: Told = "",
    phone: Told = "",
    address: Told = "",
    province: Told = "",
    city: Told = "",
    county: Told = "",
    town: Told = "",
    detail: Told = "",
    postcode: Told = "",
    way: Told = "",
    point: Told = "",
    point_at_address: Annotated[bool, Form()] = False,
    brought_to_door: Annotated[bool, Form()] = False,
    proxy_allowed: Annotated[bool, Form()] = False,
    together: Annotated[bool, Form()] = False,
) -> Response:
    """Save what is different; an empty field stays as it was."""
    wanted = Wanted(
        recipient_name=recipient_name,
        phone=phone,
        address=address,
        province=province,
        city=city,
        county=county,
        town=town,
        detail=detail,
        postcode=postcode,
        way=way,
        point=point,
        point_at_address=point_at_address,
        brought_to_door=brought_to_door,
        proxy_allowed=proxy_allowed,
    )
    departments = desk.scope.departments
    done = amend_slip(
        desk.world, case_no, wanted, desk.by, version=version, together=together, departments=departments
    )
    _ = gettext_in(desk.language)
    here = _at(case_no)
    if not done.fields:
        return desk.to(here, _("没有改动。"), "note")
    told = _("申请单已改：{fields}（办件 {cases}）。")
    return desk.to(here, told.format(fields="、".join(done.fields), cases="、".join(done.case_nos)))


def _at(case_no: str) -> str:
    return f"/console/case/{quote(case_no, safe='')}/slip"


def _form(desk: Desk, seen: SlipView) -> Response:
    return desk.page("slip.html", slip=seen, ways=list(Way), here=_at(seen.case_no))
