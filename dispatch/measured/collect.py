"""One reading of the tables for all scrapes of a few seconds, with a short limit: watching loads nothing."""

import threading
import time
from collections.abc import Iterable, Iterator

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from dispatch.db import DATABASE_AWAY
from dispatch.measured import books
from dispatch.world import World

log = structlog.get_logger()
PARTS = (
    *(books.clocks, books.jobs, books.road, books.pushes, books.calls),
    *(books.accounts, books.worklist, books.calendar, books.invariants),
)
LIMIT = text("SET LOCAL statement_timeout = '2s'")


class Books(Collector):
    """Reads every part in a transaction of its own: one that takes too long is missing, and said to be."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._kept: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What was read last, or now; whoever comes meanwhile waits for the one reading."""
        with self._lock:
            if time.monotonic() - self._read_at > self._world.settings.metrics_kept.total_seconds():
                self._kept = [*self._parts(), *_pool(self._world), _broker(self._world)]
                self._read_at = time.monotonic()
            kept = self._kept
        yield from kept

    def _parts(self) -> Iterator[Metric]:
        unread = GaugeMetricFamily("zhuandi_unread", "1 where this part could not be read in time", labels=["part"])
        parts = iter(PARTS)
        for part in parts:
            try:
                with self._world.reading() as session:
                    session.execute(LIMIT)
                    yield from list(part(self._world, session))
                unread.add_metric([part.__name__], 0)
            except SQLAlchemyError as error:
                log.warning("metrics.unread", part=part.__name__, error=type(error).__name__)
                unread.add_metric([part.__name__], 1)
                if _away(error):
                    break
        for part in parts:  # each would wait as long, and whoever scrapes would take the API for dead
            unread.add_metric([part.__name__], 1)
        yield unread


def _away(error: SQLAlchemyError) -> bool:
    """No answer at all, unlike one that took too long."""
    late = isinstance(error, DBAPIError) and isinstance(error.orig, QueryCanceled | LockNotAvailable)
    return isinstance(error, DATABASE_AWAY) and not late


def _pool(world: World) -> Iterator[Metric]:
    pool = world.sessions.kw["bind"].pool
    if isinstance(pool, QueuePool):
        yield GaugeMetricFamily("zhuandi_pool_in_use", "database connections in use here", pool.checkedout())
        size = pool.size() + pool._max_overflow  # noqa: SLF001 - it has no other name
        yield GaugeMetricFamily("zhuandi_pool_size", "connections that may be open here", size)


def _broker(world: World) -> Metric:
    there = float(world.bell.answers())
    return GaugeMetricFamily(
        "zhuandi_broker_answers", "1 where the broker is there, as far as this process knows", there
    )


def registry_for(world: World) -> CollectorRegistry:
    """A registry of its own for one application: two in one process do not meet."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Books(world))
    return registry
