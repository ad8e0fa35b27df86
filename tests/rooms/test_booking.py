"""Gathering and booking: who shares an envelope, what holds one back, and one booking whatever is killed or lost."""

import itertools
from datetime import timedelta

import pytest
from road_steps import (
    BOOK,
    SETTLE_DOUBT,
    at_once,
    books,
    details,
    do,
    end_leases,
    entries,
    make_due,
    numbers,
    only,
    phone,
    post_that_says,
    shipments,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import select

from dispatch import jobs, lease
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import CASE_WATCH, GATHER, lodge
from dispatch.approval.release import hold, lift, release
from dispatch.approval.watch_case import watch_case
from dispatch.booking import book as booking
from dispatch.booking.doubt import adopt_by_hand, book_again, confirm_never_placed
from dispatch.booking.gather import SEAL
from dispatch.booking.order import order_number
from dispatch.call import CarrierCall
from dispatch.carrier import Seen
from dispatch.errors import ConflictError, LeaseLostError, NotAllowedError
from dispatch.journey import Act, News
from dispatch.shipment import WATCH
from dispatch.tracking.observe import observe
from dispatch.tracking.watch import watch
from dispatch.worklist import Reason
from dispatch.zero_visits.close import cases_in
from workers.run import run_due

SECOND = "331127202611220002"
HOUR = timedelta(hours=1)


# Who shares an envelope.


def joined(world, drain, decided, **other_slip):
    """Two cases within the window; how many envelopes they make."""
    waiting = with_settings(world, item_grouping=HOUR)
    lodge(waiting, decided(), "test")
    lodge(waiting, decided(SECOND, slip=other_slip), "test")
    drain(waiting)
    return len(shipments(waiting))


def test_two_cases_of_one_recipient_within_the_window_go_in_one_envelope_under_one_number(post, drain, decided):
    assert joined(post.world, drain, decided) == 1
    assert only(post.world).stage == "gathering"
    make_due(post.world, SEAL)
    drain(post.world)
    assert len(numbers(post.world)) == books(post)["bookings"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"recipient_name": "钟小林"},
        {"phone": "13900000101"},
        {"detail": "团结西路8号2幢302室"},
        {"town": "鹤溪街道"},
        {"way": "post_office", "point": "鹤溪邮政所"},
        {"proxy_allowed": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_person_address_way_or_consent_never_shares_an_envelope(world, drain, decided, other):
    assert joined(world, drain, decided, **other) == 2


def test_a_case_that_comes_after_the_sealing_gets_an_envelope_of_its_own(post, drain, decided):
    world = with_settings(post.world, item_grouping=HOUR)
    lodge(world, decided(), "test")
    drain(world)
    make_due(world, SEAL)
    drain(world)
    lodge(world, decided(SECOND), "test")
    drain(world)
    assert [shipment.stage for shipment in shipments(world)] == ["booked", "gathering"]
    assert len({shipment.order_no for shipment in shipments(world)}) == 2


def test_cases_gathered_at_the_same_moment_make_one_envelope_and_every_document_lies_in_it(world, decided):
    waiting = with_settings(world, item_grouping=HOUR)
    for number in range(8):
        lodge(waiting, decided(f"33112720261122000{number}"), "test")
    at_once([lambda: run_due(waiting, GATHER)] * 8)
    assert len(shipments(waiting)) == 1
    with world.begin() as session:
        assert len(session.execute(select(booking.Shipment.id)).all()) == 1
        assert session.connection().exec_driver_sql("SELECT count(*) FROM contents").scalar() == 8


def test_a_repeated_gathering_puts_no_document_into_a_second_envelope(world, drain, decided):
    lodged = lodge(world, decided(), "test")
    run_due(world, GATHER)
    with world.begin() as session:
        jobs.leave(session, GATHER, f"case:{lodged.case_id}")
    run_due(world, GATHER)
    assert len(shipments(world)) == 1


# What holds a case back.


def test_a_held_case_stays_and_goes_by_itself_when_the_hold_is_lifted(post, drain, decided):
    world = post.world
    lodge(world, decided(hold="欠费"), "test")
    drain(world)
    assert shipments(world) == []
    lift(world, decided().case_no, "clerk")
    drain(world)
    assert len(numbers(world)) == 1


def test_a_case_held_by_a_clerk_before_it_is_gathered_stays(world, drain, decided):
    lodge(world, decided(), "test")
    hold(world, decided().case_no, "待签字", "clerk")
    drain(world)
    assert shipments(world) == []


def test_a_case_whose_paper_is_not_out_stays_and_goes_by_itself_when_it_is(post, drain, decided):
    world = post.world
    lodge(world, decided(paper_ready=False), "test")
    drain(world)
    assert shipments(world) == []
    register_paper(world, decided().case_no, Paper("李科员"), "test")
    drain(world)
    assert len(numbers(world)) == 1


def test_a_case_that_waits_for_a_persons_release_waits_and_a_second_release_books_nothing_more(post, drain, decided):
    world = with_settings(post.world, item_release="when_released")
    lodge(world, decided(), "test")
    drain(world)
    assert shipments(world) == []
    assert release(world, decided().case_no, "clerk")
    drain(world)
    assert not release(world, decided().case_no, "clerk")
    drain(world)
    assert books(post)["bookings"] == len(numbers(world)) == 1


def test_each_missing_thing_alone_holds_a_case_back(world, drain, decided):
    waiting = with_settings(world, item_release="when_released")
    lodge(waiting, decided(hold="欠费", paper_ready=False), "test")
    steps = [
        lambda: release(waiting, decided().case_no, "clerk"),
        lambda: register_paper(waiting, decided().case_no, Paper("李科员"), "test"),
        lambda: lift(waiting, decided().case_no, "clerk"),
    ]
    for step in steps:
        run_due(waiting, GATHER)
        assert shipments(waiting) == []
        step()
    run_due(waiting, GATHER)
    assert len(shipments(waiting)) == 1


# Our number, and the identical order.


def test_the_order_number_is_derived_from_the_papers_and_not_from_their_arrival(world):
    papers = [("331127202611220001", 1), ("331127202611220001", 2), (SECOND, 1)]
    made = {order_number(world, "outbound", order, 1) for order in itertools.permutations(papers)}
    assert len(made) == 1
    others = [("outbound", papers[:2], 1), ("inbound", papers, 1), ("outbound", papers, 2)]
    assert len(made | {order_number(world, *other) for other in others}) == 4
    assert "331127" not in made.pop()


def test_a_restored_backup_derives_the_same_order_number_again(world, decided):
    lodge(world, decided(), "test")
    run_due(world, GATHER)
    before = only(world).order_no
    sql(world, "TRUNCATE shipments CASCADE")
    with world.begin() as session:
        case_id = session.connection().exec_driver_sql("SELECT id FROM cases").scalar()
        jobs.leave(session, GATHER, f"case:{case_id}")
    run_due(world, GATHER)
    assert only(world).order_no == before


def requests(world):
    with world.begin() as session:
        calls = session.scalars(select(CarrierCall).order_by(CarrierCall.intended_at)).all()
        return [world.vault.open(call, "request") for call in calls], [call.outcome for call in calls]


# Killed, lost, away: one booking.


def killed_after_intent(world, decided, **slip):
    """The intent is committed and the worker is gone: what it left is in the database alone."""
    lodge(world, decided(slip=slip), "test")
    run_due(world, GATHER)
    [claim] = lease.claim(world, BOOK, 1)
    intent = booking._intend(world, claim)
    assert only(world).stage == "booking"
    return claim, intent


def test_killed_between_intent_and_call_the_order_is_repeated_under_its_number_and_placed_once(post, drain, decided):
    world = post.world
    killed_after_intent(world, decided)
    end_leases(world)
    run_due(world, BOOK)
    assert only(world).stage == "in_doubt"
    make_due(world, SETTLE_DOUBT)
    drain(world)
    texts, _ = requests(world)
    assert len(texts) == 2
    assert len(set(texts)) == 1
    assert [order["order_no"] for order in books(post)["orders"]] == [only(world).order_no]
    assert numbers(world) == [books(post)["orders"][0]["waybill_no"]]


def test_killed_after_the_post_took_the_order_the_repetition_brings_the_same_number(post, drain, decided):
    world = post.world
    claim, intent = killed_after_intent(world, decided)
    heard = booking.speak(world, claim, intent)
    end_leases(world)
    run_due(world, BOOK)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert numbers(world) == [heard.told.waybill_no]
    assert books(post)["bookings"] == 1


def test_a_worker_that_wakes_after_its_lease_writes_nothing_and_books_nothing_twice(post, drain, decided):
    world = post.world
    claim, intent = killed_after_intent(world, decided)
    end_leases(world)
    run_due(world, BOOK)
    heard = booking.speak(world, claim, intent)
    with pytest.raises(LeaseLostError), booking.written_in(claim, heard) as session:
        booking.take_number(world, session, booking.lock(session, only(world).id), heard.told, "answer")
    assert (only(world).stage, numbers(world)) == ("in_doubt", [])
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert (books(post)["bookings"], numbers(world)) == (1, [heard.told.waybill_no])


def test_a_lost_answer_ends_in_one_booking(post, drain, decided):
    patient = post.world.carriers["ems"]
    patient.line.client.timeout = 0.3
    lodge(post.world, decided(slip=phone(17)), "test")
    drain(post.world)
    make_due(post.world, SETTLE_DOUBT)
    drain(post.world)
    assert requests(post.world)[1][0] == "NoAnswer"
    assert (books(post)["bookings"], len(numbers(post.world)), entries(post.world)) == (1, 1, [])


def test_a_503_is_doubt_and_ends_in_one_booking(post, drain, decided):
    lodge(post.world, decided(slip=phone(23)), "test")
    drain(post.world)
    make_due(post.world, SETTLE_DOUBT)
    drain(post.world)
    assert requests(post.world)[1] == ["NoAnswer", "Booked"]
    assert (books(post)["bookings"], len(numbers(post.world)), entries(post.world)) == (1, 1, [])


def test_a_post_that_is_away_is_no_doubt_the_order_waits_and_goes_out_once_it_is_back(post, drain, decided):
    away = with_account(post.world, endpoint="http://127.0.0.1:9/closed")
    lodge(away, decided(), "test")
    run_due(away, GATHER)
    [claim] = lease.claim(away, BOOK, 1)
    booking.book(away, claim)
    assert (only(away).stage, entries(away)) == ("to_book", [])
    make_due(post.world, BOOK)
    drain(post.world)
    assert books(post)["bookings"] == len(numbers(post.world)) == 1


def test_an_account_whose_repetitions_are_unconfirmed_repeats_nothing_and_asks_a_person(post, drain, decided):
    world = with_account(post.world, repeats_are_idempotent=False)
    lodge(world, decided(slip=phone(23)), "test")
    drain(world)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    assert (only(world).stage, entries(world)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])
    assert (len(requests(world)[0]), books(post)["bookings"]) == (1, 0)


def in_doubt(post, drain, decided):
    world = with_account(post.world, repeats_are_idempotent=False)
    lodge(world, decided(slip=phone(23)), "test")
    drain(world)
    make_due(world, SETTLE_DOUBT)
    drain(world)
    return world, only(world)


def test_what_a_person_learned_was_never_placed_is_placed_again_under_the_same_number(post, drain, decided):
    world, shipment = in_doubt(post, drain, decided)
    confirm_never_placed(world, shipment.id, "clerk")
    with pytest.raises(NotAllowedError):
        confirm_never_placed(world, shipment.id, "clerk")
    drain(world)
    assert [order["order_no"] for order in books(post)["orders"]] == [shipment.order_no]
    assert (len(numbers(world)), entries(world)) == (1, [])


def test_doubt_that_comes_back_after_a_person_settled_it_is_seen_again(world, drain, decided):
    silent = with_account(world, repeats_are_idempotent=False)
    with post_that_says(silent, lambda _: (500, {})) as there:
        lodged = with_account(there, repeats_are_idempotent=False)
        lodge(lodged, decided(), "test")
        for _ in range(2):
            drain(lodged)
            make_due(lodged, SETTLE_DOUBT)
            drain(lodged)
            assert (only(lodged).stage, entries(lodged)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])
            confirm_never_placed(lodged, only(lodged).id, "clerk")
            assert entries(lodged) == []


