"""The clock rings for whatever is due and not leased: an emptied broker costs seconds, nothing else."""

import threading
from datetime import timedelta

import structlog

from dispatch.jobs import beat, due_names, next_due
from dispatch.world import World

log = structlog.get_logger()
SHORTEST = timedelta(milliseconds=100)


def tick(world: World) -> timedelta:
    """Ring once for everything due; how long until the next round."""
    with world.sessions.begin() as session:
        beat(session, "clock")
        names = due_names(session)
        coming = next_due(session)
    world.bell.ring(names)
    rhythm = world.settings.clock_rhythm
    return max(SHORTEST, min(rhythm, coming)) if coming is not None and not names else rhythm


def run_clock(world: World, leave: threading.Event) -> None:
    """Tick until told to leave. A database that is away is waited for."""
    wait = timedelta(0)
    while not leave.wait(wait.total_seconds()):
        try:
            wait = tick(world)
        except Exception as error:  # noqa: BLE001 - a clock that dies of one bad tick would strand everything
            log.warning("clock.interrupted", error=type(error).__name__)
            wait = timedelta(seconds=1)
