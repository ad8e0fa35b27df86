"""Out of doubt by what else is heard: other answers between, a push, the carrier's «known already», a person."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import next_answers, orders, own_people
from road_steps import (
    entries,
    make_due,
    numbers,
    only,
    post_that_says,
    push,
    raw_push,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import select

from dispatch.approval.lodge import lodge
from dispatch.booking.book import SETTLE_DOUBT
from dispatch.booking.doubt import adopt_by_hand, confirm_never_placed
from dispatch.booking.route import set_route
from dispatch.carrier import Knock
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.jobs import Job, due_names, on_lane
from dispatch.posts.by_hand.signature import sign
from dispatch.posts.times import wire_time
from dispatch.shipment import Move
from dispatch.tracking.push import receive
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due

BOOK = on_lane("shipment.book", "by_hand")
LOOK = on_lane(SETTLE_DOUBT, "by_hand")
HOUR = timedelta(hours=1)
CLERK = "钟秋月"


@pytest.fixture
def doubtful(world, decided, tmp_path):
    """A desk whose answer to our order was lost. `taken`: whether it has the order all the same."""
    opened = []

    def make(*, taken, settling=timedelta(0)):
        desk = own_people(tmp_path, settling=settling)
        url, carrier = desk.__enter__()
        opened.append(desk)
        there = replace(world, carriers={**world.carriers, "by_hand": carrier})
        set_route(there, "", "", "by_hand", "clerk")
        next_answers(url, "lost_after" if taken else "lost_before")
        lodge(there, decided(), "test")
        run_due(there, "case.gather")
        run_due(there, BOOK)
        assert only(there).stage == "in_doubt"
        return url, there

    yield make
    for desk in opened:
        desk.__exit__(None, None, None)


def patient(world):
    """Steps of a millisecond might fall due while a job runs: then two looks could not be told apart."""
    return with_settings(world, doubt_ladder=(HOUR,) * 6, ask_again=HOUR)


def look(world, times=1):
    """Look it up so often."""
    for _ in range(times):
        make_due(world, LOOK)
        assert run_due(patient(world), LOOK) == 1


def moves(world):
    with world.reading() as session:
        return [(move.cause, move.by) for move in session.scalars(select(Move).order_by(Move.id))]


@pytest.mark.parametrize("between", ["error_after", "garbage", "wrong_type"])
def test_an_answer_that_may_mean_yes_starts_the_count_of_absences_anew(doubtful, between):
    url, world = doubtful(taken=False)
    look(world, 2)
    assert only(world).absences == 2
    next_answers(url, between)
    look(world)
    assert (only(world).stage, only(world).absences) == ("in_doubt", 0)
    look(world, 2)
    assert (only(world).stage, only(world).absences) == ("in_doubt", 2)
    look(world)
    assert only(world).stage == "to_book"


def test_a_look_up_that_was_not_answered_is_no_absence(doubtful):
    url, world = doubtful(taken=False)
    look(world, 2)
    next_answers(url, "lost_before")
    look(world)
    assert (only(world).stage, only(world).absences) == ("in_doubt", 2)


def test_the_settling_time_counts_from_the_last_time_that_we_ordered(doubtful, drain):
    url, world = doubtful(taken=False, settling=HOUR)
    sql(world, "UPDATE shipments SET created_at = created_at - interval '1 day'")
    look(world, 4)
    assert (only(world).stage, orders(url)) == ("in_doubt", [])
    order_no = only(world).order_no
    later = replace(world, now=lambda: now() + 2 * HOUR)
    sql(world, "UPDATE jobs SET created_at = created_at - interval '2 hours'")
    look(later)
    assert only(world).stage == "to_book"
    drain(world)
    assert [order["order_no"] for order in orders(url)] == [order_no]
    assert numbers(world) == [order["waybill_no"] for order in orders(url)]


def desk_tells(world, number, order_no):
    """A push of the desk, signed as docs/by-hand.md says."""
    event = {"id": "e1", "number": number, "order_no": order_no, "at": wire_time(now()), "code": "took"}
    raw = json.dumps({"operation": "news", "id": "m1", "events": [event]}).encode()
    carrier = world.carriers["by_hand"]
    signature = sign(carrier.account.key.get_secret_value(), now(), raw)
    return receive(world, carrier, Knock(raw, signature=signature))


def test_a_push_that_carries_our_number_ends_the_doubt_and_the_look_up_after_it_changes_nothing(doubtful, drain):
    url, world = doubtful(taken=True)
    [order] = orders(url)
    assert desk_tells(world, order["waybill_no"], order["order_no"]).status == 200
    run_due(world, "push.read")
    assert (only(world).stage, numbers(world)) == ("booked", [order["waybill_no"]])
    assert ("act:adopt", "push") in moves(world)
    make_due(world, LOOK)
    drain(world)
    assert (numbers(world), len(orders(url)), entries(world)) == ([order["waybill_no"]], 1, [])


KNOWN = (200, {"retCode": "SBX211", "retMsg": "重复订单", "retBody": ""})


@pytest.mark.parametrize(("answer", "at_once"), [(KNOWN, 1), ((500, {}), 0)], ids=["known already", "silence"])
def test_what_the_carrier_knows_already_is_asked_for_at_once_and_silence_is_given_its_time(
    world, decided, answer, at_once
):
    with post_that_says(with_account(world, repeats_are_idempotent=True), lambda _: answer) as there:
        slow = patient(there)
        lodge(slow, decided(), "test")
        run_due(slow, "case.gather")
        run_due(slow, on_lane("shipment.book", "ems"))
        assert only(slow).stage == "in_doubt"
        assert due_names_of(slow).count(on_lane(SETTLE_DOUBT, "ems")) == at_once


def due_names_of(world):
    with world.reading() as session:
        return due_names(session)


def test_a_person_who_learned_the_number_is_recorded_with_it_and_the_entry_is_gone(doubtful, drain):
    url, world = doubtful(taken=True)
    [order] = orders(url)
    with pytest.raises(NotAllowedError, match="不是"):
        adopt_by_hand(world, only(world).id, "1100000000001", CLERK)
    adopt_by_hand(world, only(world).id, order["waybill_no"], CLERK)
    assert ("act:adopt", CLERK) in moves(world)
    assert (numbers(world), entries(world)) == ([order["waybill_no"]], [])
    with pytest.raises(NotAllowedError):
        confirm_never_placed(world, only(world).id, CLERK)


def test_a_person_who_learned_that_it_was_never_placed_is_recorded_and_it_goes_out_under_the_same_number(
    doubtful, drain
):
    url, world = doubtful(taken=False)
    order_no = only(world).order_no
    confirm_never_placed(world, only(world).id, CLERK)
    assert ("act:never_placed", CLERK) in moves(world)
    drain(world)
    assert [order["order_no"] for order in orders(url)] == [order_no]
    with pytest.raises(NotAllowedError):
        adopt_by_hand(world, only(world).id, orders(url)[0]["waybill_no"], CLERK)


def test_a_person_who_was_mistaken_about_it_books_nothing_twice(doubtful, drain):
    url, world = doubtful(taken=True)
    confirm_never_placed(world, only(world).id, CLERK)
    drain(world)
    assert (len(orders(url)), numbers(world)) == (1, [orders(url)[0]["waybill_no"]])


def test_two_persons_with_two_numbers_adopt_one(doubtful, drain, decided):
    url, world = doubtful(taken=True)
    taken = orders(url)[0]["waybill_no"]
    shipment = only(world).id
    adopt_by_hand(world, shipment, taken, CLERK)
    with pytest.raises(NotAllowedError):
        adopt_by_hand(world, shipment, "GB0000000020", "另一人")
    assert numbers(world) == [taken]


def test_a_number_that_is_another_envelopes_cannot_be_adopted(doubtful, drain, decided):
    url, world = doubtful(taken=True)
    first = orders(url)[0]["waybill_no"]
    adopt_by_hand(world, only(world).id, first, CLERK)
    next_answers(url, "lost_after")
    lodge(world, decided("331127202611220002", slip={"detail": "团结西路9号"}), "test")
    run_due(world, "case.gather")
    run_due(world, BOOK)
    with world.reading() as session:
        second = session.connection().exec_driver_sql("SELECT id FROM shipments WHERE stage = 'in_doubt'").scalar()
    with pytest.raises(ConflictError, match=first):
        adopt_by_hand(world, second, first, CLERK)


def test_with_no_means_at_all_a_person_is_asked_and_a_later_push_still_ends_the_doubt(post, drain, decided):
    world = with_account(post.world, repeats_are_idempotent=False)
    next_answers(post.url, "lost_after")
    lodge(world, decided(), "test")
    drain(world)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert (only(world).stage, entries(world)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])
    [order] = orders(post.url)
    push(world, raw_push(world, order["waybill_no"], "203", now(), orderNo=order["order_no"]))
    drain(world)
    assert (numbers(world), entries(world)) == ([order["waybill_no"]], [])
    with world.reading() as session:
        open_doubts = select(Job.id).where(Job.name.startswith(SETTLE_DOUBT), Job.done_at.is_(None))
        assert session.scalars(open_doubts).all() == []
