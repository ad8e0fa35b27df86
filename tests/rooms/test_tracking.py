"""News comes back: doubled, early, late, unreadable, of nobody; the state is right and nothing is lost."""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from road_steps import (
    ASK,
    BOOK,
    at_once,
    books,
    code_in,
    details,
    end_leases,
    entries,
    event_told,
    make_due,
    numbers,
    on_the_way,
    only,
    phone,
    post_that_says,
    push,
    raw_push,
    raw_text,
    settle_all,
    shipments,
    sql,
    with_settings,
)
from sqlalchemy import select

from dispatch import jobs, lease
from dispatch.approval.lodge import GATHER, lodge
from dispatch.booking import book as booking
from dispatch.carrier import Parcel
from dispatch.journey import Tracked
from dispatch.posts.times import wire_time
from dispatch.shipment import FOLLOW, WATCH, WEIGH
from dispatch.tracking.observe import Match, observe
from dispatch.tracking.push import READ, Push
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Reason
from dispatch.zero_visits.close import Closure
from workers.run import run_due

HOUR = timedelta(hours=1)
SECOND = "331127202611220002"
NUMBER = "1100000000001"


STARTED = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    """From one fixed moment: the same event told twice must not fall on two sides of a second."""
    return STARTED - timedelta(minutes=minutes)


def sightings(world) -> list[Sighting]:
    with world.begin() as session:
        return list(session.scalars(select(Sighting).order_by(Sighting.at, Sighting.received_at)))


def pushes(world) -> list[Push]:
    with world.begin() as session:
        return list(session.scalars(select(Push)))


def closures(world) -> int:
    with world.begin() as session:
        return len(session.scalars(select(Closure.id)).all())


@pytest.fixture
def there(post, drain, decided):
    """A service with one letter handed over, and its number."""
    on_the_way(post.world, drain, decided())
    return post.world


@pytest.fixture
def tell(drain):
    """Push events (code, minutes ago, more fields) one after the other, each worked on at once."""

    def tell(world, *events: tuple, number: str = "") -> None:
        for code, minutes, *more in events:
            push(world, raw_push(world, number or numbers(world)[0], code, ago(minutes), **(more[0] if more else {})))
            drain(world)

    return tell


# Doubled.


def test_the_same_push_twice_is_one_row_one_sighting_and_two_good_answers(there, drain):
    raw = raw_push(there, numbers(there)[0], "203", ago(9))
    replies = [push(there, raw), push(there, raw)]
    drain(there)
    replies.append(push(there, raw))
    drain(there)
    assert {code_in(reply) for reply in replies} == {"00000"}
    assert [row.times for row in pushes(there)] == [3]
    assert (len(sightings(there)), only(there).tracked) == (1, "collected")


def test_the_same_push_from_many_threads_at_once_is_one_row_and_applied_once(there, drain):
    raw = raw_push(there, numbers(there)[0], "203", ago(9))
    replies = at_once([lambda: push(there, raw)] * 16)
    drain(there)
    assert {code_in(reply) for reply in replies} == {"00000"}
    assert ([row.times for row in pushes(there)], len(sightings(there))) == ([16], 1)


def test_one_event_under_two_serial_numbers_is_one_sighting(there, drain):
    for serial in "ab":
        raw = raw_push(there, numbers(there)[0], "203", ago(9)).replace(b'"s"', f'"{serial}"'.encode())
        push(there, raw)
    drain(there)
    assert (len(pushes(there)), len(sightings(there))) == (2, 1)


