"""The overview of a month and of today: what was decided, sent and delivered, how long it took, what is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, cast, distinct, func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Direction, Document, Leg
from dispatch.arrangement import Known, how_far
from dispatch.hall_time import SHANGHAI
from dispatch.jobs import Beat, kind_of, lane_of
from dispatch.journey import Stage, Tracked, View, view
from dispatch.label.printer_health import PrinterHealth, printer_healths
from dispatch.measured.books import OPEN_JOBS, standing
from dispatch.packing.hand_over import HandOver, HandOverLine
from dispatch.queues.limit import count_late
from dispatch.queues.look import open_entries
from dispatch.queues.queue import Scope
from dispatch.safety import clock_skew
from dispatch.shipment import Content, Shipment
from dispatch.tracking.health import Health, healths
from dispatch.working_days import due_at
from dispatch.worklist import WORDS, Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.close import LegEvidence
from dispatch.zero_visits.cohort import ZONE, count_cases
from dispatch.zero_visits.figures import Figures, Share, month_in_shanghai
from dispatch.zero_visits.figures import report as figures_of
from dispatch.zero_visits.trips.to_rule import count_to_rule

HOUR = 3600
BEATS_WITHIN = timedelta(minutes=5)
"""A part of the service that has not beaten for so long is shown as silent."""


@dataclass(frozen=True, slots=True)
class Day:
    """Cases decided, envelopes handed over, cases proved to be in hand, on one day."""

    day: date
    decided: int
    sent: int
    delivered: int


@dataclass(frozen=True, slots=True)
class InHand:
    """The cases that came into somebody's hand today. `hours`: their median from decision to hand."""

    zero_visits: Share
    hours: float | None
    timed: int


@dataclass(frozen=True, slots=True)
class Line:
    """One department, or all (`department` None). `hours`: the median from decision to hand, of `timed` cases."""

    department: str | None
    figures: Figures
    sent: int
    delivered: int
    hours: float | None
    timed: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Open entries of one reason, and since when the oldest waits."""

    reason: Reason
    words: str
    act: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Envelopes that stand here, and since when the oldest has not moved. `overdue`: longer than its patience."""

    view: View
    count: int
    oldest: datetime
    overdue: bool


@dataclass(frozen=True, slots=True)
class JobsLine:
    """The open jobs of one kind. `waits`: how long the oldest has been due."""

    kind: str
    carrier: str
    due: int
    working: int
    later: int
    waits: timedelta


@dataclass(frozen=True, slots=True)
class Pulse:
    """A part of the service, and when it last beat."""

    part: str
    at: datetime
    silent: bool


