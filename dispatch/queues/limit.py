"""The law's limit: by which day a licence must be in hand (行政许可法), and which cases are past it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document, still_to_send
from dispatch.db import spelled
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Stage, Tracked
from dispatch.queues.queue import Queue, Scope, cases_in
from dispatch.shipment import Content, Shipment
from dispatch.working_days import DAY, calendar, day_of
from dispatch.world import World

OVER = (Stage.CLOSED, Stage.CANCELLED, Stage.UNDELIVERED)
IN_HAND = (Tracked.DELIVERED,)


@dataclass(frozen=True, slots=True)
class Limit:
    """The last day of the time, and whether the case is past it and not in hand."""

    by: date
    over: bool


def limit_of(world: World, case_id: UUID) -> Limit:
    """The limit of one case."""
    with world.reading() as session:
        decided_at = session.scalars(select(Case.decided_at).where(Case.id == case_id)).one()
        by = calendar(session).after(day_of(decided_at), world.settings.delivery_working_days)
        late = select(Case.id).where(Case.id == case_id, _late(world, session))
        return Limit(by, session.scalar(late) is not None)


def count_late(world: World, session: Session, scope: Scope) -> int:
    """How many cases are past it now and not in hand."""
    late = select(func.count()).select_from(Case).where(_late(world, session), scope.of_cases())
    return session.scalar(late) or 0


def _late(world: World, session: Session) -> ColumnElement[bool]:
    """Decided too long ago and still with us or with the post. What waits is found where it waits: asked of each case
    whether it is closed, PostgreSQL would read all that there ever were.
    """
    last = calendar(session).last_past(day_of(world.now()), world.settings.delivery_working_days)
    before = datetime.combine(last + DAY, time(), SHANGHAI)
    without_envelope = [
        select(Case.id).where(Case.decided_at < before, cases_in(queue))
        for queue in (Queue.TO_ISSUE, Queue.TO_RELEASE)
    ]
    going = [spelled(stage) for stage in Stage if stage not in OVER]
    under_way = (
        select(Document.case_id)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(Shipment.stage.in_(going), Shipment.tracked.not_in(IN_HAND), ~Content.void)
    )
    waiting = union(*without_envelope, under_way)
    return (Case.decided_at < before) & still_to_send() & Case.id.in_(waiting)
