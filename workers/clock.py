"""The clock rings for whatever is due and not leased: an emptied broker costs seconds, nothing else."""

import threading
from collections.abc import Iterable
from datetime import timedelta

import structlog

from dispatch.crash import Point, reach
from dispatch.jobs import beat, due_names, kind_of, lane_of, leave, next_due, open_lanes
from dispatch.reconcile.cluster import notice_cluster
from dispatch.world import World
from workers.jobs import JOBS, STANDING
from workers.stranded import show_stranded

log = structlog.get_logger()
SHORTEST = timedelta(milliseconds=100)


def tick(world: World) -> timedelta:
    """Ring once for everything due; how long until the next round."""
    with world.sessions.begin() as session:
        beat(session, "clock")
        names = due_names(session)
        coming = next_due(session)
        stranded = open_lanes(session) - world.carriers.keys()
    reach(Point.TICK)
    world.bell.ring(_bells([name for name in names if lane_of(name) not in stranded]))
    reach(Point.TOCK)
    show_stranded(world, stranded)
    rhythm = world.settings.clock_rhythm
    return max(SHORTEST, min(rhythm, coming)) if coming is not None and not names else rhythm


def _bells(names: Iterable[str]) -> list[str]:
    """One for each lane: whoever hears it does all that is due there. What only another version knows is its own."""
    chosen = {(lane_of(name) if kind_of(name) in JOBS else name): name for name in names}
    return sorted(chosen.values())


def leave_standing(world: World) -> None:
    """The jobs that are always open are there; a job that is open already stays as it is."""
    with world.begin() as session:
        for name, subject in STANDING:
            leave(session, name, subject)


def run_clock(world: World, told: threading.Event) -> None:
    """Tick until told to leave. A database that is away is waited for."""
    wait, standing = timedelta(0), False
    while not told.wait(wait.total_seconds()):
        try:
            if notice_cluster(world):  # each time: a pool, or a pooler, may have connected anew without a word
                log.warning("database.restored")
            if not standing:
                leave_standing(world)
                standing = True
            wait = tick(world)
        except Exception as error:  # noqa: BLE001 - a clock that dies of one bad tick would strand everything
            log.warning("clock.interrupted", error=type(error).__name__)
            wait, standing = timedelta(seconds=1), False  # what comes back may be another database