def test_pushes_for_two_parcels_in_opposite_order_from_many_threads_never_lock_each_other_out(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided(slip=phone(1, 1)), decided(SECOND, slip=phone(1, 2)))
    one, two = numbers(world)
    codes = ("203", "389", "713", "702", "705")

    def story(order: tuple[str, str], shift: int) -> Callable[[], None]:
        def tell_it() -> None:
            for place, number in itertools.product(range(len(codes)), order):
                turn = (place + shift) % len(codes)
                push(world, raw_push(world, number, codes[turn], ago(30 - turn)))
            for name in (READ, FOLLOW, WEIGH, READ):
                run_due(world, name)

        return tell_it

    at_once([story((one, two) if thread % 2 else (two, one), thread) for thread in range(8)])
    drain(world)
    assert [shipment.tracked for shipment in shipments(world)] == ["attempt_failed"] * 2
    assert len(sightings(world)) == 2 * len(codes)
    assert {row.read_at is None for row in pushes(world)} == {False}
    with world.begin() as session:
        assert session.scalars(select(jobs.JobFailure.id)).all() == []


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_arrival_ends_in_the_same_state(there, drain, seed):
    print(f"seed {seed}")
    events = [("203", 50), ("389", 40), ("713", 30), ("702", 20), ("705", 15), ("702", 10), ("704", 5)]
    told = [
        raw_push(there, numbers(there)[0], code, ago(minutes), **({"deliverCode": "20"} if code == "704" else {}))
        for code, minutes in events
    ]
    shuffled = told + told[2:5]
    random.Random(seed).shuffle(shuffled)
    for raw in shuffled:
        push(there, raw)
        drain(there)
    assert (only(there).tracked, only(there).signer, len(sightings(there))) == ("delivered", "proxy", len(events))
    assert entries(there) == [Reason.SIGNED_WITHOUT_CONSENT]


# Early: the push overtakes the number.


def before_the_answer(world, decided, case_no="331127202611220001"):
    """The order is out and its answer not yet written: the claim and what is to be said."""
    lodge(world, decided(case_no), "test")
    run_due(world, GATHER)
    [claim] = lease.claim(world, BOOK, 1)
    return claim, booking._intend(world, claim)


def write_answer(world, claim, intent, heard) -> None:
    with booking.written_in(claim, heard) as session:
        shipment = booking.lock(session, booking.subject_id(claim.subject))
        booking._write_outcome(world, session, shipment, intent, heard)


@pytest.mark.parametrize("with_our_number", [True, False])
def test_a_push_that_overtakes_its_bookings_answer_finds_its_letter_in_the_end(post, drain, decided, with_our_number):
    world = with_settings(post.world, unmatched_grace=HOUR)
    claim, intent = before_the_answer(world, decided)
    heard = booking.speak(world, claim, intent)
    number = heard.told.waybill_no
    more = {"orderNo": only(world).order_no} if with_our_number else {}
    push(world, raw_push(world, number, "203", ago(1), **more))
    drain(world)
    assert (only(world).stage, only(world).tracked) == (
        ("booked", "collected") if with_our_number else ("booking", "unseen")
    )
    write_answer(world, claim, intent, heard)
    make_due(world, READ)
    drain(world)
    assert (only(world).stage, only(world).tracked, numbers(world)) == ("booked", "collected", [number])
    assert [row.shipment_id for row in sightings(world)] == [only(world).id]
    assert (entries(world), books(post)["bookings"]) == ([], 1)


def test_a_push_with_our_number_settles_a_doubt_without_a_second_order(post, drain, decided):
    world = post.world
    claim, intent = before_the_answer(world, decided)
    number = booking.speak(world, claim, intent).told.waybill_no
    end_leases(world)
    run_due(world, BOOK)
    assert only(world).stage == "in_doubt"
    push(world, raw_push(world, number, "203", ago(1), orderNo=only(world).order_no))
    drain(world)
    assert (only(world).stage, numbers(world), only(world).tracked) == ("booked", [number], "collected")
    with world.begin() as session:
        assert len(session.scalars(select(booking.Shipment.id)).all()) == books(post)["bookings"] == 1


@pytest.mark.parametrize("number", ["1", "不是邮件号", "EB000717619HK", "11000000000011"])
def test_a_push_whose_number_can_be_none_gives_no_letter_its_waybill(post, drain, decided, number):
    world = post.world
    before_the_answer(world, decided)
    push(world, raw_push(world, number, "203", ago(1), orderNo=only(world).order_no))
    drain(world)
    make_due(world, READ)
    drain(world)
    assert (only(world).stage, numbers(world), only(world).tracked) == ("booking", [], "unseen")
    assert entries(world) == [Reason.UNKNOWN_PARCEL]


