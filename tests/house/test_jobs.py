"""Jobs: rows with a lease and a token. Nothing is done twice at once, nothing left is forgotten."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import func, select, text

from dispatch import jobs, lease
from dispatch.accounts import EmsAccount
from dispatch.errors import LeaseLostError
from dispatch.jobs import Beat, Job, JobFailure
from dispatch.settings import Settings
from dispatch.wiring import Doorbell
from workers.clock import tick

NAME = "shipment.book"


def at_once(threads: int, work: Callable[[int], object]) -> list[object]:
    """Run `work` in so many threads, started together; their results."""
    barrier = threading.Barrier(threads)

    def started(number: int) -> object:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(started, range(threads)))


def leave(world, *subjects: str, name: str = NAME, after: timedelta = timedelta(0)) -> None:
    with world.begin() as session:
        for subject in subjects:
            jobs.leave(session, name, subject, after=after)


def sql(world, statement: str, **values: object) -> None:
    with world.begin() as session:
        session.execute(text(statement), values)


def end_lease(world) -> None:
    sql(world, "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


def rows(world) -> list[Job]:
    with world.begin() as session:
        return list(session.scalars(select(Job).order_by(Job.created_at)))


def test_thirty_two_threads_leave_one_open_job_for_one_name_and_subject(world):
    at_once(32, lambda _: leave(world, "shipment:1"))
    [job] = rows(world)
    assert (job.asked, job.done_at) == (32, None)


def test_other_names_and_subjects_and_a_done_job_do_not_stand_in_the_way(world):
    leave(world, "shipment:1", "shipment:2")
    leave(world, "shipment:1", name="shipment.ask")
    [claim] = [claim for claim in lease.claim(world, NAME, 10) if claim.subject == "shipment:1"]
    with claim.done():
        pass
    leave(world, "shipment:1")
    assert len(rows(world)) == 4


def test_sixteen_threads_never_claim_the_same_job_nor_more_than_they_asked_for(world):
    leave(world, *(f"shipment:{number}" for number in range(60)))

    def take(_: int) -> list[list[str]]:
        taken = []
        while claims := lease.claim(world, NAME, 3):
            taken.append([claim.subject for claim in claims])
        return taken

    batches = list(itertools.chain.from_iterable(at_once(16, take)))
    subjects = list(itertools.chain.from_iterable(batches))
    assert max(map(len, batches)) <= 3
    assert sorted(subjects) == sorted(f"shipment:{number}" for number in range(60))


def test_a_job_that_is_leased_or_not_yet_due_is_nobodys(world):
    leave(world, "shipment:1")
    leave(world, "shipment:2", after=timedelta(hours=1))
    assert [claim.subject for claim in lease.claim(world, NAME, 10)] == ["shipment:1"]
    assert lease.claim(world, NAME, 10) == []


@pytest.mark.parametrize("outcome", ["done", "later", "failed"])
def test_after_its_lease_another_worker_has_it_and_the_first_ones_outcome_is_rolled_back_whole(world, outcome):
    leave(world, "shipment:1")
    [first] = lease.claim(world, NAME, 1)
    end_lease(world)
    [second] = lease.claim(world, NAME, 1)
    assert (second.id, second.attempts) == (first.id, 2)
    arguments = {"done": (), "later": (timedelta(0),), "failed": ("坏了",)}[outcome]
    with pytest.raises(LeaseLostError), getattr(first, outcome)(*arguments) as session:
        session.add(Beat(name="written by the frozen worker", at=func.now()))
        jobs.leave(session, "shipment.ask", "shipment:1")
    with world.reading() as session:
        assert session.scalar(select(func.count()).select_from(Beat)) == 0
        assert session.scalar(select(func.count()).select_from(JobFailure)) == 0
    with second.done():
        pass
    assert [job.done_at is not None for job in rows(world)] == [True]


def test_a_frozen_workers_outcome_is_refused_after_the_job_was_done_by_another(world):
    leave(world, "shipment:1")
    [first] = lease.claim(world, NAME, 1)
    end_lease(world)
    [second] = lease.claim(world, NAME, 1)
    with second.done():
        pass
    with pytest.raises(LeaseLostError), first.done():
        pass


def test_an_error_while_the_outcome_is_written_leaves_the_job_with_its_lease_and_token(world):
    leave(world, "shipment:1")
    [claim] = lease.claim(world, NAME, 1)
    with pytest.raises(ZeroDivisionError), claim.done() as session:
        jobs.leave(session, "shipment.ask", "shipment:1")
        raise ZeroDivisionError
    [job] = rows(world)
    assert (job.token, job.done_at) == (claim.token, None)


def test_a_job_left_again_while_it_is_worked_on_runs_once_more(world):
    leave(world, "shipment:1")
    [claim] = lease.claim(world, NAME, 1)
    world.bell.rung.clear()
    leave(world, "shipment:1")
    with claim.done():
        pass
    assert world.bell.rung == [NAME, NAME]
    assert rows(world)[0].done_at is None
    [again] = lease.claim(world, NAME, 1)
    assert (again.id, again.attempts) == (claim.id, 1)
    with again.done():
        pass
    assert lease.claim(world, NAME, 1) == []
    assert rows(world)[0].done_at is not None


def test_a_job_that_comes_back_later_is_not_put_off_past_what_was_left_meanwhile(world):
    """A watcher that read the old state must not sleep a day over a new one with ten minutes' patience."""
    leave(world, "shipment:1")
    [claim] = lease.claim(world, NAME, 1)
    leave(world, "shipment:1", after=timedelta(minutes=10))
    with claim.later(timedelta(days=1)):
        pass
    [job] = rows(world)
    assert job.next_at - job.created_at < timedelta(hours=1)


