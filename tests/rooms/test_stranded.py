"""Work for a carrier that the settings do not name any more: nobody does it, so a person must see it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import own_people
from road_steps import details, entries, only, settle_all, sql
from sqlalchemy import select

from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import reroute
from dispatch.booking.route import set_route
from dispatch.jobs import Job, on_lane
from dispatch.worklist import Reason
from workers.clock import tick
from workers.run import run_due

BOOK = on_lane("shipment.book", "by_hand")
DAY = timedelta(days=1)


@pytest.fixture
def both(post, tmp_path, decided):
    """A service with China Post and the centre's own people, who have one envelope to book."""
    with own_people(tmp_path) as (_, carrier):
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        lodge(world, decided(), "test")
        run_due(world, "case.gather")
        yield world


@pytest.fixture
def without(both):
    """The same service after somebody took the account out of the settings."""
    return replace(both, carriers={"ems": both.carriers["ems"]})


def open_jobs(world, name):
    with world.reading() as session:
        return len(session.scalars(select(Job.id).where(Job.name == name, Job.done_at.is_(None))).all())


def test_a_person_is_told_once_which_carrier_is_gone_and_the_work_stays(without):
    for _ in range(3):
        tick(without)
    assert entries(without) == [Reason.JOB_STUCK]
    assert "by_hand" in details(without, Reason.JOB_STUCK)[0]
    assert open_jobs(without, BOOK) == 1


def test_no_bell_rings_for_nobody(without):
    without.bell.rung.clear()
    tick(without)
    assert BOOK not in without.bell.rung


def test_the_account_is_back_and_the_entry_settles_itself_and_the_work_goes_on(both, without):
    tick(without)
    tick(both)
    assert (entries(both), entries(both, settled=True)) == ([], [Reason.JOB_STUCK])
    run_due(both, BOOK)
    assert only(both).stage == "booked"


def test_settled_by_a_person_and_still_stranded_it_is_shown_again_after_a_rest(without):
    tick(without)
    settle_all(without, Reason.JOB_STUCK)
    tick(without)
    assert entries(without) == []
    later = replace(without, now=lambda: without.now() + 2 * DAY)
    tick(later)
    assert entries(later) == [Reason.JOB_STUCK]


def test_sent_with_another_carrier_the_envelope_is_booked_there_and_nothing_stays_stranded(without, drain):
    tick(without)
    reroute(without, only(without).id, "ems", "clerk")
    assert open_jobs(without, BOOK) == 0
    tick(without)
    assert entries(without) == []
    run_due(without, on_lane("shipment.book", "ems"))
    assert (only(without).carrier, only(without).stage) == ("ems", "booked")


def test_an_entry_about_another_kind_of_stuck_work_is_left_alone(without, both):
    tick(without)
    sql(both, "UPDATE worklist SET subject = 'shipment:1'")
    tick(both)
    assert entries(both) == [Reason.JOB_STUCK]