def test_pushes_and_the_answer_at_the_same_moment_meet_every_time(world, drain, decided):
    seed = 20261122
    print(f"seed {seed}")
    chance = random.Random(seed)
    current = [NUMBER]
    patient = with_settings(world, unmatched_grace=HOUR)
    with post_that_says(patient, lambda _: (200, {"waybillNo": current[0]})) as there:
        for turn in range(12):
            current[0] = f"11000000010{turn:02}"
            claim, intent = before_the_answer(there, decided, f"3311272026112200{turn:02}")
            [mine] = [shipment for shipment in shipments(there) if shipment.stage == "booking"]
            heard = booking.speak(world, claim, intent)

            def tell(code: str, minutes: int, *, ours: bool, order_no: str = mine.order_no) -> None:
                more = {"orderNo": order_no} if ours else {}
                push(there, raw_push(there, current[0], code, ago(minutes), **more))
                run_due(there, READ)
                run_due(there, FOLLOW)

            works = [lambda claim=claim, intent=intent, heard=heard: write_answer(there, claim, intent, heard)]
            for code, minutes in (("203", 3), ("389", 2), ("702", 1)):
                ours = chance.random() < 0.5
                works.append(lambda c=code, m=minutes, o=ours: tell(c, m, ours=o))
            chance.shuffle(works)
            at_once(works)
            make_due(there, READ)
            drain(there)
            make_due(there, READ)
            drain(there)
            with there.begin() as session:
                found = session.get_one(booking.Shipment, mine.id)
                live = session.scalars(select(Waybill.number).where(Waybill.shipment_id == mine.id)).all()
                assert (found.stage, found.tracked, live) == ("booked", "out_for_delivery", [current[0]])
        assert {row.shipment_id is None for row in sightings(there)} == {False}
        assert (len(sightings(there)), entries(there)) == (36, [])


def test_news_that_is_being_written_while_its_number_is_adopted_is_not_left_behind(post, decided):
    """The reader found no number; before it commits, the number is adopted and earlier news is gathered."""
    world = post.world
    claim, intent = before_the_answer(world, decided)
    heard = booking.speak(world, claim, intent)
    number = heard.told.waybill_no
    seen = world.carriers["ems"].read_push(json.dumps(event_told(number, "203", ago(1))))[0]

    def adopt_and_gather() -> None:
        write_answer(world, claim, intent, heard)
        run_due(world, FOLLOW)

    adopting = threading.Thread(target=adopt_and_gather)
    with world.begin() as reader:
        assert observe(world, reader, "ems", seen, "push") is Match.NOBODY
        adopting.start()
        until(lambda: not adopting.is_alive() or waits_for_a_lock(world))
    adopting.join()
    run_due(world, FOLLOW)
    assert (only(world).tracked, [row.shipment_id for row in sightings(world)]) == ("collected", [only(world).id])


def waits_for_a_lock(world) -> bool:
    with world.begin() as session:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return session.connection().exec_driver_sql(waiting).scalar() > 0


# Of nobody, or not to be understood.


def test_news_of_nobodys_parcel_is_kept_and_shown_and_touches_no_other(there, drain):
    before = only(there)
    push(there, raw_push(there, "1100000009999", "704", ago(1), deliverCode="10", orderNo="ZDNOBODY"))
    drain(there)
    make_due(there, READ)
    drain(there)
    assert entries(there) == [Reason.UNKNOWN_PARCEL]
    assert "1100000009999" in details(there, Reason.UNKNOWN_PARCEL)[0]
    assert [row.shipment_id for row in sightings(there)] == [None]
    after = only(there)
    assert (after.tracked, after.moved_at, after.stage) == (before.tracked, before.moved_at, before.stage)


def test_a_letters_own_order_number_on_a_strange_parcel_does_not_move_it_once_it_has_its_number(there, drain):
    push(there, raw_push(there, "1100000009999", "711", ago(1), orderNo=only(there).order_no))
    drain(there)
    make_due(there, READ)
    drain(there)
    assert (only(there).tracked, entries(there)) == ("unseen", [Reason.UNKNOWN_PARCEL])


