"""电联: each attempt to reach somebody is written down where the case is."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.console.guard import ConsoleRoute, Desk, FormKey, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import case_url
from dispatch.staff.role import Right
from dispatch.zero_visits.telephone_call import note_call, number_to_call
from dispatch.zero_visits.told.by_telephone import Calls, calls_of

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Caller = Annotated[Desk, needs(Right.CALL)]


@router.get("/console/case/{case_no}/call")
def call_page(desk: Caller, case_no: str) -> Response:
    """The attempts so far, and a form for the next."""
    return _page(desk, calls_of(desk.world, case_no, desk.scope.within()))


@router.post("/console/case/{case_no}/call/number")
def number_shown(desk: Caller, case_no: str, reason: Annotated[str, Form(max_length=200)] = "") -> Response:
    """The number in full, to be dialled: written down with its reason."""
    within = desk.scope.within()
    number = number_to_call(desk.world, case_no, desk.by, reason, within)
    return _page(desk, calls_of(desk.world, case_no, within), number)


@router.post("/console/case/{case_no}/call")
def called(
    desk: Caller,
    case_no: str,
    reached: Annotated[str, Form(max_length=8)] = "",
    result: Annotated[str, Form(max_length=2000)] = "",
    number: Annotated[str, Form(max_length=40)] = "",
    slip_changes: Annotated[bool, Form()] = False,  # noqa: FBT002 - a form's box
    form_key: FormKey = None,
) -> Response:
    """Written down; a new address leads on to the slip."""
    within = desk.scope.within()
    note_call(
        desk.world,
        case_no,
        desk.by,
        reached=reached == "yes",
        result=result,
        number=number,
        slip_changes=slip_changes,
        within=within,
        form_key=form_key,
    )
    calls = calls_of(desk.world, case_no, within)
    _ = gettext_in(desk.language)
    if calls.calls[0].slip_changes and desk.may(Right.SLIP):
        return desk.to(f"{case_url(case_no)}/slip", _("电联已记。请按本人说的改申请单。"))
    said = _("电联已记。已连续多次未接通，不必再打：请改投、退科室或报督查。") if calls.enough else _("电联已记。")
    return desk.to(f"{case_url(case_no)}/call", said, "note" if calls.enough else "done")


def _page(desk: Desk, calls: Calls, number: str = "") -> Response:
    return desk.page("call.html", calls=calls, number=number)
