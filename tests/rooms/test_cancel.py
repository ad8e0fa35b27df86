"""A second label voids the first and tells the carrier: never two live waybills, whatever happens in between."""

from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from carriers import next_answers, orders
from road_steps import (
    BOOK,
    CANCEL,
    end_leases,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    print_all,
    push,
    raw_push,
    shipments,
    with_settings,
)

from dispatch import lease
from dispatch.approval.lodge import lodge
from dispatch.approval.release import lift
from dispatch.booking.cancel import confirm_cancelled, keep_label, void_label
from dispatch.booking.take_off import Then
from dispatch.carrier import Parcel
from dispatch.errors import NotAllowedError
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due


@pytest.fixture
def booked(post, drain, decided):
    lodge(post.world, decided(), "test")
    drain(post.world)
    print_all(post.world)
    return post.world


def live(post):
    return [order["waybill_no"] for order in orders(post.url) if order["cancelled_at"] is None]


def test_a_second_label_is_booked_under_a_new_order_after_the_first_was_cancelled(post, booked, drain):
    first, order_no = numbers(booked), only(booked).order_no
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    assert (only(booked).stage, len(live(post))) == ("cancelling", 1)
    run_due(booked, BOOK)  # however eager: nothing is booked before the carrier's word
    assert len(orders(post.url)) == 1
    drain(booked)
    assert numbers(booked) == live(post) != first
    assert (only(booked).stage, only(booked).order_no != order_no) == ("booked", True)


@pytest.mark.parametrize("fault", ["lost_after", "error_after", "garbage", "unavailable", "lost_before", "twice"])
def test_whatever_becomes_of_the_cancelling_one_booking_is_live_in_the_end(post, booked, drain, fault):
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    next_answers(post.url, fault)
    for _ in range(4):
        make_due(booked, CANCEL)
        drain(booked)
    assert numbers(booked) == live(post)
    assert len(live(post)) == 1
    assert only(booked).stage == "booked"


def test_killed_after_the_carrier_cancelled_the_cancelling_is_repeated_and_harms_nothing(post, booked, drain):
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    [claim] = lease.claim(booked, CANCEL, 1)
    assert claim.subject == only(booked).subject
    ems = booked.carriers["ems"]
    ems.read_cancelling(ems.speak(ems.cancelling(Parcel(numbers(booked)[0], only(booked).order_no))))
    end_leases(booked)
    drain(booked)
    assert numbers(booked) == live(post)
    assert len(live(post)) == 1


def test_news_of_the_voided_number_is_nobodys(post, booked, drain):
    first = numbers(booked)[0]
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    drain(booked)
    push(booked, raw_push(booked, first, "203", now()))
    for _ in range(3):
        make_due(booked, "push.read")
        drain(booked)
    assert entries(booked) == [Reason.UNKNOWN_PARCEL]
    assert only(booked).tracked == "unseen"


def test_a_voided_number_is_never_live_again_whoever_tells_it(post, booked, drain):
    first = numbers(booked)[0]
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    run_due(booked, CANCEL)
    assert (only(booked).stage, numbers(booked)) == ("to_book", [])
    push(booked, raw_push(booked, first, "801", now(), orderNo=only(booked).order_no))
    for _ in range(3):
        make_due(booked, "push.read")
        run_due(booked, "push.read")
    assert numbers(booked) == []
    drain(booked)
    assert numbers(booked) == live(post) != [first]


def test_a_collected_letter_keeps_its_number_and_a_person_is_told(post, booked, drain):
    number = numbers(booked)[0]
    httpx2.post(f"{post.url}/counter/collect", json={"waybills": [number]}).raise_for_status()
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    drain(booked)
    assert numbers(booked) == [number] == live(post)
    assert (only(booked).stage, entries(booked)) == ("booked", [Reason.NOT_CANCELLED])


def test_an_unclear_answer_to_a_cancelling_is_shown_and_asked_again_and_again(post, booked, drain):
    ems = booked.carriers["ems"]
    unsure = replace(ems, account=ems.account.model_copy(update={"refused_codes": ()}))
    there = with_settings(
        replace(booked, carriers={"ems": unsure}),
        job_retry_first=timedelta(hours=1),
        job_retry_cap=timedelta(hours=1),
    )
    httpx2.post(f"{post.url}/counter/collect", json={"waybills": numbers(there)}).raise_for_status()
    void_label(there, only(there).id, Then.BOOK_AGAIN, "clerk")
    for _ in range(6):
        make_due(there, CANCEL)
        run_due(there, CANCEL)
    assert (only(there).stage, len(numbers(there)), len(live(post))) == ("cancelling", 1, 1)
    assert entries(there) == [Reason.NOT_CANCELLED]


def test_cancelled_for_good_the_papers_are_free_and_go_out_again_only_when_somebody_lets_them(
    post, booked, drain, decided
):
    old = only(booked).order_no
    void_label(booked, only(booked).id, Then.CANCEL, "clerk")
    drain(booked)
    assert (numbers(booked), live(post)) == ([], [])
    assert [row.stage for row in shipments(booked)] == ["cancelled"]
    lift(booked, decided().case_no, "clerk")
    drain(booked)
    assert numbers(booked) == live(post)
    assert len({row.order_no for row in shipments(booked)} | {old}) == 2


def test_relabelled_and_then_cancelled_no_order_number_comes_twice(post, booked, drain, decided):
    seen = {only(booked).order_no}
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    drain(booked)
    seen.add(only(booked).order_no)
    void_label(booked, only(booked).id, Then.CANCEL, "clerk")
    drain(booked)
    lift(booked, decided().case_no, "clerk")
    drain(booked)
    seen.add(shipments(booked)[-1].order_no)
    assert len(seen) == 3
    assert len(live(post)) == 1


def test_a_person_settles_what_the_carrier_left_open_either_way(post, booked, drain):
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    keep_label(booked, only(booked).id, "clerk")
    assert (only(booked).stage, len(numbers(booked))) == ("booked", 1)
    void_label(booked, only(booked).id, Then.BOOK_AGAIN, "clerk")
    confirm_cancelled(booked, only(booked).id, "clerk")
    assert (only(booked).stage, numbers(booked)) == ("to_book", [])
    with pytest.raises(NotAllowedError):
        confirm_cancelled(booked, only(booked).id, "clerk")


def test_what_is_with_the_postman_cannot_be_relabelled(post, drain, decided):
    shipment = on_the_way(post.world, drain, decided())
    with pytest.raises(NotAllowedError):
        void_label(post.world, shipment.id, Then.BOOK_AGAIN, "clerk")