@dataclass(frozen=True, slots=True)
class House:
    """How the service itself does: posts, printers, queue, clock, and how far the calendar of working days goes."""

    posts: Sequence[Health]
    printers: Sequence[PrinterHealth]
    jobs: Sequence[JobsLine]
    beats: Sequence[Pulse]
    skew: timedelta
    calendar: Known


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, as far as whoever asks may see. `to_rule`: matters that wait for a supervisor's ruling.

    `late`: cases past the law's limit and not in hand.
    """

    month: str
    before: str
    after: str
    today: Day
    in_hand: InHand
    total: Line
    departments: Sequence[Line]
    days: Sequence[Day]
    stuck: Sequence[Stuck]
    to_rule: int
    late: int
    standing: Sequence[Standing]
    house: House


def this_month(world: World) -> str:
    """The month of today, in Shanghai."""
    return f"{world.now().astimezone(SHANGHAI):%Y-%m}"


def overview(world: World, scope: Scope, month: str) -> Overview:
    """Count it now. `month`: YYYY-MM. Raises NotFoundError for what is no month."""
    begin, end = month_in_shanghai(month)
    figures = figures_of(world, month, within=scope.of_cases())
    today = world.now().astimezone(SHANGHAI).date()
    with world.reading() as session:
        by_department = _by_department(session, scope, begin, end)
        lines = [_line(one, by_department) for one in (figures.total, *figures.departments)]
        midnight = datetime.combine(today, datetime.min.time(), SHANGHAI)
        tomorrow = midnight + timedelta(days=1)
        [now] = _days(session, scope, midnight, tomorrow)
        return Overview(
            month=f"{begin:%Y-%m}",
            before=f"{begin - timedelta(days=1):%Y-%m}",
            after=f"{end:%Y-%m}",
            today=now,
            in_hand=_in_hand(session, scope, midnight, tomorrow),
            total=lines[0],
            departments=lines[1:],
            days=[one for one in _days(session, scope, begin, end) if one.day <= today],
            stuck=_stuck(session, scope),
            to_rule=count_to_rule(session, scope.within()),
            late=count_late(world, session, scope),
            standing=_standing(world, session, scope),
            house=_house(world, session),
        )


def _line(figures: Figures, counted: Mapping[str | None, "_Counted"]) -> Line:
    one = counted.get(figures.department, _Counted())
    return Line(figures.department, figures, one.sent, one.delivered, one.hours, one.timed)


@dataclass(slots=True)
class _Counted:
    sent: int = 0
    delivered: int = 0
    hours: float | None = None
    timed: int = 0


def _by_department(session: Session, scope: Scope, begin: datetime, end: datetime) -> Mapping[str | None, _Counted]:
    found: dict[str | None, _Counted] = {}
    rolled = func.rollup(Case.department)
    for row in session.execute(_sent(scope, begin, end, Case.department).group_by(rolled)):
        found.setdefault(row[0], _Counted()).sent = row[1]
    for row in session.execute(_delivered(scope, begin, end, Case.department).group_by(rolled)):
        found.setdefault(row[0], _Counted()).delivered = row[1]
    for department, seconds, timed in session.execute(_took(scope, begin, end).group_by(rolled)):
        one = found.setdefault(department, _Counted())
        one.hours, one.timed = _hours(seconds), timed
    return found


def _sent(scope: Scope, begin: datetime, end: datetime, by: ColumnElement[Any] | Any) -> Any:
    """Envelopes by when they were handed over, also those that came back: their papers have left them."""
    return (
        select(by, func.count(distinct(HandOverLine.shipment_id)))
        .select_from(HandOverLine)
        .join(HandOver, HandOver.id == HandOverLine.hand_over_id)
        .join(Content, Content.shipment_id == HandOverLine.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(HandOver.made_at >= begin, HandOver.made_at < end, scope.of_cases())
    )


def _proofs(*columns: Any) -> Any:
    """The ways out that are proved, each with its case. What came back, or was lost after all, proves nothing; what
    was given out at the window came in no envelope, and is in hand all the same."""
    return (
        select(*columns)
        .select_from(LegEvidence)
        .join(Leg, Leg.id == LegEvidence.leg_id)
        .join(Case, Case.id == Leg.case_id)
        .outerjoin(Shipment, Shipment.id == LegEvidence.shipment_id)
        .where(Leg.direction == Direction.OUTBOUND)
        .where(LegEvidence.shipment_id.is_(None) | (Shipment.stage != Stage.UNDELIVERED))
    )


def _came(scope: Scope, begin: datetime, end: datetime) -> ColumnElement[bool]:
    """Into somebody's hand, by the carrier's time or the window's."""
    return and_(LegEvidence.happened_at >= begin, LegEvidence.happened_at < end, scope.of_cases())


def _delivered(scope: Scope, begin: datetime, end: datetime, by: ColumnElement[Any] | Any) -> Any:
    """Cases by when they came into somebody's hand."""
    return _proofs(by, func.count(distinct(Case.id))).where(_came(scope, begin, end))


def _median() -> Any:
    """Of the seconds from decision to hand."""
    seconds = func.extract("epoch", LegEvidence.happened_at - Case.decided_at)
    return func.percentile_cont(0.5).within_group(seconds)


