"""The eight queues (HALL.md §3) and what lies in each, as conditions on the tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, exists, select, true, union_all
from sqlalchemy.orm import aliased

from dispatch.approval.case import Case, Document, Hold, Item, Release, still_to_send
from dispatch.approval.within import Within
from dispatch.db import spelled
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Stage
from dispatch.shipment import Content, Shipment
from dispatch.world import World


class Queue(StrEnum):
    """One pile on the desk."""

    TO_ISSUE = "to_issue"
    TO_RELEASE = "to_release"
    TO_PRINT = "to_print"
    TO_PACK = "to_pack"
    TO_HAND_OVER = "to_hand_over"
    ON_THE_WAY = "on_the_way"
    NEEDS_A_PERSON = "needs_a_person"
    DONE_TODAY = "done_today"


QUEUE_WORDS: Mapping[Queue, str] = {
    Queue.TO_ISSUE: "待出证",
    Queue.TO_RELEASE: "待寄出",
    Queue.TO_PRINT: "待打单",
    Queue.TO_PACK: "待封装",
    Queue.TO_HAND_OVER: "待交寄",
    Queue.ON_THE_WAY: "在途",
    Queue.NEEDS_A_PERSON: "待处理",
    Queue.DONE_TODAY: "今日完成",
}
assert set(QUEUE_WORDS) == set(Queue)  # noqa: S101 - a pile without a name

STAGES: Mapping[Queue, Stage] = {
    Queue.TO_PRINT: Stage.BOOKED,
    Queue.TO_PACK: Stage.PRINTED,
    Queue.TO_HAND_OVER: Stage.PACKED,
    Queue.ON_THE_WAY: Stage.HANDED_OVER,
    Queue.DONE_TODAY: Stage.CLOSED,
}
"""Queues of envelopes, and the stage at which one lies there."""
OF_CASES = frozenset({Queue.TO_ISSUE, Queue.TO_RELEASE})
"""Queues of cases: they have no envelope yet."""
ON_THE_DESK = (Queue.TO_PRINT, Queue.TO_PACK, Queue.TO_HAND_OVER)


@dataclass(frozen=True, slots=True)
class Scope:
    """What whoever looks may see: the cases of these departments (None: of all), or only what lies here today."""

    departments: frozenset[str] | None = None
    today_only: bool = False

    def of_cases(self) -> ColumnElement[bool]:
        """The condition on `Case`."""
        return true() if self.departments is None else Case.department.in_(sorted(self.departments))

    def of_shipments(self) -> ColumnElement[bool]:
        """The condition on `Shipment`: something of one of these departments lies in it."""
        return true() if self.departments is None else holds(self.of_cases())

    def within(self) -> Within:
        """What acts may reach: whoever sees only what lies here today reaches no envelope that has left."""
        here = Shipment.stage.in_([STAGES[queue] for queue in ON_THE_DESK]) if self.today_only else true()
        return Within(self.of_cases(), self.of_shipments() & here)


def holds(of_case: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on `Shipment` that a document of such a case lies in it.

    A value, not EXISTS: of that PostgreSQL would make a join with all documents that there ever were, while the few
    envelopes of a queue are looked up faster one by one.
    """
    lies_in = ~Content.void | (Shipment.stage == spelled(Stage.UNDELIVERED))  # whose papers have left it again
    inside = select(true()).where(Content.shipment_id == Shipment.id, lies_in, Document.id == Content.document_id)
    one = inside.where(Case.id == Document.case_id, of_case).correlate(Shipment).limit(1)
    return one.scalar_subquery().is_(true())


def enveloped() -> ColumnElement[bool]:
    """The condition on `Case` that something of it lies in an envelope."""
    return exists().where(Document.case_id == Case.id, Content.document_id == Document.id, ~Content.void)


def cases_in(queue: Queue) -> ColumnElement[bool]:
    """The condition on `Case` for a queue of cases. Held cases wait for their release all the same."""
    if queue is Queue.TO_ISSUE:
        return Case.paper_ready_at.is_(None) & still_to_send()
    waits = Case.paper_ready_at.is_not(None) & still_to_send()
    return waits & ~enveloped() & Case.id.in_(_not_let_go())


def _not_let_go() -> CompoundSelect[UUID]:
    """Cases that a person must release, and those on hold. Two short lists by their own indexes: asked of each case
    whether it is one or the other, PostgreSQL would read all that there ever were.
    """
    asked, item = aliased(Case), aliased(Item)
    unreleased = select(asked.id).join(item, item.id == asked.item_id)
    unreleased = unreleased.where(item.release == spelled(Release.WHEN_RELEASED), asked.released_at.is_(None))
    return union_all(unreleased, select(Hold.case_id).where(Hold.lifted_at.is_(None)))


def shipments_in(world: World, queue: Queue) -> ColumnElement[bool]:
    """The condition on `Shipment` for a queue of envelopes."""
    here = Shipment.stage == spelled(STAGES[queue])
    return here & (Shipment.moved_at >= midnight(world.now())) if queue is Queue.DONE_TODAY else here


def midnight(now: datetime) -> datetime:
    """When today began, in Shanghai."""
    return datetime.combine(now.astimezone(SHANGHAI).date(), time(), SHANGHAI)