def test_who_is_woken_while_it_works_is_not_put_off(world):
    """It saw what held then; whoever woke it ended that, and saw nobody asleep."""
    leave(world, "shipment:1", "shipment:2", name=f"{NAME}@ems")
    [at_work] = lease.claim(world, f"{NAME}@ems", 1)
    with world.begin() as session:
        jobs.wake(session, (NAME,), "ems")
    at_work.postpone(timedelta(hours=1), "号段用完")
    [other] = lease.claim(world, f"{NAME}@ems", 1)
    [again] = lease.claim(world, f"{NAME}@ems", 1)
    assert {again.id, other.id} == {row.id for row in rows(world)}
    again.postpone(timedelta(hours=1), "号段用完")  # nobody woke it since
    other.postpone(timedelta(hours=1), "号段用完")
    assert lease.claim(world, f"{NAME}@ems", 2) == []


def test_a_job_that_comes_back_later_is_not_counted_as_failed(world):
    leave(world, "shipment:1")
    [claim] = lease.claim(world, NAME, 1)
    with claim.later(timedelta(hours=1)):
        pass
    [job] = rows(world)
    assert (job.attempts, job.token, job.lease_until, job.done_at) == (0, None, None, None)
    assert job.next_at > job.created_at + timedelta(minutes=59)


def test_a_failed_job_goes_on_by_itself_after_a_growing_wait_up_to_its_cap_and_keeps_its_history(world):
    first, cap = timedelta(seconds=10), timedelta(seconds=60)
    changed = world.settings.model_copy(update={"job_retry_first": first, "job_retry_cap": cap})
    object.__setattr__(world, "settings", changed)  # one world for all claims of this test
    leave(world, "shipment:1")
    waits = []
    for attempt in range(1, 6):
        sql(world, "UPDATE jobs SET next_at = now()")
        [claim] = lease.claim(world, NAME, 1)
        assert claim.attempts == attempt
        with claim.failed(f"收件人钟小林第{attempt}次"):
            pass
        with world.reading() as session:
            waits.append(session.scalar(text("SELECT next_at - (SELECT max(at) FROM job_failures) FROM jobs")))
    assert waits == [first, first * 2, first * 4, cap, cap]
    with world.reading() as session:
        history = session.scalars(select(JobFailure).order_by(JobFailure.attempt)).all()
        assert [world.vault.open(past, "words") for past in history] == [f"收件人钟小林第{n}次" for n in range(1, 6)]
        assert world.vault.open(session.scalars(select(Job)).one(), "last_error") == "收件人钟小林第5次"
        assert not any("钟小林".encode() in past.words for past in history)


def test_a_carrier_that_says_how_long_to_wait_is_heeded(world):
    leave(world, "shipment:1")
    [claim] = lease.claim(world, NAME, 1)
    with claim.failed("慢一点", timedelta(hours=2)):
        pass
    [job] = rows(world)
    assert job.next_at > job.created_at + timedelta(hours=1, minutes=59)