def test_a_number_learned_by_telephone_is_adopted_once_and_only_if_it_can_be_one(post, drain, decided):
    world, shipment = in_doubt(post, drain, decided)
    with pytest.raises(NotAllowedError):
        adopt_by_hand(world, shipment.id, "12345", "clerk")
    adopt_by_hand(world, shipment.id, "1100000009999", "clerk")
    assert (numbers(world), only(world).stage, entries(world)) == (["1100000009999"], "booked", [])
    with pytest.raises(NotAllowedError):
        adopt_by_hand(world, shipment.id, "1100000009998", "clerk")
    drain(world)
    assert books(post)["bookings"] == 0


def test_another_letters_number_is_not_adopted_by_hand_and_the_person_is_told(post, drain, decided):
    lodge(post.world, decided(SECOND), "test")
    drain(post.world)
    [taken] = numbers(post.world)
    world = with_account(post.world, repeats_are_idempotent=False)
    lodge(world, decided(slip=phone(23)), "test")
    drain(world)
    [doubtful] = [shipment for shipment in shipments(world) if shipment.stage == "in_doubt"]
    with pytest.raises(ConflictError):
        adopt_by_hand(world, doubtful.id, taken, "clerk")
    assert numbers(world) == [taken]


def test_a_number_that_is_already_another_letters_is_never_live_twice_and_comes_before_a_person(
    world, drain, decided
):
    same = {"waybillNo": "1100000000001", "routeCode": "330"}
    with post_that_says(world, lambda _: (200, same)) as there:
        lodge(there, decided(), "test")
        drain(there)
        lodge(there, decided(SECOND), "test")
        drain(there)
        assert numbers(there) == ["1100000000001"]
        assert [shipment.stage for shipment in shipments(there)] == ["booked", "in_doubt"]
        assert entries(there) == [Reason.TWO_NUMBERS]
        assert "1100000000001" in details(there, Reason.TWO_NUMBERS)[0]


