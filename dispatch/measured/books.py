"""The state of the service as its tables tell it, read at a scrape: workers and clock need no port of their own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeHistogramMetricFamily, GaugeMetricFamily
from sqlalchemy import ColumnElement, Row, Select, func, select, text
from sqlalchemy.orm import Session

from dispatch.arrangement import how_far
from dispatch.breaker import Breaker
from dispatch.db import spelled
from dispatch.jobs import Beat, kind_of, lane_of
from dispatch.journey import AT_AN_END, Stage, Tracked, View, view
from dispatch.measured.invariants import ENDED, broken
from dispatch.safety import clock_skew
from dispatch.shipment import Shipment
from dispatch.worklist import Entry, Reason
from dispatch.world import World

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Upper bounds of a call's seconds; the last is the default limit of a call (`answer_seconds`)."""
OPEN_JOBS = text("""
    SELECT name, count(*) FILTER (WHERE lease_until > now()) AS working,
           count(*) FILTER (WHERE next_at <= now() AND (lease_until IS NULL OR lease_until <= now())) AS due,
           count(*) FILTER (WHERE next_at > now() AND (lease_until IS NULL OR lease_until <= now())) AS later,
           extract(epoch FROM now() - min(next_at) FILTER (
               WHERE next_at <= now() AND (lease_until IS NULL OR lease_until <= now()))) AS oldest
    FROM jobs WHERE done_at IS NULL GROUP BY name
""")
GOING = tuple(spelled(stage) for stage in Stage if stage not in ENDED)
"""The stages that are not the last one, named in the statement: what has ended is most of the table."""
# Calls and pushes are told for 15 minutes: enough for a scrape a minute, and cheap by the index of times, where the
# statement says so itself: of a value that is yet to come it would be planned as a third of all.
PUSHES = text("""
    SELECT carrier, 'read' AS outcome, count(*) AS pushes, sum(times - 1) AS repeats FROM pushes
    WHERE raw IS NOT NULL AND read_at > now() - interval '15 minutes' GROUP BY carrier
    UNION ALL
    SELECT carrier, 'turned_away', count(*), sum(times - 1) FROM pushes
    WHERE turned_away IS NOT NULL AND received_at > now() - interval '15 minutes' GROUP BY carrier
    UNION ALL
    SELECT carrier, 'waiting', count(*), 0 FROM pushes
    WHERE raw IS NOT NULL AND read_at IS NULL AND turned_away IS NULL GROUP BY carrier
""")
CALLS = text("""
    SELECT carrier, operation, coalesce(outcome, 'unanswered') AS outcome,
           extract(epoch FROM answered_at - intended_at) AS seconds
    FROM carrier_calls WHERE intended_at > now() - interval '15 minutes'
""")


def standing(*of: ColumnElement[bool]) -> Select[str, str, int, datetime]:
    """Rows of stage, tracked, how many, since when the oldest has not moved: of the envelopes on the road."""
    count, oldest = func.count().label("shipments"), func.min(Shipment.moved_at).label("oldest")
    query = select(Shipment.stage, Shipment.tracked, count, oldest).where(Shipment.stage.in_(GOING), *of)
    return query.group_by(Shipment.stage, Shipment.tracked)


def jobs(_: World, session: Session) -> Iterator[Metric]:
    """Depth and age of the queue, by kind of job and carrier."""
    depth = GaugeMetricFamily("zhuandi_jobs", "open jobs: due, working, later", labels=["job", "carrier", "state"])
    oldest = GaugeMetricFamily(
        "zhuandi_job_oldest_seconds", "how long the oldest due job has been due", labels=["job", "carrier"]
    )
    for row in session.execute(OPEN_JOBS):
        labels = [kind_of(row.name), lane_of(row.name)]
        for state in ("due", "working", "later"):
            depth.add_metric([*labels, state], getattr(row, state))
        oldest.add_metric(labels, float(row.oldest or 0))
    yield from (depth, oldest)


def road(_: World, session: Session) -> Iterator[Metric]:
    """How many envelopes stand where, and since when the oldest has not moved. Every place is told, empty too."""
    count: Counter[View] = Counter()
    oldest: dict[View, float] = {}
    now = session.scalars(select(func.now())).one()
    for row in session.execute(standing()):
        seen = view(Stage(row.stage), Tracked(row.tracked))
        count[seen] += row.shipments
        oldest[seen] = max(oldest.get(seen, 0.0), (now - row.oldest).total_seconds())
    places = GaugeMetricFamily("zhuandi_shipments", "envelopes by what is seen of them", labels=["view"])
    ages = GaugeMetricFamily("zhuandi_shipment_oldest_seconds", "since the oldest of them moved", labels=["view"])
    for seen in View:
        if seen not in AT_AN_END:
            places.add_metric([seen], count[seen])
            ages.add_metric([seen], oldest.get(seen, 0.0))
    yield from (places, ages)


