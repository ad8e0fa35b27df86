"""The desk's queues: lists with counts, filters in the URL, saved views."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from dispatch.console.dispatching import choices_for_holding
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS
from dispatch.console.printing import choices_for_printing
from dispatch.errors import NotFoundError
from dispatch.queues.choices import choices
from dispatch.queues.filters import Filters
from dispatch.queues.look import look
from dispatch.queues.queue import OF_CASES, QUEUE_WORDS, Queue
from dispatch.queues.saved_view import remove_view, save_view, saved_views
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Looking = Annotated[Desk, needs(Right.SEE, Right.SEE_TODAY)]
Clerk = Annotated[Desk, needs(Right.SEE)]
BESIDE: Mapping[Queue, Callable[[Desk], dict[str, object]]] = {
    Queue.TO_RELEASE: choices_for_holding,
    Queue.TO_PRINT: choices_for_printing,
}
"""What the buttons of a queue need to know (`queue_….html`)."""
FRONTS: Sequence[tuple[Right, str]] = (
    (Right.SEE, f"/console/queue/{Queue.TO_RELEASE}"),
    (Right.SEE_TODAY, f"/console/queue/{Queue.TO_PRINT}"),
    (Right.AUDIT, "/console/audit"),
    (Right.STAFF, "/console/staff"),
    (Right.PRINTERS, "/console/printers"),
)
"""Where each role begins its day."""


@router.get("/console")
def front(desk: Annotated[Desk, needs()]) -> Response:
    """To the first thing that whoever came may see."""
    where = next(url for right, url in FRONTS if desk.may(right))
    return RedirectResponse(where, 303, headers=HEADERS)


@router.get("/console/queue/{name}")
def queue(desk: Looking, name: str, page: int = 1) -> Response:
    """A queue, filtered as its URL says."""
    chosen = _named(desk, name)
    filters = Filters.read(desk.request.query_params)
    shown = look(desk.world, desk.scope, chosen, filters, page)
    with desk.world.reading() as session:
        views = saved_views(desk.world, session, desk.by, chosen, shared=not desk.scope.today_only)
    return desk.page(
        "queue.html",
        queue=chosen,
        title=QUEUE_WORDS[chosen],
        shown=shown,
        filters=filters,
        views=views,
        choices=choices(desk.world, desk.scope),
        of_cases=chosen in OF_CASES,
        beside=BESIDE.get(chosen, _nothing)(desk),
    )


def _nothing(_: Desk) -> dict[str, object]:
    return {}


@router.get("/console/counts")
def counted(desk: Looking, here: str = "") -> Response:
    """The list of queues with how many lie in each; every page asks for it again by itself."""
    return desk.part("part_queues.html", here=here)


@router.post("/console/queue/{name}/views")
def keep_view(
    desk: Clerk,
    name: str,
    title: Annotated[str, Form()] = "",
    shared: Annotated[bool, Form()] = False,  # noqa: FBT002 - a form's box
    query: Annotated[str, Form()] = "",
) -> Response:
    """Keep the filters under a name."""
    chosen, filters = _named(desk, name), Filters.from_query(query)
    save_view(desk.world, desk.by, chosen, title, filters, shared=shared)
    return desk.to(f"/console/queue/{chosen}?{filters.query()}", gettext_in(desk.language)("视图已保存。"))


@router.post("/console/queue/{name}/views/remove")
def drop_view(desk: Clerk, name: str, title: Annotated[str, Form()] = "") -> Response:
    """One's own view is not wanted any more."""
    chosen, _ = _named(desk, name), gettext_in(desk.language)
    if remove_view(desk.world, desk.by, chosen, title):
        return desk.to(f"/console/queue/{chosen}", _("视图已删除。"))
    return desk.to(f"/console/queue/{chosen}", _("没有删除：您没有叫这个名称的视图。"), "wrong")


def _named(desk: Desk, name: str) -> Queue:
    if name not in desk.queues:
        raise NotFoundError("没有这个队列，或您的角色看不到它。")
    return Queue(name)