def test_a_second_number_for_one_letter_is_never_live_beside_the_first(world, drain, decided):
    counted = itertools.count(1)
    answer = lambda _: (200, {"waybillNo": f"110000000000{next(counted)}"})  # noqa: E731
    with post_that_says(world, answer) as there:
        claim, intent = killed_after_intent(there, decided)
        heard, other = booking.speak(world, claim, intent), booking.speak(world, claim, intent)
        with booking.written_in(claim, heard) as session:
            shipment = booking.lock(session, only(there).id)
            booking.take_number(there, session, shipment, heard.told, "answer")
        with there.begin() as session:
            shipment = booking.lock(session, only(there).id)
            booking.take_number(there, session, shipment, other.told, "push")
        assert numbers(there) == [heard.told.waybill_no]
        assert (only(there).stage, entries(there)) == ("booked", [Reason.TWO_NUMBERS])


def test_doubt_that_no_rung_of_the_ladder_settles_ends_before_a_person_and_is_never_booked_anew(
    world, drain, decided
):
    asked = []
    with post_that_says(world, lambda code: (500, {"asked": asked.append(code)})) as there:
        lodge(there, decided(), "test")
        drain(there)
        for _ in range(6):
            make_due(there, SETTLE_DOUBT)
            drain(there)
        texts, outcomes = requests(there)
        assert len(texts) == len(asked) == 1 + len(there.settings.doubt_ladder)
        assert (set(outcomes), len(set(texts))) == ({"NoAnswer"}, 1)
        assert (only(there).stage, entries(there)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])


