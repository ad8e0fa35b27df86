"""A worker that was frozen, an answer that came late: neither books a second time, and no number is thrown away."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import next_answers, orders, own_people
from road_steps import (
    BOOK,
    SETTLE_DOUBT,
    books,
    details,
    end_leases,
    entries,
    make_due,
    numbers,
    only,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import select

from dispatch.approval.lodge import GATHER, lodge
from dispatch.booking.cancel import reroute
from dispatch.booking.doubt import adopt_by_hand, confirm_never_placed
from dispatch.booking.route import set_route
from dispatch.call import CarrierCall
from dispatch.jobs import on_lane
from dispatch.tracking.orphans import Why, orphans
from dispatch.waybill import Waybill
from dispatch.worklist import Reason
from workers.run import run_due

HOUR = timedelta(hours=1)
LOOK = on_lane("shipment.settle_doubt", "by_hand")
BOOK_THERE = on_lane("shipment.book", "by_hand")


class Held:
    """A carrier whose caller is held: before it speaks, or with the answer in its hands."""

    def __init__(self, carrier, *, before: bool) -> None:
        self._carrier, self._before = carrier, before
        self.here, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._carrier, name)

    def speak(self, call):
        if self._before:
            self._wait()
        answer = self._carrier.speak(call)
        if not self._before:
            self._wait()
        return answer

    def _wait(self):
        self.here.set()
        assert self.go.wait(60)


@contextmanager
def held(world, name, job, *, before=False):
    """A worker at this job, held; at the end it goes on and has finished."""
    carrier = Held(world.carriers[name], before=before)
    there = replace(world, carriers={**world.carriers, name: carrier})
    worker = threading.Thread(target=lambda: run_due(there, job))
    worker.start()
    assert carrier.here.wait(60)
    try:
        yield
    finally:
        carrier.go.set()
        worker.join()


@pytest.fixture
def town(post, tmp_path):
    """EMS, and our own people who may be asked by our order number."""
    with own_people(tmp_path, connect_seconds=5, answer_seconds=5) as (url, carrier):
        there = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(there, "", "", "by_hand", "clerk")
        yield url, with_settings(there, doubt_ladder=(HOUR,) * 6, ask_again=HOUR)


def to_be_booked(world, decided):
    lodge(world, decided(), "test")
    run_due(world, GATHER)


def in_doubt(town, decided):
    url, world = town
    next_answers(url, "error_after")
    to_be_booked(world, decided)
    run_due(world, BOOK_THERE)
    assert only(world).stage == "in_doubt"
    make_due(world, LOOK)
    return url, world


def waybills(world):
    with world.reading() as session:
        return [(waybill.carrier, waybill.number) for waybill in session.scalars(select(Waybill))]


def test_a_worker_whose_time_is_nearly_up_says_nothing(town, decided):
    """It was frozen between its intent and its call, and others may have decided that it never called."""
    url, world = town
    to_be_booked(world, decided)
    run_due(with_settings(world, job_lease=timedelta(0)), BOOK_THERE)
    assert orders(url) == []
    run_due(world, BOOK_THERE)
    assert only(world).stage == "in_doubt"
    for _ in range(3):
        make_due(world, LOOK)
        run_due(world, LOOK)
    run_due(world, BOOK_THERE)
    assert (len(orders(url)), numbers(world)) == (1, [orders(url)[0]["waybill_no"]])


def test_an_order_placed_by_a_worker_frozen_in_the_act_is_never_a_live_booking_that_nobody_sees(town, post, decided):
    url, world = town
    to_be_booked(world, decided)
    with held(world, "by_hand", BOOK_THERE, before=True):
        end_leases(world)
        run_due(world, BOOK_THERE)
        for _ in range(3):
            make_due(world, LOOK)
            run_due(world, LOOK)
        assert only(world).stage == "to_book"
        reroute(world, only(world).id, "ems", "clerk")
        run_due(world, BOOK)
    theirs = orders(url)[0]["waybill_no"]
    assert (books(post)["live"], only(world).carrier, len(numbers(world))) == (1, "ems", 1)
    assert entries(world) == [Reason.TWO_NUMBERS]
    assert theirs in details(world, Reason.TWO_NUMBERS)[0]
    with world.reading() as session:
        found = orphans(session, "by_hand")
        assert [(orphan.number, orphan.why) for orphan in found] == [(theirs, Why.SECOND_NUMBER)]
        assert orphans(session, "ems") == []


def test_a_number_told_after_the_lease_ended_is_the_envelopes_where_it_still_waits_for_it(post, decided):
    world = with_account(post.world, repeats_are_idempotent=False)  # else nobody would be asked again
    to_be_booked(world, decided)
    with held(world, "ems", BOOK):
        end_leases(world)
        run_due(world, BOOK)
        assert (only(world).stage, numbers(world)) == ("in_doubt", [])
    assert numbers(world) == [books(post)["orders"][0]["waybill_no"]]
    with world.reading() as session:
        assert [call.outcome for call in session.scalars(select(CarrierCall))] == ["Booked"]


def test_a_look_up_answered_late_gives_its_number_to_no_other_carriers_order(town, post, decided):
    _, world = in_doubt(town, decided)
    with held(world, "by_hand", LOOK):
        confirm_never_placed(world, only(world).id, "clerk")  # so it was said on the telephone
        reroute(world, only(world).id, "ems", "clerk")
        next_answers(post.url, "error_after")
        run_due(world, BOOK)
        assert (only(world).stage, only(world).carrier) == ("in_doubt", "ems")
    assert (waybills(world), only(world).stage) == ([], "in_doubt")
    assert entries(world) == [Reason.TWO_NUMBERS]
    make_due(world, SETTLE_DOUBT)
    run_due(world, SETTLE_DOUBT)
    assert waybills(world) == [("ems", books(post)["orders"][0]["waybill_no"])]


def test_a_number_that_differs_from_what_a_person_entered_meanwhile_is_shown(town, decided):
    url, world = in_doubt(town, decided)
    true = orders(url)[0]["waybill_no"]
    sql(world, "UPDATE jobs SET next_at = now() WHERE name = :name", name=LOOK)
    with held(world, "by_hand", LOOK):
        adopt_by_hand(world, only(world).id, another(world, true), "clerk")
    assert numbers(world) == [another(world, true)]
    assert true in details(world, Reason.TWO_NUMBERS)[0]


def another(world, number):
    """A number of the same shape that is not this one."""
    digits = f"{int(number[2:]) + 1:0{len(number) - 2}}"
    candidate = number[:2] + digits
    while not world.carriers["by_hand"].is_number(candidate):
        candidate = number[:2] + f"{int(candidate[2:]) + 1:0{len(number) - 2}}"
    return candidate
