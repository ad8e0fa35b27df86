"""What lost or doubled messages on dramatiq 2.2.1 (FAULTS §1), done to our service: nothing is lost, nothing twice.

The same brokers emptied, stopped and hung in the middle of the work: `tests/engines/test_brokers.py`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import pika
import pytest
from pika.exceptions import AMQPError
from sqlalchemy import func, select

from dispatch import bells
from dispatch.call import CarrierCall
from dispatch.jobs import Job, on_lane
from dispatch.journey import Stage
from dispatch.shipment import BOOK, Shipment
from dispatch.wiring import broker_url
from dispatch.world import World
from tests.engines.county import frozen
from tests.engines.servers import RabbitServer, wait_until
from workers.jobs import ROAD, queue_of

BOOK_EMS = on_lane(BOOK, "ems")
MANY = 200
FEW = 5
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def waits_with_a_reason(world: World) -> int:
    """So many orders were tried in vain, and wait in their rows."""
    with world.reading() as session:
        open_ones = (Job.name == BOOK_EMS, Job.done_at.is_(None), Job.last_error.is_not(None))
        return session.scalar(select(func.count()).where(*open_ones)) or 0


def due(world: World) -> int:
    with world.reading() as session:
        ready = (Job.name == BOOK_EMS, Job.done_at.is_(None), Job.next_at <= func.now())
        return session.scalar(select(func.count()).where(*ready)) or 0


def standing(world: World, stage: Stage) -> int:
    with world.reading() as session:
        return session.scalar(select(func.count()).where(Shipment.stage == stage)) or 0


def test_a_broker_emptied_over_two_hundred_open_jobs_costs_one_round_of_the_clock(redis_server, county, cases):
    """No. 9: FLUSHALL while nobody works yet."""
    service = county(redis_server)
    with service.open(()):
        service.lodge(cases(MANY))
        assert len(service.open_jobs()) == MANY
        redis_server.empty()
        for name in ("worker", "worker", "clock"):
            service.start(name)
        service.expect_booked(MANY)


def test_a_bell_rung_a_hundred_times_for_two_machines_books_once(redis_server, county, cases):
    """No. 8: one claim wins, all others find nothing to do."""
    service = county(redis_server)
    ringing = bells.make(broker_url(service.settings))
    with service.open():
        with service.world() as world:
            service.lodge(cases(1))
            for name in ("case.gather", "shipment.seal", BOOK_EMS) * 100:
                bell: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=queue_of(name), actor_name=name, args=(), kwargs={}, options={}
                )
                ringing.enqueue(bell)
            wait_until(lambda: standing(world, Stage.BOOKED) == 1, "the booking")
            wait_until(lambda: redis_server.waiting(ROAD) == 0, "every bell to be heard")
            with world.reading() as session:
                asked = session.scalars(select(CarrierCall).where(CarrierCall.outcome == "Booked")).all()
        assert len(asked) == 1
        service.expect_booked(1)
    ringing.close()


def test_f1_publishers_blocked_while_bookings_fail_and_then_a_clean_restart(rabbit_server, county, cases):
    """F1, no. 11: five of five were lost."""
    assert isinstance(rabbit_server, RabbitServer)
    service = county(rabbit_server)
    with service.open(()):
        post = service.processes.pop()
        post.kill()
        post.wait()
        for name in ("worker", "clock"):
            service.start(name)
        with service.world() as world:
            service.lodge(cases(FEW))
            wait_until(lambda: waits_with_a_reason(world) == FEW, "five bookings that failed")
            rabbit_server.alarm()
            try:
                service.lodge(cases(FEW, first=FEW))
                wait_until(lambda: due(world) >= FEW, "all five to be due under the alarm")
                rabbit_server.control("stop_app")
                rabbit_server.control("start_app")
            finally:
                rabbit_server.calm()
        service.open_post()
        service.expect_booked(2 * FEW)


@contextmanager
def thief(url: str) -> Iterator[list[str]]:
    """A consumer that takes bells and does nothing: another worker, for those who come later."""
    stolen: list[str] = []
    over = threading.Event()

    def steal() -> None:
        while not over.is_set():
            try:
                connection = pika.BlockingConnection(pika.URLParameters(url))
                channel = connection.channel()
                for queue in (ROAD, queue_of(BOOK_EMS)):
                    channel.basic_consume(
                        queue, lambda _, how, __, ___: stolen.append(how.routing_key), auto_ack=True
                    )
                while not over.is_set():
                    connection.process_data_events(0.1)
                connection.close()
            except (AMQPError, OSError):
                continue

    thread = threading.Thread(target=steal)
    thread.start()
    try:
        yield stolen
    finally:
        over.set()
        thread.join()


def test_f2_a_blip_a_thief_of_redelivered_bells_and_a_worker_that_is_killed(rabbit_server, county, cases):
    """F2, no. 12: after the blip a stale delivery tag acknowledged another's message, and two of eight were lost."""
    assert isinstance(rabbit_server, RabbitServer)
    service = county(rabbit_server)
    with service.open(("worker", "clock")):
        post, worker, _ = service.processes
        with service.world() as world, frozen(post):
            service.lodge(cases(8))
            wait_until(lambda: standing(world, Stage.BOOKING) > 0, "a booking on its way")
            rabbit_server.control("close_all_connections", "blip")
            with thief(rabbit_server.url) as stolen:
                wait_until(lambda: bool(stolen), "a stolen bell")
                worker.kill()
                worker.wait()
        service.start("worker")
        service.expect_booked(8)


def test_f3_redis_is_away_while_retries_wait_and_they_run_in_the_same_worker(redis_server, county, cases):
    """F3, no. 13: none of five ran after they were due, until somebody started the worker again."""
    service = county(redis_server)
    with service.open(()):
        post = service.processes.pop()
        post.kill()
        post.wait()
        workers = [service.start(name) for name in ("worker", "clock")]
        with service.world() as world:
            service.lodge(cases(FEW))
            wait_until(lambda: waits_with_a_reason(world) == FEW, "five bookings that failed")
            redis_server.kill()
            try:
                service.open_post()
                wait_until(lambda: due(world) == FEW, "all of them to be due while Redis is away")
            finally:
                redis_server.start()
        service.expect_booked(FEW)
        assert [process.poll() for process in workers] == [None, None], "nobody was started again"


def test_f5_a_redis_worker_is_killed_in_an_idle_house_and_another_takes_over_after_the_lease(
    redis_server, county, cases
):
    """F5: the message lay for three minutes, since nobody else rang. Here nobody waits for a broker to find out."""
    with county(redis_server).open(("worker", "clock")) as service:
        post, worker, _ = service.processes
        with service.world() as world:
            with frozen(post):
                service.lodge(cases(1))
                wait_until(lambda: standing(world, Stage.BOOKING) == 1, "the booking on its way")
                worker.kill()
                worker.wait()
            service.start("worker")
        service.expect_booked(1)


def test_f6_rabbitmq_is_killed_right_after_everything_was_sent(rabbit_server, county, cases):
    """F6: without confirms three thousand of three thousand were lost."""
    service = county(rabbit_server)
    with service.open(()):
        service.lodge(cases(60))
        rabbit_server.kill()
        rabbit_server.start()
        for name in ("worker", "clock"):
            service.start(name)
        service.expect_booked(60)