REFUSAL = {"retCode": "SBX202", "retMsg": "收件人地址超出投递范围", "retBody": ""}


def test_a_refused_order_waits_for_a_person_with_the_carriers_words_and_goes_out_again_mended(world, drain, decided):
    answers = iter([REFUSAL, {"waybillNo": "1100000000001"}])
    with post_that_says(world, lambda _: (200, next(answers))) as there:
        lodge(there, decided(), "test")
        drain(there)
        assert (only(there).stage, entries(there)) == ("refused", [Reason.REFUSED_BY_CARRIER])
        assert "收件人地址超出投递范围" in details(there, Reason.REFUSED_BY_CARRIER)[0]
        book_again(there, only(there).id, "clerk")
        with pytest.raises(NotAllowedError):
            book_again(there, only(there).id, "clerk")
        drain(there)
        assert (numbers(there), entries(there)) == (["1100000000001"], [])
        assert entries(there, settled=True) == [Reason.REFUSED_BY_CARRIER]


def test_a_second_refusal_of_the_same_letter_is_seen_too(world, drain, decided):
    with post_that_says(world, lambda _: (200, REFUSAL)) as there:
        lodge(there, decided(), "test")
        drain(there)
        book_again(there, only(there).id, "clerk")
        drain(there)
        assert (only(there).stage, entries(there)) == ("refused", [Reason.REFUSED_BY_CARRIER])


