"""What is most urgent on a lane comes first: an order never waits behind questions, however many of them are due."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import orders, own_people
from road_steps import sql, with_settings

from dispatch import jobs
from dispatch.approval.lodge import lodge
from dispatch.booking.route import set_route
from dispatch.jobs import on_lane
from dispatch.shipment import ASK, BOOK, LOOK_AGAIN, WATCH
from workers import run
from workers.clock import tick
from workers.jobs import JOBS, kind, wanted_on
from workers.run import run_due, run_lane

LANE = "by_hand"


@pytest.fixture
def desk(world, tmp_path):
    with own_people(tmp_path, connect_seconds=5, answer_seconds=5) as (url, carrier):
        there = replace(world, carriers={**world.carriers, LANE: carrier})
        set_route(there, "", "", LANE, "clerk")
        yield url, with_settings(there, ask_floor=timedelta(hours=1))


@pytest.fixture
def worked(monkeypatch):
    """The names of jobs in the order in which they were worked on."""
    order = []
    really = run.run_one

    def noting(world, known, claimed):
        order.append(claimed.name)
        really(world, known, claimed)

    monkeypatch.setattr(run, "run_one", noting)
    return order


def letters(world, decided, many):
    for number in range(many):
        case = decided(f"33112720261122{number:04}", slip={"detail": f"团结西路{number}号"})
        lodge(world, case, "test")
    run_due(world, "case.gather")


def asked(world, name):
    """Every shipment is to be asked after, for a long time already."""
    sql(
        world,
        "INSERT INTO jobs (id, name, subject, next_at, attempts, asked)"
        " SELECT gen_random_uuid(), :name, 'shipment:' || id, now() - interval '1 hour', 0, 1 FROM shipments",
        name=on_lane(name, LANE),
    )


def test_orders_go_before_questions_that_are_due_for_longer(desk, decided, worked):
    url, world = desk
    letters(world, decided, 3)
    asked(world, ASK)
    asked(world, LOOK_AGAIN)
    del worked[:]
    assert run_lane(world, LANE) >= 9
    assert worked[:3] == [on_lane(BOOK, LANE)] * 3
    assert len(orders(url)) == 3


def test_an_order_that_comes_while_questions_are_asked_is_the_next(desk, decided, worked, monkeypatch):
    url, world = desk
    letters(world, decided, 1)
    run_lane(world, LANE)
    asked(world, ASK)
    asked(world, LOOK_AGAIN)
    late = decided("331127202611229999", slip={"detail": "复兴西路9号"})
    noting = run.run_one

    def then_one_more(there, known, claimed):
        noting(there, known, claimed)
        if known.rank and late.case_no not in told:
            told.append(late.case_no)
            lodge(world, late, "test")
            run_due(world, "case.gather")

    told: list[str] = []
    monkeypatch.setattr(run, "run_one", then_one_more)
    del worked[:]
    run_lane(world, LANE)
    on_the_lane = [name for name in worked if name.endswith(LANE)]
    assert on_the_lane[1] == on_lane(BOOK, LANE)
    assert len(orders(url)) == 2


def test_the_road_does_what_moves_letters_before_it_looks_who_is_silent(world, decided, worked):
    letters(world, decided, 2)
    sql(world, "UPDATE jobs SET next_at = now() - interval '1 day' WHERE name = :name", name=WATCH)
    lodge(world, decided("331127202611229999", slip={"detail": "复兴西路9号"}), "test")
    del worked[:]
    run_lane(world, "")
    assert worked.index("case.gather") < worked.index(WATCH)


def test_a_job_that_another_is_just_leaving_is_no_reason_to_spin(world):
    with world.begin() as session:
        jobs.leave(session, WATCH, "shipment:1")
    done = []
    with world.sessions.begin() as leaving:  # it holds the row: nobody can claim it before the commit
        jobs.leave(leaving, WATCH, "shipment:1")
        worker = threading.Thread(target=lambda: done.append(run_lane(world, "")))
        worker.start()
        worker.join(60)
        assert done == [0]


def test_every_kind_of_job_is_on_the_road_or_on_the_lanes(world):
    both = {*wanted_on(""), *(jobs.kind_of(name) for name in wanted_on(LANE))}
    assert both == set(JOBS)
    assert all(kind(name).speaks for name in wanted_on(LANE))


def test_the_clock_rings_once_for_each_lane_and_for_what_only_another_version_knows(world):
    for name in (on_lane(BOOK, "ems"), on_lane(ASK, "ems"), WATCH, "case.gather", "a.job.of.tomorrow"):
        with world.sessions.begin() as session:
            jobs.leave(session, name, "x:1")
    world.bell.rung.clear()
    tick(world)
    rung = world.bell.rung
    assert [name for name in rung if name.endswith("@ems")] != []
    assert (len(rung), "a.job.of.tomorrow" in rung) == (3, True)
