"""Machines whose clocks are apart, and two clocks at once: leases, waits and doubt run on the database's time."""

import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from dispatch.approval.lodge import lodge
from dispatch.booking.route import set_route
from dispatch.jobs import on_lane
from dispatch.journey import Act, Stage
from dispatch.shipment import Move, Shipment
from dispatch.wiring import now
from tests.engines.county import frozen
from tests.engines.servers import wait_until
from tests.rooms.carriers import next_answers, orders, own_people
from tests.rooms.road_steps import make_due, only, with_settings
from workers.run import run_due

SHIFTED = Path(__file__).with_name("shifted")
AHEAD, BEHIND, JUMP = timedelta(seconds=120), timedelta(hours=-1), timedelta(hours=2)
LOST = 4
HOUR = timedelta(hours=1)


def wrong_by(shift: timedelta, jump: timedelta = timedelta(0)) -> dict[str, str]:
    """The environment of a process whose wall clock is wrong, and jumps at SIGUSR1."""
    seconds = {"SHIFT_SECONDS": str(shift.total_seconds()), "JUMP_SECONDS": str(jump.total_seconds())}
    return {"PYTHONPATH": os.pathsep.join([str(SHIFTED), os.environ.get("PYTHONPATH", "")]), **seconds}


def how_far_off(world) -> tuple[timedelta, timedelta]:
    """The earliest and the latest time that any act was written down with, from now."""
    with world.reading() as session:
        first, last, at = session.execute(
            select(func.min(Move.at), func.max(Move.at), func.now()).where(Move.cause == f"act:{Act.INTEND}")
        ).one()
        return first - at, last - at


def test_f4_workers_ahead_and_behind_and_one_that_jumps_book_each_case_once(redis_server, county, cases):
    """F4, no. 14: with a clock 120 s ahead, four of four messages ran twice. Some answers are lost on the way."""
    service = county(redis_server)
    with service.open(("clock",)):
        service.start("clock", environment=wrong_by(BEHIND))
        behind = service.start("worker", environment=wrong_by(BEHIND))
        with service.world() as world:
            service.lodge(cases(5))
            wait_until(lambda: service.booked() == 5, "the worker behind to book")
            assert how_far_off(world)[0] < BEHIND / 2
            with frozen(behind):
                ahead = service.start("worker", environment=wrong_by(AHEAD, JUMP))
                service.lodge(cases(5, first=5))
                wait_until(lambda: service.booked() == 10, "the worker ahead to book")
            assert how_far_off(world)[1] > AHEAD / 2
        service.next_answers(*["lost_after"] * LOST)
        service.lodge(cases(20, first=10))
        wait_until(lambda: not service.faults_left(), "the post to keep answers back")
        ahead.send_signal(signal.SIGUSR1)  # in the middle of its leases
        service.expect_booked(30)


def test_an_order_looked_up_by_a_machine_that_is_ahead_is_not_believed_absent_too_soon(
    world, post, decided, tmp_path
):
    """No. 14: the carrier's books need an hour. By a clock two hours ahead that was over at once, and the envelope
    was free for another carrier while its order stood."""
    with own_people(tmp_path, settling=HOUR.total_seconds()) as (url, carrier):
        there = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        there = with_settings(there, doubt_ladder=(HOUR,) * 9, ask_again=HOUR)
        set_route(there, "", "", "by_hand", "clerk")
        next_answers(url, "lost_before")
        lodge(there, decided(), "test")
        for name in ("case.gather", on_lane("shipment.book", "by_hand")):
            run_due(there, name)
        assert (only(there).stage, orders(url)) == (Stage.IN_DOUBT, [])
        ahead = replace(there, now=lambda: now() + 2 * HOUR)
        look_up = on_lane("shipment.settle_doubt", "by_hand")
        for _ in range(world.settings.absences + 2):
            make_due(there, look_up)
            run_due(ahead, look_up)
        assert only(there).absences > world.settings.absences
        assert only(there).stage == Stage.IN_DOUBT


def test_two_clocks_of_which_one_dies_in_the_middle_ring_for_everything_and_double_nothing(
    redis_server, county, cases
):
    """No. 23: neither knows of the other. Redis is emptied, so that every bell is a clock's."""
    with county(redis_server).open(("worker", "clock", "clock")) as service:
        service.lodge(cases(15))
        redis_server.empty()
        wait_until(lambda: service.booked() > 0, "the first booking")
        dies = service.processes[-1]
        dies.kill()
        dies.wait()
        service.lodge(cases(15, first=15))
        redis_server.empty()
        service.expect_booked(30)
        with service.world() as world, world.reading() as session:
            assert session.scalar(select(func.count()).select_from(Shipment)) == 30
