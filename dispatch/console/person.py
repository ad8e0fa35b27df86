"""What needs a person: the list, one entry with the acts that solve it, whose it is."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.api.shell import RefusedError
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import same_site
from dispatch.hall_time import SHANGHAI
from dispatch.label.printer import PRINTING
from dispatch.queues.choices import choices
from dispatch.queues.filters import Filters
from dispatch.queues.needs import entry_in
from dispatch.queues.needs import needs as needs_of
from dispatch.queues.queue import Queue
from dispatch.queues.saved_view import saved_views
from dispatch.staff.role import Right
from dispatch.worklist import WORDS, Entry
from dispatch.zero_visits.desk import show_entries
from dispatch.zero_visits.put_right.changed import Ground, mark, unchanged
from dispatch.zero_visits.put_right.owner import give_back, take
from dispatch.zero_visits.put_right.remedy import WORDS as REMEDIES
from dispatch.zero_visits.put_right.remedy import Asks, Remedy, about, remedies
from dispatch.zero_visits.put_right.solve import Told, solve
from dispatch.zero_visits.settle import number_of, reopen

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Looking = Annotated[Desk, needs(Right.SEE)]
Settling = Annotated[Desk, needs(Right.SETTLE)]
LIST = f"/console/queue/{Queue.NEEDS_A_PERSON}"
KEPT_FOR = timedelta(days=30)
"""The day that is proposed for what is kept in the hall."""
WANTS: Mapping[Remedy, Right] = {
    Remedy.LIFT: Right.RELEASE,
    Remedy.RELEASE: Right.RELEASE,
    Remedy.PAPER: Right.ISSUE,
    Remedy.COUNT_SHEETS: Right.PRINT,
}
"""Remedies that are somebody's own work elsewhere too, and want that right."""


@router.get(LIST)
def listed(desk: Looking, page: int = 1) -> Response:
    """All entries, filtered as the URL says."""
    filters = Filters.read(desk.request.query_params)
    with desk.world.reading() as session:
        views = saved_views(desk.world, session, desk.by, Queue.NEEDS_A_PERSON)
    return desk.page(
        "needs.html",
        queue=Queue.NEEDS_A_PERSON,
        shown=needs_of(desk.world, desk.scope, filters, desk.by, page),
        filters=filters,
        views=views,
        choices=choices(desk.world, desk.scope),
        reasons=WORDS,
    )


@router.get("/console/entry/{number}")
def entry(desk: Looking, number: str) -> Response:
    """One entry: what is known, and what may be done."""
    found = entry_in(desk.world, desk.scope, number)
    with desk.world.reading() as session:
        of = about(session, found)
        shown = show_entries(desk.world, session, [found], within=desk.scope.within())[0]
        offered = remedies(desk.world, session, of) if found.settled_at is None else ()
    return desk.page(
        "entry.html",
        queue=Queue.NEEDS_A_PERSON,
        entry=found,
        shown=shown,
        settlement=shown.settlement if desk.may(Right.SETTLE) else "",
        offered=[(one, REMEDIES[one]) for one in offered if _may(desk, one)],
        asks=Asks,
        carriers=[(name, one.title) for name, one in desk.world.carriers.items()],
        until=(desk.world.now() + KEPT_FOR).astimezone(SHANGHAI).date().isoformat(),
        mark=mark(desk.world, Ground(entry_id=found.id)),
        batch=found.subject.removeprefix(f"{PRINTING}:") if found.subject.startswith(f"{PRINTING}:") else "",
        back=_list_before(desk),
    )


@router.post("/console/entry/{number}/take")
def taken(
    desk: Settling,
    number: str,
    shown: Annotated[str, Form()] = "",
    owner: Annotated[str, Form()] = "",
) -> Response:
    """Mine."""
    found = _mine_to_touch(desk, number)
    with unchanged(desk.world, Ground(entry_id=found.id), shown):
        take(desk.world, number_of(found.id), desk.by, instead_of=owner)
    return desk.to(f"/console/entry/{number_of(found.id)}", gettext_in(desk.language)("已由您接手。"))


@router.post("/console/entry/{number}/give-back")
def given_back(desk: Settling, number: str, shown: Annotated[str, Form()] = "") -> Response:
    """Nobody's again."""
    found = _mine_to_touch(desk, number)
    with unchanged(desk.world, Ground(entry_id=found.id), shown):
        give_back(desk.world, number_of(found.id), desk.by)
    return desk.to(f"/console/entry/{number_of(found.id)}", gettext_in(desk.language)("已放回，别人可以接手。"))


@router.post("/console/entry/{number}/do")
def done(
    desk: Settling,
    number: str,
    remedy: Annotated[Remedy, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
    waybill: Annotated[str, Form(max_length=64)] = "",
    carrier: Annotated[str, Form(max_length=32)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
    sheets: Annotated[str, Form(max_length=10)] = "",
    given_by: Annotated[str, Form(max_length=100)] = "",
    shown: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """One of the acts that solve it."""
    found = _mine_to_touch(desk, number)
    if not _may(desk, remedy):
        raise RefusedError(403, "not_yours", "您的角色不办这件事。需要的话，请找管理员调整。")
    told = Told(note=note, number=waybill, carrier=carrier, until=until, sheets=sheets, given_by=given_by)
    said = solve(desk.world, number_of(found.id), remedy, desk.by, told, shown)
    return desk.to(_list(back), said)


@router.post("/console/entry/{number}/reopen")
def reopened(
    desk: Settling, number: str, note: Annotated[str, Form(max_length=500)] = "", shown: Annotated[str, Form()] = ""
) -> Response:
    """It was settled by mistake."""
    found = _mine_to_touch(desk, number)
    with unchanged(desk.world, Ground(entry_id=found.id), shown):
        reopen(desk.world, number_of(found.id), desk.by, note)
    return desk.to(f"/console/entry/{number_of(found.id)}", gettext_in(desk.language)("已重新打开。"))


def _mine_to_touch(desk: Desk, number: str) -> Entry:
    return entry_in(desk.world, desk.scope, number)


def _may(desk: Desk, remedy: Remedy) -> bool:
    return desk.may(Right.SETTLE) and desk.may(WANTS.get(remedy, Right.SETTLE))


def _list_before(desk: Desk) -> str:
    """The list as it was filtered when the entry was opened."""
    return _list(desk.request.headers.get("referer", ""))


def _list(url: str) -> str:
    path = same_site(url)
    return path if path.split("?")[0] == LIST else LIST