@pytest.mark.parametrize(("first", "second"), [(1, 5), (5, 1)])
def test_of_two_times_at_which_a_job_was_left_the_earlier_holds(world, first, second):
    leave(world, "shipment:1", after=timedelta(hours=first))
    leave(world, "shipment:1", after=timedelta(hours=second))
    [job] = rows(world)
    assert abs(job.next_at - job.created_at - timedelta(hours=1)) < timedelta(minutes=5)


def test_the_clock_names_what_is_due_and_not_leased_and_how_long_until_the_next(world):
    with world.reading() as session:
        assert (jobs.due_names(session), jobs.next_due(session)) == ([], None)
    leave(world, "shipment:1")
    leave(world, "shipment:2", name="shipment.ask", after=timedelta(hours=1))
    with world.reading() as session:
        assert jobs.due_names(session) == [NAME]
        assert jobs.next_due(session) <= timedelta(0)
    lease.claim(world, NAME, 1)
    with world.reading() as session:
        assert jobs.due_names(session) == []
        assert timedelta(0) < jobs.next_due(session) <= world.settings.job_lease
    end_lease(world)
    with world.reading() as session:
        assert jobs.due_names(session) == [NAME]


def test_a_tick_rings_for_everything_due_and_its_next_is_never_later_than_its_rhythm(world):
    leave(world, "shipment:1", name="shipment.ask", after=timedelta(seconds=7))
    assert tick(world) <= timedelta(seconds=7)
    assert world.bell.rung == []
    leave(world, "shipment:1")
    world.bell.rung.clear()  # as if the message had been lost with its broker
    assert tick(world) <= world.settings.clock_rhythm
    assert world.bell.rung == [NAME]


def test_bells_ring_after_the_commit_and_once_for_it(world):
    with world.begin() as session:
        for number in range(3):
            jobs.leave(session, NAME, f"shipment:{number}")
        jobs.leave(session, "shipment.ask", "shipment:1")
        jobs.leave(session, "shipment.watch", "shipment:1", after=timedelta(hours=1))
        session.flush()
        assert world.bell.rung == []
    assert sorted(world.bell.rung) == ["shipment.ask", NAME]
    with world.begin():
        pass
    assert len(world.bell.rung) == 2


def test_whoever_hears_the_bell_finds_the_job_committed(world):
    found = []
    heard = type("Worker", (), {"ring": lambda _, names: found.extend(lease.claim(world, n, 1) for n in names)})()
    object.__setattr__(world, "bell", heard)
    leave(world, "shipment:1")
    assert [len(claims) for claims in found] == [1]


def test_a_rollback_leaves_no_job_and_rings_nothing(world):
    with pytest.raises(ZeroDivisionError), world.begin() as session:
        jobs.leave(session, NAME, "shipment:1")
        raise ZeroDivisionError
    assert (rows(world), world.bell.rung) == ([], [])


class Deaf(StubBroker):
    """A broker that is away."""

    tried = 0

    def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> dramatiq.Message:
        self.tried += 1
        raise ConnectionError("away")


def test_a_broker_that_is_away_hurts_nobody_the_row_is_the_job_and_the_bell_goes_on(world):
    broker = Deaf()
    bell = Doorbell(broker, lambda _: "road", lambda: True)
    object.__setattr__(world, "bell", bell)
    leave(world, "shipment:1")
    while broker.tried < 1:
        threading.Event().wait(0.001)
    leave(world, "shipment:2")
    bell.close(60)
    assert (len(rows(world)), broker.tried) == (2, 2)


def test_a_job_of_another_version_does_not_keep_the_clock_from_ringing_for_the_others():
    broker = StubBroker()
    broker.declare_queue("post")
    bell = Doorbell(broker, {NAME: "post"}.__getitem__, lambda: True)
    bell.ring(["a.job.of.tomorrow", NAME])
    bell.close(60)
    assert broker.queues["post"].qsize() == 1


def test_the_retry_settings_never_wait_beyond_the_cap():
    settings = Settings()
    assert settings.job_retry_first <= settings.job_retry_cap


def test_a_lease_that_a_call_could_outlive_is_refused_at_the_start():
    with pytest.raises(ValueError, match="job_lease"):
        Settings(job_lease=timedelta(seconds=30), ems=EmsAccount(answer_seconds=15))
    assert Settings(job_lease=timedelta(seconds=31), ems=EmsAccount(answer_seconds=15))