def test_an_unknown_code_is_kept_moves_nothing_and_comes_before_a_person(there, tell):
    tell(there, ("389", 9), ("Z99", 5, {"opName": "妥投", "deliverCode": "10"}))
    assert (only(there).tracked, entries(there)) == ("in_transit", [Reason.UNKNOWN_CODE])
    assert [row.news for row in sightings(there)] == ["in_transit", "unknown"]
    assert "Z99" in details(there, Reason.UNKNOWN_CODE)[0]


def test_an_unknown_sub_code_is_not_taken_for_a_delivery(there, tell):
    tell(there, ("702", 9), ("704", 5, {"deliverCode": "180"}))
    assert (only(there).tracked, entries(there), closures(there)) == ("out_for_delivery", [Reason.UNKNOWN_CODE], 0)


def test_a_refusal_is_seen_even_if_the_letter_is_already_on_its_way_back_when_we_look(there, drain):
    for code, minutes, more in (("705", 9, {"attemptDeliveryCode": "7"}), ("708", 5, {})):
        push(there, raw_push(there, numbers(there)[0], code, ago(minutes), **more))
    drain(there)
    assert entries(there) == [Reason.RECIPIENT_REFUSED, Reason.RETURNING]


def test_a_settled_unknown_code_does_not_come_back_with_the_next_news(there, tell):
    tell(there, ("Z99", 9))
    settle_all(there, Reason.UNKNOWN_CODE)
    tell(there, ("389", 5))
    assert entries(there) == []


@pytest.mark.parametrize(
    "inside",
    [
        "{}",
        '{"opCode": "704", "opTime": "2026-11-20 09:00:00"}',
        '{"waybillNo": ["1100000000001"], "opCode": {"a": 1}, "opTime": null}',
    ],
)
def test_a_push_in_a_shape_that_is_not_known_is_acknowledged_kept_and_shown(there, drain, inside):
    raw = raw_text(there, inside)
    assert code_in(push(there, raw)) == "00000"
    drain(there)
    assert (entries(there), sightings(there)) == ([Reason.UNREADABLE_PUSH], [])
    [kept] = pushes(there)
    assert there.vault.open(kept, "raw").encode("latin-1") == raw
    assert there.vault.open(kept, "body") == inside


@pytest.mark.parametrize(
    "more", [{}, {"opCode": "704", "opTime": "昨天"}, {"opCode": "704", "opTime": "0001-01-01 00:00:00"}], ids=str
)
def test_an_event_that_cannot_be_read_is_shown_at_its_letter_and_moves_nothing(there, drain, more):
    """It names its parcel: as «unreadable push» it would be nobody's, and the clerk would have to find out whose."""
    assert code_in(push(there, raw_text(there, json.dumps({"waybillNo": numbers(there)[0], **more})))) == "00000"
    drain(there)
    assert (entries(there), only(there).tracked) == ([Reason.UNKNOWN_CODE], "unseen")
    [seen] = sightings(there)
    assert (seen.waybill_no, seen.news) == (numbers(there)[0], "unknown")


def test_a_push_that_is_turned_away_is_kept_and_moves_nothing(there, drain):
    raw = raw_push(there, numbers(there)[0], "704", ago(1)).replace(b"040002", b"040009")
    assert code_in(push(there, raw)) != "00000"
    assert code_in(push(there, b"\xff\xfe noise")) != "00000"
    assert code_in(push(there, b"x" * 70_000)) != "00000"
    drain(there)
    assert [row.body for row in pushes(there)] == [None] * 3
    assert (only(there).tracked, sightings(there)) == ("unseen", [])


def test_a_push_turned_away_under_a_wrong_key_is_read_when_it_comes_again_under_the_right_one(there, drain):
    raw = raw_push(there, numbers(there)[0], "203", ago(1))
    ems = there.carriers["ems"]
    wrong = ems.account.model_validate({**ems.account.model_dump(), "sk": "TvaBgrhE46sft3nZlfe7xw=="})
    misconfigured = replace(there, carriers={"ems": replace(ems, account=wrong)})
    assert code_in(push(misconfigured, raw)) != "00000"
    drain(there)
    assert code_in(push(there, raw)) == "00000"
    drain(there)
    assert (only(there).tracked, [row.turned_away for row in pushes(there)]) == ("collected", [None])


