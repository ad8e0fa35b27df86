"""Batches: how far they are, and what became of each item."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from dispatch.batch import KIND_WORDS, OUTCOME_WORDS, Kind
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.errors import NotFoundError
from dispatch.label.printer import SIZES, STATE_WORDS, UNDER_WAY, State, printers
from dispatch.queues.batches import BatchView, check_in_sight, recent_batches, show_batch
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Worker = Annotated[Desk, needs(Right.RELEASE, Right.PRINT)]
WORDS = {"kinds": KIND_WORDS, "outcomes": OUTCOME_WORDS, "states": STATE_WORDS}
"""What a template says for each word of ours."""


def batch_named(desk: Desk, told: str) -> UUID:
    """The id in a URL, of a batch that may be seen from this desk. Raises NotFoundError."""
    try:
        batch_id = UUID(told)
    except ValueError:
        raise NotFoundError("没有这个批次。请从“批次”里选。") from None
    with desk.world.reading() as session:
        check_in_sight(desk.world, session, desk.scope, batch_id, desk.by)
    return batch_id


@router.get("/console/batches")
def batches(desk: Worker) -> Response:
    """The newest ones; those first of which nobody has said whether they came out."""
    world, scope = desk.world, desk.scope
    unanswered = recent_batches(world, scope, desk.by, unanswered=True)
    return desk.page("batches.html", unanswered=unanswered, recent=recent_batches(world, scope, desk.by), known=WORDS)


@router.get("/console/batch/{batch_id}")
def batch(desk: Worker, batch_id: str) -> Response:
    """One batch, row by row."""
    view = _view(desk, batch_id)
    with desk.world.reading() as session:
        beside = {"sizes": SIZES, "printers": printers(session)}
    return desk.page("batch.html", view=view, moving=_is_moving(view), beside=beside, known=WORDS)


@router.get("/console/batch/{batch_id}/progress")
def progress(desk: Worker, batch_id: str) -> Response:
    """The part that a page asks for again by itself until all is done, and whether there is a file by now."""
    view = _view(desk, batch_id)
    return desk.part("part_batch_progress.html", view=view, moving=_is_moving(view), known=WORDS)


def _view(desk: Desk, batch_id: str) -> BatchView:
    return show_batch(desk.world, desk.scope, batch_named(desk, batch_id), desk.by)


def _is_moving(view: BatchView) -> bool:
    if view.batch.kind != Kind.PRINT:
        return view.batch.ended_at is None
    return view.job is not None and State(view.job.state) in UNDER_WAY
