"""Called off (撤销寄递): whatever the carrier knows, nothing is called cancelled that lives there (FAULTS 35)."""

import pytest
from carriers import next_answers
from road_steps import (
    BOOK,
    books,
    end_leases,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    push,
    raw_push,
    sql,
    with_account,
)

from dispatch import lease
from dispatch.approval.lodge import GATHER, lodge
from dispatch.approval.release import lift
from dispatch.booking import book as booking
from dispatch.booking.cancel import call_off, void_label
from dispatch.booking.doubt import confirm_never_placed
from dispatch.booking.take_off import Then
from dispatch.errors import NotAllowedError
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due

CASE = "331127202611220001"


def gathered(world, decided):
    lodge(world, decided(), "test")
    run_due(world, GATHER)
    return only(world)


@pytest.fixture
def in_doubt(post, decided, drain):
    """The post took the order, its answer was lost, and only a push or a person can say so."""
    world = with_account(post.world, repeats_are_idempotent=False)
    next_answers(post.url, "error_after")
    lodge(world, decided(), "test")
    drain(world)
    assert (only(world).stage, books(post)["live"]) == ("in_doubt", 1)
    return world


def test_called_off_in_doubt_it_is_cancelled_at_the_post_once_a_push_tells_its_number(post, in_doubt, drain):
    call_off(in_doubt, only(in_doubt).id, "clerk")
    assert (only(in_doubt).stage, books(post)["live"]) == ("in_doubt", 1)
    order = books(post)["orders"][0]
    push(in_doubt, raw_push(in_doubt, order["waybill_no"], "203", now(), orderNo=order["order_no"]))
    drain(in_doubt)
    assert (only(in_doubt).stage, numbers(in_doubt), books(post)["live"]) == ("cancelled", [], 0)


def test_called_off_in_doubt_and_never_placed_nothing_is_booked_anew(post, in_doubt, drain):
    call_off(in_doubt, only(in_doubt).id, "clerk")
    confirm_never_placed(in_doubt, only(in_doubt).id, "clerk")
    drain(in_doubt)
    assert (only(in_doubt).stage, books(post)["bookings"]) == ("cancelled", 1)


def test_the_entry_stands_until_it_is_known_what_became_of_the_order(in_doubt, drain):
    make_due(in_doubt, "shipment.settle_doubt@ems")
    drain(in_doubt)
    assert entries(in_doubt) == [Reason.BOOKING_IN_DOUBT]
    call_off(in_doubt, only(in_doubt).id, "clerk")
    assert entries(in_doubt) == [Reason.BOOKING_IN_DOUBT]


def test_called_off_while_the_post_is_being_told_the_booking_is_taken_back(post, decided, drain):
    world = post.world
    gathered(world, decided)
    [claim] = lease.claim(world, BOOK, 1)
    intent = booking._intend(world, claim)
    heard = booking.speak(world, claim, intent)
    call_off(world, only(world).id, "clerk")
    with booking.written_in(claim, heard) as session:
        shipment = booking.lock(session, only(world).id)
        booking._write_outcome(world, session, shipment, intent, heard)
    drain(world)
    assert (only(world).stage, books(post)["bookings"], books(post)["live"]) == ("cancelled", 1, 0)


def test_called_off_while_a_killed_worker_left_it_open_it_is_asked_after_and_then_cancelled(post, decided, drain):
    world = post.world
    gathered(world, decided)
    [claim] = lease.claim(world, BOOK, 1)
    intent = booking._intend(world, claim)
    booking.speak(world, claim, intent)
    end_leases(world)
    call_off(world, only(world).id, "clerk")
    run_due(world, BOOK)
    assert only(world).stage == "in_doubt"
    make_due(world, "shipment.settle_doubt@ems")
    drain(world)
    assert (only(world).stage, books(post)["bookings"], books(post)["live"]) == ("cancelled", 1, 0)


def test_called_off_before_the_post_was_told_nothing_is_ever_booked_until_the_hold_is_lifted(post, decided, drain):
    shipment = gathered(post.world, decided)
    call_off(post.world, shipment.id, "clerk")
    drain(post.world)
    assert (only(post.world).stage, books(post)["bookings"]) == ("cancelled", 0)
    lift(post.world, CASE, "clerk")
    drain(post.world)
    assert (books(post)["live"], len(numbers(post.world))) == (1, 1)


def test_called_off_after_a_refusal_its_entry_is_settled_with_it(post, decided):
    world = post.world
    shipment = gathered(world, decided)
    sql(world, "UPDATE shipments SET stage = 'refused'")
    call_off(world, shipment.id, "clerk")
    assert (only(world).stage, entries(world)) == ("cancelled", [])


def test_called_off_while_its_label_is_exchanged_no_second_label_is_booked(post, decided, drain):
    world = post.world
    lodge(world, decided(), "test")
    drain(world)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    call_off(world, only(world).id, "clerk")
    drain(world)
    assert (only(world).stage, books(post)["bookings"], books(post)["live"]) == ("cancelled", 1, 0)


def test_what_is_with_the_postman_cannot_be_called_off(post, decided, drain):
    on_the_way(post.world, drain, decided())
    with pytest.raises(NotAllowedError):
        call_off(post.world, only(post.world).id, "clerk")
