"""Dispatch at the desk: what would happen, released, held back, let off the hold; one, many, or all that match."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.approval.dispatch_many import begin_many, go_on, try_failed_again
from dispatch.batch import Kind
from dispatch.booking.plan import EXPECTED_WORDS, plan_release
from dispatch.console.batches import batch_named
from dispatch.console.chosen import TickedRows, chosen_in
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotAllowedError
from dispatch.queues.queue import Queue, cases_in
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Dispatcher = Annotated[Desk, needs(Right.RELEASE)]
HERE = Queue.TO_RELEASE


@router.post("/console/release/plan")
def plan(desk: Dispatcher, ticked: TickedRows) -> Response:
    """Nothing is done yet: envelopes, carriers, what cannot go and why, and who else waits for the same recipient."""
    ids = chosen_in(desk, HERE, ticked)
    if not ids:
        raise NotAllowedError("还没有选办件。请先勾选，或选中符合条件的全部。")
    waiting = cases_in(HERE) & desk.scope.of_cases()
    return desk.page(
        "release_plan.html", plan=plan_release(desk.world, ids, waiting), ticked=ticked, said_as=EXPECTED_WORDS
    )


@router.post("/console/release")
def release(desk: Dispatcher, ticked: TickedRows) -> Response:
    """Released; the first hundred at once, the others by a worker."""
    return _begin(desk, Kind.RELEASE, ticked)


@router.post("/console/hold")
def hold(desk: Dispatcher, ticked: TickedRows, reason: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Held back, all for one reason."""
    return _begin(desk, Kind.HOLD, ticked, reason)


@router.post("/console/lift")
def lift(desk: Dispatcher, ticked: TickedRows) -> Response:
    """The holds are lifted."""
    return _begin(desk, Kind.LIFT, ticked)


def _begin(desk: Desk, kind: Kind, ticked: TickedRows, reason: str = "") -> Response:
    batch_id = begin_many(desk.world, kind, chosen_in(desk, HERE, ticked), desk.by, reason)
    go_on(desk.world, batch_id)
    return desk.to(f"/console/batch/{batch_id}")


@router.post("/console/batch/{batch_id}/retry")
def retry(desk: Dispatcher, batch_id: str) -> Response:
    """What failed is tried once more, and nothing else."""
    found = batch_named(desk, batch_id)
    again = try_failed_again(desk.world, found, desk.by)
    if again:
        go_on(desk.world, found)
    words = gettext_in(desk.language)("已重试未办成的。") if again else gettext_in(desk.language)("没有未办成的。")
    return desk.to(f"/console/batch/{found}", words)
