"""What became of everything, counted from the database: each case once, wherever it stands now."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Case, Document, Hold, Item, Release
from dispatch.journey import BY_STAGE, BY_TRACKED, Stage, View
from dispatch.shipment import Content, Shipment
from dispatch.worklist import Reason
from dispatch.zero_visits.proof import TRIPS, on_the_worklist, proved, without


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts of cases (of envelopes: `shipments`, without the cancelled).

    `cases = closed + on_the_worklist + open_ends`; `closed = zero_visits + after_visits`. A closed case with an open
    worklist entry counts on the worklist, not as closed. `returned` is a part of `on_the_worklist`.
    """

    cases: int
    shipments: int
    closed: int
    zero_visits: int
    after_visits: int
    returned: int
    on_the_worklist: int
    open_ends: int


class Waiting(StrEnum):
    """Where a case stands that has no envelope yet: its word on the screen."""

    PAPER = "待出证"
    HELD = "暂缓寄递"
    RELEASE = "待放行"
    ENVELOPE = "待合并"


def count_outcomes(session: Session) -> Outcomes:
    """Count now. Two queries."""
    each = (
        select(
            on_the_worklist().label("listed"),
            on_the_worklist([Reason.RETURNED]).label("returned"),
            proved().label("proved"),
            without(TRIPS).label("zero"),
        )
        .select_from(Case)
        .subquery()
    )
    closed = and_(each.c.proved, ~each.c.listed)
    counted = session.execute(
        select(
            func.count().label("cases"),
            func.count().filter(closed).label("closed"),
            func.count().filter(closed, each.c.zero).label("zero_visits"),
            func.count().filter(closed, ~each.c.zero).label("after_visits"),
            func.count().filter(each.c.returned).label("returned"),
            func.count().filter(each.c.listed).label("on_the_worklist"),
            func.count().filter(~each.c.proved, ~each.c.listed).label("open_ends"),
        ).select_from(each)
    ).one()
    live = select(func.count()).select_from(Shipment).where(Shipment.stage != Stage.CANCELLED)
    return Outcomes(shipments=session.scalar(live) or 0, **counted._asdict())


def where_they_are(session: Session) -> Mapping[str, int]:
    """How many cases stand where, in the clerks' words and in the order of the road; nought where none does.

    A case with several envelopes stands where the one that is furthest behind does.
    """
    stations = [*Waiting, *words.VIEWS.values()]
    found = dict.fromkeys((str(station) for station in stations), 0)
    rank = _furthest_behind()
    enveloped = session.execute(select(rank.c.rank, func.count()).group_by(rank.c.rank))
    for place, many in enveloped:
        found[words.VIEWS[VIEWS[place]]] += many
    for waiting, many in session.execute(_without_envelope()):
        found[waiting] += many
    return found


VIEWS = tuple(View)


def _furthest_behind() -> Subquery:
    rank = func.min(_rank()).label("rank")
    return (
        select(rank)
        .select_from(Document)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(~Content.void, Shipment.stage != Stage.CANCELLED)
        .group_by(Document.case_id)
        .subquery()
    )


def _rank() -> ColumnElement[int]:
    """The place of `journey.view` among the views, in SQL, from the journey's own tables."""
    by_tracked = {str(tracked): VIEWS.index(view) for tracked, view in BY_TRACKED.items()}
    by_stage = {str(stage): VIEWS.index(view) for stage, view in BY_STAGE.items()}
    after_the_hand_over = case(by_tracked, value=Shipment.tracked, else_=VIEWS.index(View.HANDED_OVER))
    return case(
        (Shipment.stage == Stage.HANDED_OVER, after_the_hand_over), else_=case(by_stage, value=Shipment.stage)
    )


def _without_envelope() -> Select[str, int]:
    enveloped = (
        select(Document.case_id)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(~Content.void, Shipment.stage != Stage.CANCELLED)
    )
    held = exists().where(Hold.case_id == Case.id, Hold.lifted_at.is_(None))
    waits_for_release = and_(Item.release == Release.WHEN_RELEASED, Case.released_at.is_(None))
    waiting = case(
        (Case.given_at.is_not(None), words.VIEWS[View.CLOSED]),  # across the window, in no envelope
        (Case.lapsed_at.is_not(None), words.VIEWS[View.UNDELIVERED]),
        (Case.paper_ready_at.is_(None), Waiting.PAPER.value),
        (held, Waiting.HELD.value),
        (waits_for_release, Waiting.RELEASE.value),
        else_=Waiting.ENVELOPE.value,
    ).label("waiting")
    each = select(waiting).join(Item, Item.id == Case.item_id).where(Case.id.not_in(enveloped)).subquery()
    return select(each.c.waiting, func.count()).group_by(each.c.waiting)