def pushes(world: World, session: Session) -> Iterator[Metric]:
    """Pushes of the last quarter of an hour, and all that wait."""
    recent = GaugeMetricFamily(
        "zhuandi_pushes", "pushes of 15 minutes, and all that wait", labels=["carrier", "outcome"]
    )
    found: Counter[tuple[str, str]] = Counter()
    for row in session.execute(PUSHES):
        found[row.carrier, row.outcome] += row.pushes
        found[row.carrier, "repeated"] += int(row.repeats or 0)
    for carrier in sorted({*world.carriers, *world.trackers, *(carrier for carrier, _ in found)}):
        for outcome in ("read", "waiting", "turned_away", "repeated"):
            recent.add_metric([carrier, outcome], found[carrier, outcome])
    yield recent


def calls(_: World, session: Session) -> Iterator[Metric]:
    """Calls of the last quarter of an hour: outcomes, and how long they took, from the calls that are kept."""
    rows = session.execute(CALLS).all()
    outcomes = GaugeMetricFamily("zhuandi_calls", "calls of 15 minutes", labels=["carrier", "operation", "outcome"])
    for labels, count in sorted(Counter((row.carrier, row.operation, row.outcome) for row in rows).items()):
        outcomes.add_metric(labels, count)
    yield outcomes
    yield _took(rows)


def _took(rows: Sequence[Row[tuple[object, ...]]]) -> Metric:
    took = GaugeHistogramMetricFamily("zhuandi_call_seconds", "answered calls of 15 minutes", labels=["carrier"])
    by_carrier: dict[str, list[float]] = {}
    for row in rows:
        if row.seconds is not None:
            by_carrier.setdefault(row.carrier, []).append(float(row.seconds))
    for carrier, seconds in sorted(by_carrier.items()):
        buckets = [(str(bound), float(sum(one <= bound for one in seconds))) for bound in BOUNDS]
        took.add_metric([carrier], [*buckets, ("+Inf", float(len(seconds)))], sum(seconds))
    return took


def accounts(world: World, session: Session) -> Iterator[Metric]:
    """Breakers: an account that is paused lets no call through."""
    paused = GaugeMetricFamily("zhuandi_account_paused", "1 while no call is made", labels=["account"])
    failures = GaugeMetricFamily("zhuandi_account_failures", "unanswered calls in a row", labels=["account"])
    waits: Mapping[str, tuple[bool, int]] = {
        row.account: (bool(row.paused), row.failures)
        for row in session.execute(
            select(Breaker.account, Breaker.failures, (Breaker.open_until > func.now()).label("paused"))
        )
    }
    for account in sorted({carrier.account_name for carrier in world.carriers.values()} | waits.keys()):
        is_paused, failed = waits.get(account, (False, 0))
        paused.add_metric([account], is_paused)
        failures.add_metric([account], failed)
    yield from (paused, failures)


def worklist(_: World, session: Session) -> Iterator[Metric]:
    """What waits for a person, by reason; every reason is told."""
    query = select(Entry.reason, func.count()).where(Entry.settled_at.is_(None)).group_by(Entry.reason)
    found = {reason: count for reason, count in session.execute(query)}  # noqa: C416 - rows are no pairs to mypy
    entries = GaugeMetricFamily("zhuandi_worklist", "open entries of the worklist", labels=["reason"])
    for reason in Reason:
        entries.add_metric([reason], found.get(reason, 0))
    yield entries


def clocks(world: World, session: Session) -> Iterator[Metric]:
    """The clock's beat, and this machine's time beside the database's."""
    ages = GaugeMetricFamily("zhuandi_beat_age_seconds", "since this part last beat", labels=["part"])
    seconds = func.extract("epoch", func.now() - Beat.at)
    for name, age in session.execute(select(Beat.name, seconds)):
        ages.add_metric([name], float(age))
    yield ages
    skew = clock_skew(session, world.now).total_seconds()
    yield GaugeMetricFamily("zhuandi_clock_skew_seconds", "this machine ahead of the database", skew)


def calendar(world: World, session: Session) -> Iterator[Metric]:
    """How far the arrangement of working days is known."""
    left = how_far(session, world.now()).left
    yield GaugeMetricFamily("zhuandi_calendar_days_left", "days until the known calendar of working days ends", left)


def invariants(_: World, session: Session) -> Iterator[Metric]:
    """What must be nought."""
    promises = GaugeMetricFamily("zhuandi_broken_promises", "must be 0", labels=["invariant"])
    for name, rows in broken(session):
        promises.add_metric([name], rows)
    yield promises