def test_an_account_that_is_not_accepted_books_nothing_doubts_nothing_and_goes_on_when_it_is(world, drain, decided):
    status = [401]
    with post_that_says(world, lambda _: (status[0], {"waybillNo": "1100000000001"})) as there:
        lodge(there, decided(), "test")
        run_due(there, GATHER)
        [claim] = lease.claim(there, BOOK, 1)
        booking.book(there, claim)
        assert only(there).stage == "to_book"
        status[0] = 200
        make_due(there, BOOK)
        drain(there)
        assert numbers(there) == ["1100000000001"]


def test_an_act_that_the_journey_does_not_know_here_is_an_error_and_changes_nothing(world, decided):
    lodge(world, decided(), "test")
    run_due(world, GATHER)
    with pytest.raises(NotAllowedError):
        do(world, Act.HAND_OVER, only(world))
    assert only(world).stage == "to_book"


def test_a_case_held_within_the_grouping_window_is_taken_out_of_the_envelope(post, drain, decided):
    """A hold that reports success, and is then carried all the same."""
    world = with_settings(post.world, item_grouping=HOUR)
    kept, let_go = decided(), decided(SECOND)
    for case in (kept, let_go):
        lodge(world, case, "test")
    drain(world)
    hold(world, kept.case_no, "欠费", "窗口")
    make_due(world, SEAL)
    drain(world)
    [envelope] = shipments(world)
    assert cases_of(world, envelope) == [let_go.case_no]
    with pytest.raises(ConflictError, match="请先撤销寄递"):
        hold(world, let_go.case_no, "欠费", "窗口")
    lift(world, kept.case_no, "窗口")
    drain(world)
    assert [cases_of(world, one) for one in shipments(world)] == [[let_go.case_no], [kept.case_no]]


