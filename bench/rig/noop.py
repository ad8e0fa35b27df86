"""A dramatiq worker whose only actor does nothing, until SIGTERM: `python -m bench.rig.noop postgresql://…`."""

import signal
import sys
import threading

import dramatiq
from dramatiq.worker import Worker
from dramatiq_postgres import PostgresBroker

ACTOR, QUEUE, THREADS = "nothing", "bench", 8


def nothing() -> None:
    """Not even this."""


def main() -> None:
    """Work."""
    broker = PostgresBroker(url=sys.argv[1], results=False, middleware=[])
    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(nothing)
    worker = Worker(broker, queues={QUEUE}, worker_timeout=500, worker_threads=THREADS)
    leave = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leave.set())
    worker.start()
    leave.wait()
    worker.stop(timeout=5_000)
    broker.close()


if __name__ == "__main__":
    main()
