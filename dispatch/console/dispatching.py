"""Dispatch at the desk: what would happen, released, held back, let off the hold; one, many, or all that match."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from dispatch.approval.dispatch_many import begin_many, go_on, try_failed_again
from dispatch.approval.hold_reason import HOLD_REASONS, hold_reason
from dispatch.batch import Kind
from dispatch.booking.plan import EXPECTED_WORDS, plan_release
from dispatch.console.batches import batch_named
from dispatch.console.chosen import MOST_TICKED, Ticked, TickedRows, chosen_in
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.queues.queue import Queue, cases_in
from dispatch.seen import mark_of
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Dispatcher = Annotated[Desk, needs(Right.RELEASE)]
HERE = Queue.TO_RELEASE


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the form says of envelopes with several cases: all of one recipient `together`, or but for those `alone`.

    A box that is not ticked is not sent; `asked` tells it from a form that has none.
    """

    asked: bool
    ticked: bool
    alone: Sequence[UUID]

    @property
    def together(self) -> bool:
        """Unless it was declined."""
        return self.ticked or not self.asked

    def apart(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of these cases that get an envelope each."""
        return frozenset(self.alone if self.together else ids)


def _sharing(
    alone: Annotated[list[UUID], Form(max_length=MOST_TICKED, default_factory=list)],
    sharing: Annotated[str, Form()] = "",
    together: Annotated[str, Form()] = "",
) -> Sharing:
    return Sharing(bool(sharing), bool(together), alone)


Envelopes = Annotated[Sharing, Depends(_sharing)]


def choices_for_holding(_: Desk) -> dict[str, object]:
    """The reasons for a hold that are offered."""
    return {"reasons": HOLD_REASONS}


@router.post("/console/release/plan")
def plan(desk: Dispatcher, ticked: TickedRows, sharing: Envelopes) -> Response:
    """Nothing is done yet: envelopes, carriers, what cannot go and why, and who else waits for the same recipient."""
    return _planned(desk, ticked, sharing)


@router.post("/console/release")
def release(desk: Dispatcher, ticked: TickedRows, sharing: Envelopes) -> Response:
    """Released; the first hundred at once, the others by a worker. Where others match by now, it is planned anew."""
    try:
        ids = chosen_in(desk, HERE, ticked)
    except ConflictError as others:
        return _planned(desk, ticked, sharing, str(others))
    return _begun(desk, begin_many(desk.world, Kind.RELEASE, ids, desk.by, alone=sharing.apart(ids)))


def _planned(desk: Desk, ticked: Ticked, sharing: Sharing, wrong: str = "") -> Response:
    """As it is now, whatever was shown before; `wrong`: why nothing was done."""
    ids = chosen_in(desk, HERE, replace(ticked, shown=""))
    if not ids:
        raise NotAllowedError(wrong or "还没有选办件。请先勾选，或选中符合条件的全部。")
    waiting = cases_in(HERE) & desk.scope.of_cases()
    told = {"ticked": replace(ticked, shown=mark_of(ids)), "sharing": sharing, "said_as": EXPECTED_WORDS}
    planned = plan_release(desk.world, ids, waiting, sharing.apart(ids))
    return desk.page("release_plan.html", 409 if wrong else 200, plan=planned, wrong=wrong, **told)


@router.post("/console/hold")
def hold(
    desk: Dispatcher,
    ticked: TickedRows,
    why: Annotated[str, Form(max_length=200)] = "",
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Held back, all for one reason: chosen, written, or both."""
    ids = chosen_in(desk, HERE, ticked)
    return _begun(desk, begin_many(desk.world, Kind.HOLD, ids, desk.by, hold_reason(why, reason) if ids else ""))


@router.post("/console/lift")
def lift(desk: Dispatcher, ticked: TickedRows) -> Response:
    """The holds are lifted."""
    return _begun(desk, begin_many(desk.world, Kind.LIFT, chosen_in(desk, HERE, ticked), desk.by))


def _begun(desk: Desk, batch_id: UUID) -> Response:
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