def test_an_envelope_whose_only_case_is_held_is_not_booked_empty(post, drain, decided):
    world = with_settings(post.world, item_grouping=HOUR)
    lodge(world, decided(), "test")
    drain(world)
    hold(world, decided().case_no, "欠费", "窗口")
    make_due(world, SEAL)
    drain(world)
    assert (only(world).stage, books(post)["bookings"]) == ("cancelled", 0)


def cases_of(world, shipment):
    with world.begin() as session:
        return [case.case_no for case, _ in cases_in(session, [shipment.id])]


def test_thirty_envelopes_over_one_connection_are_gathered_without_a_failure(world, drain, decided):
    """A prepared statement turned generic once stopped matching the partial index."""
    waiting = with_settings(world, item_grouping=HOUR)
    for number in range(30):
        lodge(waiting, decided(f"CASE-{number}", slip={"detail": f"团结西路{number}号"}), "test")
    drain(waiting)
    with world.begin() as session:
        assert session.scalars(select(jobs.JobFailure.id)).all() == []
    assert len(shipments(world)) == 30


def test_a_failure_that_the_account_does_not_know_as_a_refusal_is_doubt_and_not_booked_anew(world, drain, decided):
    """«System timed out» in a proper envelope may hide a booking."""
    unlisted = {"retCode": "S00099", "retMsg": "系统处理超时", "retBody": ""}
    with post_that_says(with_account(world, repeats_are_idempotent=False), lambda _: (200, unlisted)) as there:
        lodge(there, decided(), "test")
        drain(there)
        assert (only(there).stage, entries(there)) == ("in_doubt", [Reason.BOOKING_IN_DOUBT])


def test_a_push_with_our_number_for_an_order_thought_never_placed_is_adopted_and_nothing_is_booked_anew(
    post, drain, decided
):
    lodge(post.world, decided(), "test")
    run_due(post.world, GATHER)
    shipment = only(post.world)
    assert shipment.stage == "to_book"
    told = Seen("1100000009999", post.world.now(), "203", News.COLLECTED, order_no=shipment.order_no)
    with post.world.begin() as session:
        observe(post.world, session, "ems", told, "push")
    drain(post.world)
    assert (numbers(post.world), books(post)["bookings"]) == (["1100000009999"], 0)


def test_a_post_that_stays_away_is_shown_although_it_is_tried_again_and_again(world, drain, decided):
    """Trying again is no progress: it must not start the patience anew."""
    impatient = with_settings(world, patience=dict.fromkeys(world.settings.patience, timedelta(0)))
    lodge(impatient, decided(), "test")
    run_due(impatient, GATHER)
    for _ in range(3):
        make_due(impatient, BOOK)
        [claim] = lease.claim(impatient, BOOK, 1)
        booking.book(impatient, claim)
    make_due(impatient, WATCH)
    [claim] = lease.claim(impatient, WATCH, 1)
    watch(impatient, claim)
    assert entries(impatient) == [Reason.JOB_STUCK]


def test_a_repetition_says_word_for_word_what_was_said_first_though_the_settings_changed(post, drain, decided):
    killed_after_intent(post.world, decided)
    end_leases(post.world)
    moved = with_settings(post.world, centre=post.world.settings.centre.model_copy(update={"phone": "0578-0000000"}))
    drain(moved)
    said = set(requests(moved)[0])
    assert (len(said), books(post)["bookings"]) == (1, 1)


def test_a_case_that_waits_for_its_paper_is_shown_past_its_patience_until_it_goes(world, drain, decided):
    impatient = with_settings(world, case_patience=timedelta(0), item_grouping=HOUR)
    lodge(impatient, decided(paper_ready=False), "test")
    run_due(impatient, GATHER)
    [claim] = lease.claim(impatient, CASE_WATCH, 1)
    watch_case(impatient, claim)
    assert entries(impatient) == [Reason.PAPER_LATE]
    register_paper(impatient, decided().case_no, Paper("李科员"), "test")
    run_due(impatient, GATHER)
    assert entries(impatient) == []
