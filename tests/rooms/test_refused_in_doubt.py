"""Doubt that a look-up ends with the carrier's no: a person reads why, and nobody looks on for ever."""

from dataclasses import replace
from datetime import timedelta

from carriers import next_answers, orders, own_people
from road_steps import details, entries, make_due, numbers, only, post_that_says, with_account, with_settings
from sf_post import ITEM, sf_post
from sqlalchemy import select

from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.book import SETTLE_DOUBT
from dispatch.booking.doubt import book_again
from dispatch.booking.route import set_route
from dispatch.carrier import Knock, Parcel
from dispatch.jobs import Job, kind_of
from dispatch.posts.times import wire_time
from dispatch.tracking.push import receive
from dispatch.wiring import now
from dispatch.worklist import Reason
from tests.posts.sf_samples import NUMBER, SECRET, placed, states_push

HOUR = timedelta(hours=1)
CREATE = "EXP_RECE_CREATE_ORDER"


def looking(world):
    """Jobs that would look it up again."""
    with world.reading() as session:
        names = session.scalars(select(Job.name).where(Job.done_at.is_(None))).all()
    return [name for name in names if kind_of(name) == SETTLE_DOUBT]


def in_doubt_at_sf(world, drain, decided, post):
    """SF has the order, and a person there weighs whether it can be carried."""
    post.answer = lambda service, data: placed(
        orderId=data["orderId"], filterResult=1, waybillNoInfoList=None, routeLabelInfo=None
    )
    lodge(world, decided(), "test")
    clear(world, ITEM, "景法审〔2026〕3号", "legal")
    set_route(world, "", ITEM, "sf", "clerk")
    drain(world)
    assert only(world).stage == "in_doubt"


def test_an_order_that_sf_weighs_and_then_does_not_carry_is_refused_in_its_words(world, drain, decided):
    """It was looked up for ever and shown as «in doubt», while SF had said no: nobody could book it elsewhere."""
    with sf_post(world) as (post, there):
        in_doubt_at_sf(there, drain, decided, post)
        first = only(there).order_no
        post.answer = lambda service, data: placed(orderId=data["orderId"], filterResult=3, remark="2")
        make_due(there, SETTLE_DOUBT)
        drain(there)
        assert (only(there).stage, entries(there), looking(there)) == ("refused", [Reason.REFUSED_BY_CARRIER], [])
        assert "派方超范围" in details(there, Reason.REFUSED_BY_CARRIER)[0]
        said = []

        def take(service, data):
            said.append((service, data["orderId"]))
            return placed(orderId=data["orderId"])

        post.answer = take
        book_again(there, only(there).id, "clerk")
        drain(there)
        [(service, order_no)] = said
        assert (service, order_no != first, only(there).stage) == (CREATE, True, "booked")


def test_a_number_that_comes_after_the_refusal_is_still_adopted(world, drain, decided):
    """SF may change its mind, and tell by push: a refusal never hides a live waybill (promise 2)."""
    with sf_post(world) as (post, there):
        in_doubt_at_sf(there, drain, decided, post)
        post.answer = lambda service, data: placed(orderId=data["orderId"], filterResult=3, remark="3")
        make_due(there, SETTLE_DOUBT)
        drain(there)
        assert only(there).stage == "refused"
        state = {"orderStateCode": "04-40037", "lastTime": wire_time(now())}
        told = states_push({"orderNo": only(there).order_no, "waybillNo": NUMBER, **state})
        receive(there, there.carriers["sf"], Knock(told, secret=SECRET))
        drain(there)
        assert (only(there).stage, numbers(there)) == ("booked", [NUMBER])


def test_an_order_that_was_cancelled_at_the_desk_meanwhile_is_refused_and_not_looked_up_for_ever(
    post, drain, decided, tmp_path
):
    with own_people(tmp_path) as (url, carrier):
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        next_answers(url, "lost_after", "lost_before", "lost_before")
        lodge(world, decided(), "test")
        patient = with_settings(world, doubt_ladder=(HOUR,) * 6)
        drain(patient)
        next_answers(url)
        [order] = orders(url)
        carrier.read_cancelling(carrier.speak(carrier.cancelling(Parcel(order["waybill_no"], order["order_no"]))))
        make_due(world, SETTLE_DOUBT)
        drain(world)
        assert (only(world).stage, entries(world), looking(world)) == ("refused", [Reason.REFUSED_BY_CARRIER], [])
        assert order["waybill_no"] in details(world, Reason.REFUSED_BY_CARRIER)[0]


def test_a_repeat_that_is_refused_leaves_doubt_for_it_may_hide_an_order_that_was_taken(world, drain, decided):
    """The first may have been booked before the balance ran out: refused, it would be booked a second time."""
    answers = [(500, {})]

    def say(_code):
        return answers.pop() if answers else (200, {"retCode": "B0001", "retMsg": "余额不足"})

    with post_that_says(world, say) as there:
        there = with_account(there, repeats_are_idempotent=True, refused_codes=("B0001",))  # noqa: PLW2901
        lodge(there, decided(), "test")
        for _ in range(5):
            drain(there)
            make_due(there, SETTLE_DOUBT)
        assert (only(there).stage, entries(there)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])
        assert "余额不足" in details(there, Reason.BOOKING_IN_DOUBT)[0]
