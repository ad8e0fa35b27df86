"""A worker process: dramatiq's threads answer the bells."""

import signal
import threading
from collections.abc import Callable

import dramatiq
import structlog
from dramatiq.worker import Worker

from dispatch.jobs import lane_of, on_lane
from dispatch.shipment import BOOK
from dispatch.world import World
from workers.jobs import ROAD, names_on, queue_of
from workers.run import run_lane

log = structlog.get_logger()
IDLE_MS = 500


def declare_actors(broker: dramatiq.Broker, world: World) -> None:
    """One actor for each name of a job. Its message carries nothing: the work is in the database."""
    for name in names_on(world.carriers):
        declare = dramatiq.actor(actor_name=name, queue_name=queue_of(name), broker=broker)
        declare(_answer(world, name))


def _answer(world: World, name: str) -> Callable[[], None]:
    """Whatever is most urgent on that lane comes first: the name only says where something is due."""

    def answer() -> None:
        try:
            run_lane(world, lane_of(name))
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
    """Answer bells until SIGTERM or SIGINT; what is being worked on is finished first."""
    declare_actors(broker, world)
    crews = _crews(broker, world)
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    for crew in crews:
        crew.start()
    log.info("worker.started", threads=world.settings.worker_threads, lanes=sorted(world.carriers))
    leave.wait()
    for crew in crews:
        crew.stop(timeout=30_000)
    log.info("worker.stopped")
