"""One case is entered by hand: for an applicant who comes with a decision that no list has brought yet."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dispatch.approval.enter_case import enter_case, fields
from dispatch.approval.lodge import Outcome
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import case_url
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Entering = Annotated[Desk, needs(Right.IMPORT)]
HERE = "/console/enter"


@router.get(HERE)
def form(desk: Entering) -> Response:
    """Everything that a row of a list may say."""
    shown = fields()
    return desk.page(
        "enter.html",
        case=[one for one in shown if not one.field.startswith("slip.")],
        slip=[one for one in shown if one.field.startswith("slip.")],
    )


@router.post(HERE)
async def enter(desk: Entering, request: Request) -> Response:
    """Store it, and on to its page."""
    told = {name: str(value) for name, value in (await request.form()).items()}
    return await run_in_threadpool(_enter, desk, told)


def _enter(desk: Desk, told: dict[str, str]) -> Response:
    done = enter_case(desk.world, told, desk.by, desk.scope.departments)
    _ = gettext_in(desk.language)
    words = (
        _("办件 {number} 已登记。") if done.outcome is Outcome.ACCEPTED else _("办件 {number} 原已收到，内容相同。")
    )
    return desk.to(case_url(done.case_no), words.format(number=done.case_no))
