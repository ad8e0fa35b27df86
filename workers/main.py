"""A worker process: dramatiq's threads answer the bells."""

import signal
import threading
from collections.abc import Callable

import dramatiq
import structlog
from dramatiq.worker import Worker

from dispatch.world import World
from workers.jobs import JOBS
from workers.run import run_due

log = structlog.get_logger()
IDLE_MS = 500


def declare_actors(broker: dramatiq.Broker, world: World) -> None:
    """One actor for each row of the table. Its message carries nothing: the work is in the database."""
    for kind in JOBS.values():
        declare = dramatiq.actor(actor_name=kind.name, queue_name=kind.queue, broker=broker)
        declare(_answer(world, kind.name))


def _answer(world: World, name: str) -> Callable[[], None]:
    def answer() -> None:
        try:
            run_due(world, name)
        except Exception as error:  # noqa: BLE001 - the database is away: the rows are safe, the clock rings again
            log.warning("worker.interrupted", job=name, error=type(error).__name__)

    return answer


def work(broker: dramatiq.Broker, world: World) -> None:
    """Answer bells until SIGTERM or SIGINT; what is being worked on is finished first."""
    declare_actors(broker, world)
    worker = Worker(broker, worker_timeout=IDLE_MS, worker_threads=world.settings.worker_threads)
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    worker.start()
    log.info("worker.started", threads=world.settings.worker_threads)
    leave.wait()
    worker.stop(timeout=30_000)
    log.info("worker.stopped")
