"""Paper comes from the department and is registered (出证登记); the register of a day."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.approval.issue import Paper, Registered, register_all, register_paper
from dispatch.approval.issue_register import HEADINGS, day_of, export_register, register_of
from dispatch.approval.paper_back import take_paper_back
from dispatch.console.chosen import TickedRows, chosen_in
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS
from dispatch.console.sentence import said_in
from dispatch.errors import NotAllowedError
from dispatch.queues.queue import Queue
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Taking = Annotated[Desk, needs(Right.ISSUE)]
Told = Annotated[str, Form()]
HERE = "/console/issue"
FAILURES_TOLD = 20


@router.get(HERE)
def register(desk: Taking, day: str = "", number: str = "") -> Response:
    """The form for one paper, perhaps of a case that is asked for, and what was registered on a day."""
    shown = day_of(desk.world, day)
    lines = register_of(desk.world, shown, desk.scope.departments)
    mine = [line for line in lines if line.taken_by == desk.by]
    giver = mine[-1].given_by if mine and not day else ""  # papers come by the pile, from one hand
    return desk.page("issue.html", day=shown, lines=lines, giver=giver, number=number[:64], headings=HEADINGS)


@router.post(HERE)
def register_one(
    desk: Taking,
    *,
    number: Told = "",
    given_by: Told = "",
    licence_no: Told = "",
    originals: Told = "",
    copies: Told = "",
    enclosures: Told = "",
) -> Response:
    """One paper, scanned or typed."""
    paper = Paper(given_by, licence_no, _count(originals), _count(copies), enclosures)
    done = register_paper(desk.world, number, paper, desk.by, desk.scope.departments)
    return desk.to(HERE, gettext_in(desk.language)("办件 {number} 已登记出证。").format(number=done.case_no))


@router.post(f"{HERE}/chosen")
def register_chosen(
    desk: Taking,
    ticked: TickedRows,
    given_by: Told = "",
) -> Response:
    """The rows that were ticked in the queue, or all that match, from one hand."""
    chosen = chosen_in(desk, Queue.TO_ISSUE, ticked) if ticked.all_matching else ticked.ids
    if not chosen:
        raise NotAllowedError("没有选中办件。请先勾选。")
    told = register_all(desk.world, chosen, Paper(given_by), desk.by, desk.scope.departments)
    return _told(desk, told)


@router.post("/console/case/{case_no}/paper-back")
def taken_back(desk: Taking, case_no: str, why: Annotated[str, Form(max_length=200)] = "") -> Response:
    """It was registered by mistake: the case waits for its paper again."""
    take_paper_back(desk.world, case_no, desk.by, why, desk.scope.within())
    return desk.back(gettext_in(desk.language)("出证登记已撤回，办件回到待出证。"))


def _told(desk: Desk, told: Sequence[Registered]) -> Response:
    _ = gettext_in(desk.language)
    failed = [one for one in told if one.wrong]
    words = _("已登记出证 {count} 件。").format(count=len(told) - len(failed))
    if not failed:
        return desk.back(words)
    shown = said_in(desk.language)("；".join(one.wrong.rstrip("。") for one in failed[:FAILURES_TOLD]))
    more = _("等 {count} 件").format(count=len(failed)) if len(failed) > FAILURES_TOLD else ""
    return desk.back(f"{words}{_('没有登记的：')}{shown}{more}。", "wrong")


@router.post(f"{HERE}/export")
def export(desk: Annotated[Desk, needs(Right.EXPORT)], day: Told = "") -> Response:
    """The register of a day as CSV."""
    shown = day_of(desk.world, day)
    content = export_register(desk.world, shown, desk.by, desk.scope.departments)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="register-{shown}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _count(told: str) -> int | None:
    if not told.strip():
        return None
    if not told.strip().isdecimal() or len(told.strip()) > 6:
        raise NotAllowedError("份数填数字，如 1。")
    return int(told)
