"""The counting behind the monthly figures: queries over a cohort of cases, one row for each department.

Each has a last row with department NULL (SQL's ROLLUP): the total, in which an envelope of two departments is one.
"""

from datetime import time
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    Subquery,
    Time,
    any_,
    cast,
    distinct,
    exists,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import aliased

from dispatch.approval.case import Case, Document
from dispatch.journey import News, Stage, Tracked
from dispatch.ledger import Testimony
from dispatch.packing.hand_over import HandOverLine
from dispatch.shipment import Content, Shipment
from dispatch.tracking.sighting import Sighting
from dispatch.visits import Asked
from dispatch.zero_visits.proof import (
    CONTRADICTING,
    OFFICE_TRIPS,
    TRIPS,
    on_the_worklist,
    over_published,
    proved,
    without,
)

ZONE = "Asia/Shanghai"


def count_cases(cohort: ColumnElement[bool]) -> Select[Any]:
    """Rows of department, decided, zero_visits, unverified, zero_office_trips, matters, over_published."""
    each = (
        select(
            Case.department,
            Case.matter_id,
            (proved() & ~on_the_worklist(CONTRADICTING)).label("proved"),
            without(TRIPS).label("zero"),
            without(OFFICE_TRIPS).label("zero_office"),
            over_published().label("over"),
        )
        .where(cohort)
        .subquery()
    )
    return select(
        each.c.department,
        func.count().label("decided"),
        func.count().filter(each.c.proved, each.c.zero).label("zero_visits"),
        func.count().filter(~each.c.proved).label("unverified"),
        func.count().filter(each.c.proved, each.c.zero_office).label("zero_office_trips"),
        func.count(distinct(each.c.matter_id)).label("matters"),
        func.count(distinct(each.c.matter_id)).filter(each.c.over).label("over_published"),
    ).group_by(func.rollup(each.c.department))


def count_samples(cohort: ColumnElement[bool]) -> Select[str, int, int]:
    """Rows of department, samples, agreeing: what applicants said on the telephone, and the ledger at that time."""
    agrees = (Testimony.office_trips == Testimony.counted_office_trips) & (Testimony.trips == Testimony.counted_trips)
    # OFFSET keeps it looked up for each case: a plain join would read what was said of all years.
    said = select(agrees.label("agrees")).where(Testimony.case_id == Case.id, Testimony.way == Asked.SAMPLE).offset(0)
    mine = said.lateral()
    return (
        select(Case.department, func.count().label("samples"), func.count().filter(mine.c.agrees).label("agreeing"))
        .join(mine, true())
        .where(cohort)
        .group_by(func.rollup(Case.department))
    )


def count_envelopes(cohort: ColumnElement[bool], cut_off: time) -> Select[Any]:
    """Rows of department, in_time, same_day, handed_over, returned. `cut_off`: a time of day in Shanghai."""
    paper = _paper_in(cohort)
    in_time = cast(func.timezone(ZONE, paper.c.at), Time) < literal(cut_off, Time)
    each = (
        select(
            Case.department,
            Shipment.id,
            in_time.label("in_time"),
            _collected_on(paper.c.at).label("same_day"),
            exists().where(HandOverLine.shipment_id == Shipment.id).label("handed_over"),
            (Shipment.tracked == Tracked.RETURNED).label("returned"),
        )
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .join(paper, paper.c.shipment_id == Shipment.id)
        .where(cohort, Shipment.stage != Stage.CANCELLED)
        .distinct()
        .subquery()
    )
    many = func.count(distinct(each.c.id))
    return select(
        each.c.department,
        many.filter(each.c.in_time).label("in_time"),
        many.filter(each.c.in_time, each.c.same_day).label("same_day"),
        many.filter(each.c.handed_over).label("handed_over"),
        many.filter(each.c.handed_over, each.c.returned).label("returned"),
    ).group_by(func.rollup(each.c.department))


def _paper_in(cohort: ColumnElement[bool]) -> Subquery:
    """When the last paper of each envelope was in: an envelope can leave no earlier."""
    chosen = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(cohort)
    )
    content, document, together = aliased(Content), aliased(Document), aliased(Case)
    return (
        select(content.shipment_id, func.max(together.paper_ready_at).label("at"))
        .join(document, document.id == content.document_id)
        .join(together, together.id == document.case_id)
        .where(content.shipment_id.in_(chosen))
        .group_by(content.shipment_id)
        .subquery()
    )


def _collected_on(moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """The post collected it on that day in Shanghai, by its own time, and has not taken that news back."""
    later = aliased(Sighting)
    taken_back = exists().where(
        later.shipment_id == Sighting.shipment_id, Sighting.code == any_(later.voids), later.at >= Sighting.at
    )
    same_day = cast(func.timezone(ZONE, Sighting.at), Date) == cast(func.timezone(ZONE, moment), Date)
    return exists().where(Sighting.shipment_id == Shipment.id, Sighting.news == News.COLLECTED, same_day, ~taken_back)
