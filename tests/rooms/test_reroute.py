"""Another carrier after all: only for what surely nobody has booked; what was begun with the first does no harm."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import next_answers, orders, own_people
from road_steps import (
    at_once,
    do,
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

from dispatch import jobs
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import confirm_cancelled, reroute, void_label
from dispatch.booking.doubt import confirm_never_placed
from dispatch.booking.take_off import Then
from dispatch.call import CarrierCall
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Act, Stage
from dispatch.shipment import ASK
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due

HOUR = timedelta(hours=1)
AT_EMS, AT_DESK = "shipment.book@ems", "shipment.book@by_hand"


@pytest.fixture
def both(post, tmp_path):
    """China Post and the centre's own people, both behind real sockets: the desk's address, and the world."""
    with own_people(tmp_path) as (url, carrier):
        yield url, replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})


def gathered(world, decided, **slip):
    lodge(world, decided(slip=slip), "test")
    run_due(world, "case.gather")
    return only(world)


def spoken(world):
    """To whom something was said, in order."""
    with world.reading() as session:
        return list(session.scalars(select(CarrierCall.carrier).order_by(CarrierCall.intended_at)))


# What may be given to another.


def test_what_is_not_booked_yet_goes_to_the_other_carrier_under_another_number_and_to_no_other(
    both, post, drain, decided
):
    url, world = both
    order_no = gathered(world, decided).order_no
    reroute(world, only(world).id, "by_hand", "clerk")
    drain(world)
    assert (only(world).carrier, only(world).stage, entries(world)) == ("by_hand", "booked", [])
    assert [order["order_no"] for order in orders(url)] == [only(world).order_no] != [order_no]
    assert orders(post.url) == []


def test_what_a_carrier_refused_goes_to_the_other_and_the_refusal_is_settled_by_whom_it_was(both, drain, decided):
    url, world = both
    refusal = {"retCode": "SBX203", "retMsg": "超出范围", "retBody": ""}
    with post_that_says(world, lambda _: (200, refusal)) as refusing:
        there = replace(world, carriers={**world.carriers, "ems": refusing.carriers["ems"]})
        gathered(there, decided)
        run_due(there, AT_EMS)
        assert (only(there).stage, entries(there)) == ("refused", [Reason.REFUSED_BY_CARRIER])
        reroute(there, only(there).id, "by_hand", "钟秋月")
        drain(there)
    assert (only(world).stage, entries(world)) == ("booked", [])
    assert numbers(world) == [order["waybill_no"] for order in orders(url)]
    with world.begin() as session:
        by = session.connection().exec_driver_sql("SELECT settled_by FROM worklist").scalars().all()
    assert by == ["钟秋月"]


def test_after_a_label_was_taken_back_the_second_may_come_from_another_carrier(both, post, drain, decided):
    url, world = both
    gathered(world, decided)
    run_due(world, AT_EMS)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    run_due(world, "shipment.cancel@ems")
    assert only(world).stage == "to_book"
    reroute(world, only(world).id, "by_hand", "clerk")
    drain(world)
    assert [order["cancelled_at"] is None for order in orders(post.url)] == [False]
    assert numbers(world) == [order["waybill_no"] for order in orders(url)]


def test_there_and_back_again_every_order_number_is_new(both, drain, decided):
    _, world = both
    seen = {gathered(world, decided).order_no}
    for carrier in ("by_hand", "ems", "by_hand", "ems"):
        reroute(world, only(world).id, carrier, "clerk")
        seen.add(only(world).order_no)
    assert len(seen) == 5
    drain(world)
    assert (only(world).carrier, only(world).stage, len(numbers(world))) == ("ems", "booked", 1)


# What may not.


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.TO_BOOK, Stage.REFUSED}))
def test_at_every_other_stage_it_is_refused_and_nothing_changes(both, decided, stage):
    _, world = both
    before = gathered(world, decided)
    sql(world, "UPDATE shipments SET stage = :stage", stage=stage)
    with pytest.raises(NotAllowedError):
        reroute(world, before.id, "by_hand", "clerk")
    after = only(world)
    assert (after.stage, after.carrier, after.order_no) == (stage, "ems", before.order_no)


def test_an_order_in_doubt_is_never_given_to_another_carrier_until_a_person_or_the_post_has_spoken(
    both, post, drain, decided
):
    url, world = both
    unsure = with_settings(with_account(world, repeats_are_idempotent=False), job_retry_first=HOUR)
    unsure = replace(unsure, carriers={**world.carriers, **unsure.carriers})
    next_answers(post.url, "error_after")
    gathered(unsure, decided)
    run_due(unsure, AT_EMS)
    assert only(unsure).stage == "in_doubt"
    with pytest.raises(NotAllowedError, match="结果不明"):
        reroute(unsure, only(unsure).id, "by_hand", "clerk")
    drain(unsure)
    assert (only(unsure).carrier, orders(url), len(orders(post.url))) == ("ems", [], 1)


def test_a_carrier_that_nobody_knows_is_refused_in_words(both, decided):
    _, world = both
    gathered(world, decided)
    with pytest.raises(NotFoundError, match="by_hand"):
        reroute(world, only(world).id, "nobody", "clerk")


def test_rerouting_while_a_worker_books_ends_in_one_booking(both, post, drain, decided):
    url, world = both
    for n in range(6):
        lodge(world, decided(f"33112720261122000{n}", slip={"detail": f"团结西路{n}号"}), "test")
    run_due(world, "case.gather")
    with world.reading() as session:
        chosen = session.connection().exec_driver_sql("SELECT id FROM shipments ORDER BY id").scalars().all()

    def give_away():
        for one in chosen:
            try:
                reroute(world, one, "by_hand", "clerk")
            except NotAllowedError:
                continue

    at_once([give_away, lambda: run_due(world, AT_EMS), lambda: run_due(world, AT_DESK)])
    drain(world)
    at_post, at_desk = ([order["waybill_no"] for order in orders(there)] for there in (post.url, url))
    assert len(at_post) + len(at_desk) == 6
    assert sorted(numbers(world)) == sorted(at_post + at_desk)


# What was begun with the first.


@pytest.mark.parametrize("first", [AT_EMS, AT_DESK])
def test_the_job_on_the_first_carriers_lane_says_nothing_whichever_runs_first(both, post, drain, decided, first):
    url, world = both
    shipment = gathered(world, decided)
    reroute(world, shipment.id, "by_hand", "clerk")
    with world.begin() as session:
        jobs.leave(session, "shipment.book", shipment.subject, lane="ems")
    run_due(world, first)
    drain(world)
    assert (spoken(world), orders(post.url), len(orders(url))) == (["by_hand"], [], 1)


def test_the_look_after_a_doubt_that_is_over_says_nothing_for_the_other_carrier(both, post, decided):
    """The doubt with the post was settled by a person; the other carrier's own doubt goes on its own lane."""
    _, world = both
    away = with_settings(world, doubt_ladder=(HOUR, HOUR, HOUR), job_retry_first=HOUR, job_retry_cap=HOUR)
    next_answers(post.url, "lost_before")
    gathered(away, decided)
    run_due(away, AT_EMS)
    confirm_never_placed(away, only(away).id, "clerk")
    reroute(away, only(away).id, "by_hand", "clerk")
    next_answers(both[0], "lost_before")
    run_due(away, AT_DESK)
    assert only(away).stage == "in_doubt"
    before = spoken(away)
    make_due(away, "shipment.settle_doubt@ems")
    run_due(away, "shipment.settle_doubt@ems")
    assert spoken(away) == before
    make_due(away, "shipment.settle_doubt@by_hand")
    run_due(away, "shipment.settle_doubt@by_hand")
    assert spoken(away) == [*before, "by_hand"]