# Late, and at impossible times.


def test_movement_after_the_delivery_is_absorbed(there, tell):
    tell(there, ("704", 9, {"deliverCode": "20"}), ("389", 5), ("702", 20))
    assert (only(there).tracked, only(there).signer) == ("delivered", "proxy")
    assert entries(there) == [Reason.SIGNED_WITHOUT_CONSENT]


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)])
def test_news_from_1970_or_the_future_is_flagged_and_moves_nothing(there, tell, drain, at):
    tell(there, ("389", 9))
    push(there, raw_push(there, numbers(there)[0], "704", at, deliverCode="10"))
    drain(there)
    assert (only(there).tracked, entries(there), closures(there)) == ("in_transit", [Reason.UNKNOWN_CODE], 0)


def test_a_carriers_clock_a_little_ahead_is_believed(there, tell):
    tell(there, ("389", -10))
    assert (only(there).tracked, entries(there)) == ("in_transit", [])


def test_old_news_of_an_earlier_letter_with_this_number_does_not_deliver_the_new_one(world, drain, decided):
    with post_that_says(world, lambda _: (200, {"waybillNo": NUMBER})) as there:
        for at in (datetime(1970, 1, 1, tzinfo=UTC), ago(60 * 24 * 90)):
            push(there, raw_push(there, NUMBER, "704", at, deliverCode="10"))
        drain(there)
        make_due(there, READ)
        drain(there)
        on_the_way(there, drain, decided())
        assert (numbers(there), only(there).tracked, closures(there)) == ([NUMBER], "unseen", 0)
        assert only(there).stage == "handed_over"


def test_news_that_came_before_the_number_and_was_already_shown_as_nobodys_is_folded_in(world, drain, decided):
    with post_that_says(world, lambda _: (200, {"waybillNo": NUMBER})) as there:
        push(there, raw_push(there, NUMBER, "203", ago(1)))
        drain(there)
        make_due(there, READ)
        drain(there)
        assert entries(there) == [Reason.UNKNOWN_PARCEL]
        lodge(there, decided(), "test")
        drain(there)
        assert (only(there).tracked, [row.shipment_id for row in sightings(there)]) == ("collected", [only(there).id])


# Revoked.


def test_a_revocation_after_the_closing_comes_before_a_person(there, tell):
    tell(there, ("702", 9), ("704", 5, {"deliverCode": "10"}))
    assert (only(there).stage, closures(there), entries(there)) == ("closed", 1, [])
    tell(there, ("743", 1))
    assert (only(there).stage, only(there).tracked) == ("closed", "out_for_delivery")
    assert entries(there) == [Reason.DELIVERY_REVOKED]


def test_a_revocation_that_overtakes_its_delivery_keeps_the_case_open_and_comes_before_a_person(there, tell):
    tell(there, ("743", 1), ("704", 5, {"deliverCode": "10"}))
    assert (only(there).stage, only(there).tracked, closures(there)) == ("handed_over", "unseen", 0)
    assert entries(there) == [Reason.DELIVERY_REVOKED]


def test_a_routine_correction_that_overtakes_what_it_corrects_leaves_the_worklist_again(there, tell):
    """742 takes back that it was out for delivery: told first, it revokes something unknown, and a person is told."""
    tell(there, ("203", 9), ("742", 5))
    assert Reason.DELIVERY_REVOKED in entries(there)
    tell(there, ("702", 6), ("704", 1, {"deliverCode": "10"}))
    assert (only(there).stage, entries(there)) == ("closed", [])


