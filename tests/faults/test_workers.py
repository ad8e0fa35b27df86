"""Workers that freeze, that die over one job again and again, that are told to leave (FAULTS 15, 24, 25)."""

import signal
import subprocess

import pytest
from sqlalchemy import func, select

from dispatch.carrier import Knock
from dispatch.crash import ARMED_BY, FREEZE, OF, TEST, Deed, Point, mark_of
from dispatch.jobs import Job
from dispatch.journey import Stage
from dispatch.shipment import BOOK, Shipment
from dispatch.tracking.push import READ, receive
from dispatch.worklist import Entry, Reason
from tests.doors.conftest import sealed_push
from tests.engines.county import County, frozen
from tests.engines.servers import wait_until
from tests.rooms.road_steps import end_leases

AT_WORK = 8
BACKLOG = 60
DEATHS = 2


@pytest.fixture
def county(tmp_path, own_database_url):
    """On the default broker, with settings of its own."""

    def told(**settings) -> County:
        return County(tmp_path, own_database_url, None, **settings)

    return told


def standing(world, *stages):
    with world.reading() as session:
        return session.scalar(select(func.count()).where(Shipment.stage.in_(stages)))


def armed(service, point, turn=0):
    """The environment of a process that dies or freezes at this point, and the mark that it leaves there.

    At a point dies who comes first: each turn is armed anew.
    """
    marks = service.home / f"marks-{turn}"
    marks.mkdir()
    return {ARMED_BY: point, TEST: str(marks)}, mark_of(marks, point.partition(":")[0])


def test_a_worker_frozen_beyond_its_lease_comes_back_and_its_outcome_is_refused(county, cases):
    """No. 15: another has booked by then. The answer that it holds decides nothing, and that is in its log."""
    service = county()
    arms, mark = armed(service, f"{BOOK}{OF}{Point.PARSED}:1:{FREEZE}")
    with service.open(("clock",)):
        sleeper = service.start("worker", environment=arms)
        service.lodge(cases(1))
        wait_until(mark.exists, "the worker to freeze with an answer in its hands")
        service.start("worker")
        wait_until(lambda: service.booked() == 1, "another worker to book")
        sleeper.send_signal(signal.SIGCONT)
        wait_until(lambda: "job.lease_lost" in (service.home / "worker.log").read_text(), "the refusal in the log")
        service.expect_booked(1)
        service.lodge(cases(3, first=1))
        service.expect_booked(4)
        assert sleeper.poll() is None, "it works on"


def test_a_job_that_kills_its_worker_each_time_is_put_before_a_person_and_the_others_proceed(county, cases):
    """No. 25: as one that eats all memory. Each death is counted; after enough of them nobody tries any more."""
    service = county(job_deaths=DEATHS, job_lease=4.5)
    deaths = []

    def next_worker():
        arms, _ = armed(service, f"{Deed.NEWS}{OF}{Point.WRITTEN}", turn=len(deaths))
        return service.start("worker", environment=arms)

    def supervised(happened):
        nonlocal worker
        if worker.poll() is not None:
            deaths.append(worker.returncode)
            worker = next_worker()
        return happened()

    with service.open(("clock",)), service.world() as world:
        receive(world, world.carriers["ems"], Knock(sealed_push(world.settings.ems), source="127.0.0.1"))
        worker = next_worker()
        wait_until(lambda: supervised(lambda: len(deaths) == 1), "the first death")
        service.lodge(cases(10))
        wait_until(lambda: supervised(lambda: service.booked() == 10), "the others to be booked")
        wait_until(lambda: supervised(lambda: Reason.JOB_STUCK in open_reasons(world)), "a person to be told")
        assert deaths == [-signal.SIGKILL] * DEATHS
        with world.reading() as session:
            poison = session.scalars(select(Job).where(Job.name == READ)).one()
            assert session.scalar(select(Job.next_at > func.now()).where(Job.id == poison.id)), "it is put off"
        assert (poison.done_at, poison.lease_until) == (None, None)
        service.expect_booked(10)


def open_reasons(world):
    with world.reading() as session:
        return set(session.scalars(select(Entry.reason).where(Entry.settled_at.is_(None))))


@pytest.fixture
def at_work(county, cases):
    """A worker with eight bookings on the wire to a post that stands still, and many more to be booked."""
    service = county(lane_threads=AT_WORK, job_lease=121, ems={"answer_seconds": 60})
    with service.open(("clock",)), service.world() as world:
        post, clock = service.processes
        service.lodge(cases(BACKLOG))
        with frozen(clock), frozen(post):
            worker = service.start("worker")
            wait_until(lambda: standing(world, Stage.BOOKING) == AT_WORK, "eight bookings on the wire")
            yield service, world, post, worker


def left(worker: "subprocess.Popen[bytes]") -> int:
    wait_until(lambda: worker.poll() is not None, "the worker to leave")
    return worker.returncode


def test_told_to_leave_with_eight_bookings_on_the_wire_it_ends_each_and_begins_no_other(at_work):
    """No. 24: each is booked, or in doubt; the many others are left to whoever stays."""
    service, world, post, worker = at_work
    worker.send_signal(signal.SIGTERM)
    post.send_signal(signal.SIGCONT)
    assert left(worker) == 0
    assert standing(world, Stage.BOOKING) == 0
    ended = standing(world, Stage.BOOKED, Stage.IN_DOUBT)
    assert AT_WORK <= ended < BACKLOG
    assert open_leases(world) == 0
    finish(service)


def test_told_twice_it_leaves_at_once_and_whoever_comes_after_it_doubts_and_books_nothing_twice(at_work):
    """No. 24: a second SIGTERM is a death in the middle of the call (no. 6): the post has the orders."""
    service, world, _, worker = at_work
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: "worker.leaving" in (service.home / "worker.log").read_text(), "it to hear the first")
    worker.send_signal(signal.SIGTERM)
    assert left(worker) == -signal.SIGTERM
    assert standing(world, Stage.BOOKING) == AT_WORK
    end_leases(world)
    finish(service)


def open_leases(world):
    with world.reading() as session:
        return session.scalar(select(func.count()).where(Job.lease_until > func.now(), Job.done_at.is_(None)))


def finish(service):
    for process in service.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
    service.start("worker")
    service.expect_booked(BACKLOG)