def _took(scope: Scope, begin: datetime, end: datetime) -> Any:
    """How long the cases took that were decided in this time and are proved so far."""
    such = (Case.decided_at >= begin, Case.decided_at < end, scope.of_cases())
    return _proofs(Case.department, _median(), func.count()).where(*such)


def _in_hand(session: Session, scope: Scope, begin: datetime, end: datetime) -> InHand:
    """How long the cases took that came into hand in this time, and how many of them are zero visits."""
    came = _came(scope, begin, end)
    seconds, timed = session.execute(_proofs(_median(), func.count()).where(came)).one()
    cases = session.scalars(_proofs(Case.id).where(came)).all()
    counted = session.execute(count_cases(Case.id.in_(cases))).all()
    total = next(row for row in counted if row.department is None)  # ROLLUP's own row
    return InHand(Share(total.zero_visits, total.decided), _hours(seconds), timed)


def _hours(seconds: Any) -> float | None:
    return None if seconds is None else float(seconds) / HOUR


def _days(session: Session, scope: Scope, begin: datetime, end: datetime) -> list[Day]:
    """Every day of this time, those too on which nothing happened."""

    def on(moment: Any) -> Any:
        return cast(func.timezone(ZONE, moment), Date)

    def by_day(query: Any) -> Mapping[date, int]:
        return {row[0]: row[1] for row in session.execute(query.group_by(query.selected_columns[0]))}

    decided = select(on(Case.decided_at), func.count()).where(
        Case.decided_at >= begin, Case.decided_at < end, scope.of_cases()
    )
    counts = (
        by_day(decided),
        by_day(_sent(scope, begin, end, on(HandOver.made_at))),
        by_day(_delivered(scope, begin, end, on(LegEvidence.happened_at))),
    )
    first, many = begin.astimezone(SHANGHAI).date(), (end - begin).days
    days = [first + timedelta(days=number) for number in range(many)]
    return [Day(day, *(count.get(day, 0) for count in counts)) for day in days]


def _stuck(session: Session, scope: Scope) -> list[Stuck]:
    query = select(Entry.reason, func.count(), func.min(Entry.opened_at)).where(open_entries(scope))
    rows = session.execute(query.group_by(Entry.reason).order_by(func.min(Entry.opened_at)))
    return [
        Stuck(Reason(reason), WORDS[Reason(reason)].reason, WORDS[Reason(reason)].act, count, oldest)
        for reason, count, oldest in rows
    ]


def _standing(world: World, session: Session, scope: Scope) -> list[Standing]:
    found: dict[View, tuple[int, datetime]] = {}
    for stage, tracked, count, oldest in session.execute(standing(scope.of_shipments())):
        seen = view(Stage(stage), Tracked(tracked))
        many, since = found.get(seen, (0, oldest))
        found[seen] = (many + count, min(since, oldest))
    now = world.now()
    return [
        Standing(seen, found[seen][0], found[seen][1], now > due_at(world, session, found[seen][1], seen))
        for seen in View
        if seen in found
    ]


def _house(world: World, session: Session) -> House:
    now = session.scalars(select(func.now())).one()
    beats = [Pulse(one.name, one.at, now - one.at > BEATS_WITHIN) for one in session.scalars(select(Beat))]
    jobs = [
        JobsLine(kind_of(row.name), lane_of(row.name), row.due, row.working, row.later, _seconds(row.oldest))
        for row in session.execute(OPEN_JOBS)
    ]
    busiest = sorted(jobs, key=lambda line: (-line.due, line.kind, line.carrier))
    return House(
        healths(world),
        printer_healths(world, session),
        busiest,
        beats,
        clock_skew(session, world.now),
        how_far(session, world.now()),
    )


def _seconds(told: Any) -> timedelta:
    return timedelta(seconds=round(float(told or 0)))
