"""What a clerk ticked in a queue, or all that match its filters: only what may be seen there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form
from sqlalchemy import select

from dispatch.approval.case import Case
from dispatch.console.guard import Desk
from dispatch.errors import NotFoundError
from dispatch.queues.filters import Filters
from dispatch.queues.look import matching
from dispatch.queues.queue import OF_CASES, Queue
from dispatch.seen import refuse_others
from dispatch.shipment import Shipment

MOST_TICKED = 500  # a page has fifty rows


@dataclass(frozen=True, slots=True)
class Ticked:
    """The form of a queue (`queue.html`). `shown`: `mark_of` all that matched when the page was drawn."""

    ids: Sequence[UUID]
    all_matching: bool
    query: str
    shown: str


def _ticked(
    ids: Annotated[list[UUID], Form(alias="id", max_length=MOST_TICKED, default_factory=list)],
    all_matching: Annotated[str, Form()] = "",
    query: Annotated[str, Form(max_length=1000)] = "",
    shown: Annotated[str, Form(max_length=40)] = "",
) -> Ticked:
    return Ticked(ids, bool(all_matching), query, shown)


TickedRows = Annotated[Ticked, Depends(_ticked)]


def chosen_in(desk: Desk, queue: Queue, ticked: Ticked) -> list[UUID]:
    """The ids, in the order of the queue or as ticked.

    Raises NotFoundError for one that may not be seen, ConflictError where others match than the page has shown.
    """
    if ticked.all_matching:
        found = matching(desk.world, desk.scope, queue, Filters.from_query(ticked.query))
        refuse_others(ticked.shown, found)
        return found
    in_sight(desk, ticked.ids, cases=queue in OF_CASES)
    return list(ticked.ids)


def in_sight(desk: Desk, ids: Sequence[UUID], *, cases: bool) -> None:
    """All of these may be seen from this desk. Raises NotFoundError."""
    query = (
        select(Case.id).where(Case.id.in_(ids), desk.scope.of_cases())
        if cases
        else select(Shipment.id).where(Shipment.id.in_(ids), desk.scope.of_shipments())
    )
    with desk.world.reading() as session:
        seen = set(session.scalars(query))
    if set(ids) - seen:
        raise NotFoundError("选中的里面有已不存在、或不属于您部门的。请刷新页面再选。")