def test_a_cancelling_left_on_the_first_carriers_lane_cancels_nothing_at_the_other(both, post, decided):
    url, world = both
    patient = with_settings(world, job_retry_first=HOUR, job_retry_cap=HOUR)
    gathered(patient, decided)
    run_due(patient, AT_EMS)
    void_label(patient, only(patient).id, Then.BOOK_AGAIN, "clerk")
    next_answers(post.url, "error_after")
    run_due(patient, "shipment.cancel@ems")  # comes back in an hour
    confirm_cancelled(patient, only(patient).id, "clerk")
    reroute(patient, only(patient).id, "by_hand", "clerk")
    run_due(patient, AT_DESK)
    void_label(patient, only(patient).id, Then.BOOK_AGAIN, "clerk")
    before = spoken(patient)
    make_due(patient, "shipment.cancel@ems")
    run_due(patient, "shipment.cancel@ems")
    assert (spoken(patient), only(patient).stage) == (before, "cancelling")
    run_due(patient, "shipment.cancel@by_hand")
    assert [order["cancelled_at"] is None for order in orders(url)] == [False]
    assert (only(patient).stage, numbers(patient)) == ("to_book", [])


def test_a_question_left_on_the_first_carriers_lane_is_not_put_to_the_other(both, decided):
    _, world = both
    shipment = gathered(world, decided)
    reroute(world, shipment.id, "by_hand", "clerk")
    run_due(world, AT_DESK)
    with world.begin() as session:
        jobs.leave(session, ASK, shipment.subject, lane="ems")
    run_due(world, f"{ASK}@ems")
    assert spoken(world) == ["by_hand"]
    with world.begin() as session:
        jobs.leave(session, ASK, shipment.subject, lane="by_hand")
    run_due(world, f"{ASK}@by_hand")
    assert spoken(world) == ["by_hand", "by_hand"]


def test_a_late_push_of_the_first_carrier_about_the_old_order_is_nobodys(both, drain, decided):
    _, world = both
    order_no = gathered(world, decided).order_no
    reroute(world, only(world).id, "by_hand", "clerk")
    drain(world)
    push(world, raw_push(world, "1100000009999", "203", now(), orderNo=order_no))
    for _ in range(3):
        make_due(world, "push.read")
        drain(world)
    assert (entries(world), only(world).tracked) == ([Reason.UNKNOWN_PARCEL], "unseen")
    assert "1100000009999" not in numbers(world)


def test_a_late_push_while_the_other_carrier_is_not_booked_yet_changes_nothing(both, decided):
    url, world = both
    order_no = gathered(world, decided).order_no
    reroute(world, only(world).id, "by_hand", "clerk")
    push(world, raw_push(world, "1100000009999", "203", now(), orderNo=order_no))
    for _ in range(3):
        make_due(world, "push.read")
        run_due(world, "push.read")
    run_due(world, AT_DESK)
    assert numbers(world) == [order["waybill_no"] for order in orders(url)]


def test_a_packed_envelope_keeps_its_carrier(both, decided):
    _, world = both
    gathered(world, decided)
    run_due(world, AT_EMS)
    for deed in (Act.PRINT, Act.PACK):
        do(world, deed, only(world))
    with pytest.raises(NotAllowedError, match="先撤单"):
        reroute(world, only(world).id, "by_hand", "clerk")