@pytest.mark.parametrize(("code", "weighed"), [("100", Reason.SIGNER_UNKNOWN), ("20", Reason.SIGNED_WITHOUT_CONSENT)])
def test_what_the_watch_showed_first_is_shown_once_when_it_is_weighed(there, drain, code, weighed):
    """Everything was down for longer than a delivery's patience: the watch came before the weighing."""
    push(there, raw_push(there, numbers(there)[0], "704", ago(5), deliverCode=code))
    run_due(there, READ)
    sql(
        there,
        "UPDATE jobs SET next_at = now() + interval '1 hour' WHERE name = :weigh AND done_at IS NULL",
        weigh=WEIGH,
    )
    sql(there, "UPDATE shipments SET moved_at = moved_at - interval '30 days', overdue_asked = true")
    make_due(there, WATCH)
    run_due(there, WATCH)
    assert entries(there) == [Reason.SIGNER_UNKNOWN]
    make_due(there, WEIGH)
    drain(there)
    assert entries(there) == [weighed]


def test_a_refusal_that_the_post_takes_back_leaves_the_worklist_whenever_we_looked(there, tell):
    tell(there, ("203", 9), ("705", 5, {"attemptDeliveryCode": "7"}))
    assert Reason.RECIPIENT_REFUSED in entries(there)
    tell(there, ("744", 2))
    assert Reason.RECIPIENT_REFUSED not in entries(there)


def test_a_new_delivery_after_a_revocation_closes_only_when_a_person_has_settled_it(there, tell, drain):
    tell(there, ("704", 9, {"deliverCode": "50"}), ("743", 7), ("704", 5, {"deliverCode": "10"}))
    assert (only(there).tracked, closures(there), entries(there)) == ("delivered", 0, [Reason.DELIVERY_REVOKED])
    settle_all(there, Reason.DELIVERY_REVOKED)
    drain(there)
    assert (only(there).stage, closures(there), entries(there)) == ("closed", 1, [])


def test_delivered_by_push_and_by_answer_at_the_same_moment_closes_once(there, drain):
    raw = raw_push(there, numbers(there)[0], "704", ago(1), deliverCode="10")
    again = raw_push(there, numbers(there)[0], "704", ago(1), deliverCode="10", opDesc="本人签收")

    def work(told: bytes) -> None:
        push(there, told)
        for name in (READ, WEIGH, READ, WEIGH):
            run_due(there, name)

    at_once([lambda: work(raw), lambda: work(again)] * 4)
    drain(there)
    assert (only(there).stage, closures(there), entries(there)) == ("closed", 1, [])


# Asked.


