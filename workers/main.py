"""A worker process: dramatiq's threads answer the bells."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

import dramatiq
import structlog
from dramatiq.worker import Worker

from dispatch.db import DATABASE_AWAY
from dispatch.jobs import due_names, lane_of, on_lane
from dispatch.shipment import BOOK
from dispatch.world import World
from workers.jobs import ROAD, names_on, queue_of
from workers.run import run_lane

log = structlog.get_logger()
IDLE_MS = 500


def declare_actors(broker: dramatiq.Broker, world: World, leaving: Callable[[], bool]) -> None:
    """One actor for each name of a job. Its message carries nothing: the work is in the database."""
    for name in names_on(world.carriers):
        declare = dramatiq.actor(actor_name=name, queue_name=queue_of(name), broker=broker)
        declare(_answer(world, name, leaving))


def _answer(world: World, name: str, leaving: Callable[[], bool]) -> Callable[[], None]:
    """Whatever is most urgent on that lane comes first: the name only says where something is due."""

    def answer() -> None:
        try:
            run_lane(world, lane_of(name), leaving)
        except Exception as error:  # noqa: BLE001 - the database is away: the rows are safe, the clock rings again
            log.warning("worker.interrupted", job=name, error=type(error).__name__)

    return answer


def _crews(broker: dramatiq.Broker, world: World) -> list[Worker]:
    """Threads for the road, and a few of its own for each carrier: who hangs, hangs alone."""
    settings = world.settings
    queues = {ROAD: settings.worker_threads}
    queues |= {queue_of(on_lane(BOOK, lane)): settings.lane_threads for lane in world.carriers}
    return [
        Worker(broker, queues={queue}, worker_timeout=IDLE_MS, worker_threads=threads)
        for queue, threads in queues.items()
    ]


def work(broker: dramatiq.Broker, world: World) -> None:
    """Answer bells until SIGTERM or SIGINT; what is being worked on is finished first, and nothing else is begun.

    Told a second time it ends at once: what it was in the middle of is then as after any death.
    """
    leave = threading.Event()
    declare_actors(broker, world, leave.is_set)
    crews = _crews(broker, world)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _hearing(leave))
    for crew in crews:
        crew.start()
    log.info("worker.started", threads=world.settings.worker_threads, lanes=sorted(world.carriers))
    leave.wait()
    log.info("worker.leaving")
    for crew in crews:
        crew.stop(timeout=30_000)
    _pass_on(world)
    log.info("worker.stopped")


def _hearing(leave: threading.Event) -> Callable[[int, FrameType | None], None]:
    def hear(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        leave.set()

    return hear


def _pass_on(world: World) -> None:
    """Bells that were heard here and not answered: whoever stays hears them at once, and not from the clock."""
    try:
        with world.reading() as session:
            names = due_names(session)
    except DATABASE_AWAY:
        return
    world.bell.ring(names)