def until(condition: Callable[[], object]) -> object:
    """Look until it is so; real time passes for the sandbox's parcels."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "the deadline passed"
        time.sleep(0.05)
    return found


def test_a_delivery_pushed_without_its_code_is_asked_for_and_closes(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided(slip=phone(1)))
    [number] = numbers(world)
    httpx2.post(f"{post.url}/counter/collect", json={"waybills": [number]}).raise_for_status()
    until(lambda: books(post)["orders"][0]["ended"])
    ems = world.carriers["ems"]
    trace = ems.read_trace(ems.speak(ems.question(Parcel(number))))
    [delivered] = [seen for seen in trace if seen.code == "704"]
    push(world, raw_push(world, number, "704", delivered.at))
    run_due(world, READ)
    assert (only(world).tracked, only(world).signer, closures(world)) == ("delivered", "unknown", 0)
    drain(world)
    assert (only(world).stage, only(world).signer, closures(world), entries(world)) == ("closed", "self", 1, [])
    assert len([row for row in sightings(world) if row.code != "704"]) == len(trace) - 1


def trace_of(*events: tuple[str, int, str]) -> dict:
    items = [
        {"waybillNo": NUMBER, "opCode": code, "opTime": wire_time(ago(minutes)), "deliverCode": detail}
        for code, minutes, detail in events
    ]
    return {"responseItems": items, "waybillNo": NUMBER}


def test_a_delivery_whose_signer_the_post_does_not_know_either_comes_before_a_person(world, drain, decided, tell):
    with post_that_says(world, lambda _: (200, trace_of(("704", 5, "")))) as there:
        on_the_way(there, drain, decided())
        tell(there, ("704", 5))
        assert (only(there).tracked, closures(there), entries(there)) == ("delivered", 0, [Reason.SIGNER_UNKNOWN])


def test_news_of_another_parcel_in_an_answer_is_not_this_letters(world, drain, decided):
    answer = trace_of(("203", 9, ""), ("704", 5, "10"))
    answer["responseItems"][1]["waybillNo"] = "1100000000002"
    with post_that_says(world, lambda _: (200, answer)) as there:
        shipment = on_the_way(there, drain, decided())
        with there.begin() as session:
            jobs.leave(session, ASK, shipment.subject)
        drain(there)
        assert (only(there).tracked, closures(there)) == ("collected", 0)


def test_a_post_that_does_not_answer_is_asked_again_and_the_job_keeps_its_history(world, drain, decided):
    answers = iter([(500, {}), (200, trace_of(("203", 9, "")))])
    with post_that_says(
        world, lambda code: next(answers) if code == "040001" else (200, {"waybillNo": NUMBER})
    ) as there:
        shipment = on_the_way(there, drain, decided())
        with there.begin() as session:
            jobs.leave(session, ASK, shipment.subject)
        run_due(there, ASK)
        make_due(there, ASK)
        drain(there)
        assert only(there).tracked == "collected"
        with there.begin() as session:
            assert len(session.scalars(select(jobs.JobFailure)).all()) == 1


# Watched.


def test_what_stands_still_is_asked_for_then_shown_and_news_settles_it(there, tell, drain):
    tell(there, ("389", 9))
    patient = with_settings(there, after_asking=HOUR)
    late = replace(patient, now=lambda: there.now() + timedelta(days=4))
    calls = "SELECT count(*) FROM carrier_calls WHERE operation = '040001'"
    make_due(late, WATCH)
    run_due(late, WATCH)
    assert entries(late) == []
    drain(late)
    with late.begin() as session:
        assert session.connection().exec_driver_sql(calls).scalar() == 1
    make_due(late, WATCH)
    run_due(late, WATCH)
    assert entries(late) == [Reason.STALLED]
    make_due(late, WATCH)
    run_due(late, WATCH)
    assert entries(late) == [Reason.STALLED]
    tell(late, ("389", 1))
    assert (entries(late), entries(late, settled=True)) == ([], [Reason.STALLED])


def test_a_delivery_that_is_taken_back_is_before_a_person_once_however_late_the_post_said_so(there, tell):
    """Everything was killed, and the watch looked before the news was weighed: «stalled» stood beside for good."""
    tell(there, ("389", 9))
    late = replace(with_settings(there, after_asking=HOUR), now=lambda: there.now() + timedelta(days=30))
    sql(there, "UPDATE shipments SET overdue_asked = true")
    make_due(late, WATCH)
    run_due(late, WATCH)
    assert entries(late) == [Reason.STALLED]
    tell(there, ("743", 4))
    assert (entries(there), entries(there, settled=True)) == ([Reason.DELIVERY_REVOKED], [Reason.STALLED])


def test_a_letter_that_moves_on_is_not_called_stalled(there, tell):
    tell(there, ("389", 9))
    patient = with_settings(there, after_asking=HOUR)
    make_due(patient, WATCH)
    run_due(patient, WATCH)
    assert (entries(patient), only(patient).overdue_asked) == ([], False)


@pytest.mark.parametrize("tracked", [seen for seen in Tracked if seen is not Tracked.UNSEEN])
def test_every_tracked_state_that_waits_too_long_comes_before_a_person(there, drain, tracked):
    sql(there, "UPDATE shipments SET tracked = :tracked, overdue_asked = true", tracked=tracked)
    late = replace(with_settings(there, after_asking=HOUR), now=lambda: there.now() + timedelta(days=30))
    make_due(late, WATCH)
    run_due(late, WATCH)
    assert len(entries(late)) == 1


def test_a_closed_letter_is_not_watched_any_more(there, tell):
    tell(there, ("704", 5, {"deliverCode": "10"}))
    make_due(there, WATCH)
    run_due(there, WATCH)
    with there.begin() as session:
        mine = (jobs.Job.name == WATCH, jobs.Job.subject == only(there).subject, jobs.Job.done_at.is_(None))
        assert session.scalars(select(jobs.Job).where(*mine)).all() == []
