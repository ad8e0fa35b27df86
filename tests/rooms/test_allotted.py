"""Numbers that were allotted beforehand: each stands for one envelope; a used-up segment is seen and waited for."""

from datetime import timedelta

import pytest
from carriers import express
from road_steps import at_once, details, entries, make_due, numbers, only, settle_all, shipments, sql, with_settings
from sqlalchemy import func, select

from dispatch import jobs
from dispatch.approval.carriage import clear, withdraw
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers, numbers_left
from dispatch.booking.cancel import void_label
from dispatch.booking.route import set_route
from dispatch.booking.take_off import Then
from dispatch.call import CarrierCall
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.worklist import Reason
from workers.run import run_due

ITEM = "食品经营许可"
BOOK = jobs.on_lane("shipment.book", "zto")
CANCEL = jobs.on_lane("shipment.cancel", "zto")
SEGMENT = [f"7300000000{n:02}" for n in range(1, 13)]


@pytest.fixture
def town(post, decided):
    """An express company with allotted numbers carries a cleared item. Who must wait, waits for an hour."""
    world = with_settings(express(post.world), job_retry_cap=timedelta(hours=1))
    lodge(world, decided("331127202611229999", hold="先不寄"), "test")
    clear(world, ITEM, "景法审〔2026〕3号", "legal")
    set_route(world, "", ITEM, "zto", "clerk")
    return world


def gather(world, decided, *lots):
    """A letter to each of these addresses, gathered and not booked."""
    for n in lots:
        lodge(world, decided(f"3311272026112200{n:02}", slip={"detail": f"团结西路{n}号"}), "test")
    run_due(world, "case.gather")


def book_due(world):
    make_due(world, BOOK)
    run_due(world, BOOK)


def left(world):
    with world.reading() as session:
        return numbers_left(session, "zto")


def stages(world):
    return sorted(shipment.stage for shipment in shipments(world))


def test_workers_that_book_at_the_same_moment_give_no_number_twice_and_none_away_unused(town, decided):
    add_numbers(town, "zto", SEGMENT, "clerk")
    gather(town, decided, *range(1, 11))
    at_once([lambda: run_due(town, BOOK)] * 4)
    assert stages(town) == ["booked"] * 10
    assert sorted(numbers(town)) == SEGMENT[:10]
    assert left(town) == 2


def test_workers_that_fight_for_the_last_numbers_leave_the_others_waiting_in_sight(town, decided):
    add_numbers(town, "zto", SEGMENT[:3], "clerk")
    gather(town, decided, *range(1, 9))
    at_once([lambda: run_due(town, BOOK)] * 4)
    assert stages(town) == ["booked"] * 3 + ["to_book"] * 5
    assert sorted(numbers(town)) == SEGMENT[:3]
    assert entries(town) == [Reason.NUMBERS_OUT]


def test_thirty_two_workers_at_once_give_no_number_twice(town, decided):
    numbers_of_forty = [f"7300000010{n:02}" for n in range(40)]
    add_numbers(town, "zto", numbers_of_forty, "clerk")
    gather(town, decided, *range(1, 33))
    at_once([lambda: run_due(town, BOOK)] * 32)
    assert stages(town) == ["booked"] * 32
    assert sorted(numbers(town)) == numbers_of_forty[:32]
    assert (left(town), entries(town)) == (8, [])


def test_a_person_is_told_while_a_tenth_of_the_segment_is_left_once_for_each_filling(town, decided):
    add_numbers(town, "zto", [f"7300000020{n:02}" for n in range(20)], "clerk")
    gather(town, decided, *range(1, 18))
    run_due(town, BOOK)
    assert (left(town), entries(town)) == (3, [])
    gather(town, decided, 18)
    run_due(town, BOOK)
    assert (left(town), entries(town)) == (2, [Reason.NUMBERS_LOW])
    assert details(town, Reason.NUMBERS_LOW) == ["中通快递的号段补领后有 20 个可用的运单号，还剩 2 个。"]
    settle_all(town, Reason.NUMBERS_LOW)
    gather(town, decided, 19)
    run_due(town, BOOK)
    assert (left(town), entries(town)) == (1, [])  # a person has it in hand


def test_numbers_that_are_added_end_the_warning_by_themselves_and_the_next_filling_has_its_own(town, decided):
    early = with_settings(town, numbers_low=0.5)
    add_numbers(early, "zto", SEGMENT[:4], "clerk")
    gather(early, decided, 1, 2)
    run_due(early, BOOK)
    assert entries(early) == [Reason.NUMBERS_LOW]
    add_numbers(early, "zto", SEGMENT[4:8], "clerk")  # six are free now: half of them are three
    assert (entries(early), entries(early, settled=True)) == ([], [Reason.NUMBERS_LOW])
    gather(early, decided, 3, 4)
    run_due(early, BOOK)
    assert (left(early), entries(early)) == (4, [])
    gather(early, decided, 5)
    run_due(early, BOOK)
    assert (left(early), entries(early)) == (3, [Reason.NUMBERS_LOW])


def test_workers_that_take_the_last_numbers_at_once_warn_once_and_used_up_it_is_told_as_that(town, decided):
    add_numbers(town, "zto", SEGMENT, "clerk")
    gather(town, decided, *range(1, 13))
    at_once([lambda: run_due(town, BOOK)] * 8)
    assert (left(town), entries(town)) == (0, [Reason.NUMBERS_LOW])
    gather(town, decided, 13)
    run_due(town, BOOK)
    assert entries(town) == [Reason.NUMBERS_OUT]


def test_of_a_short_segment_the_last_number_is_warned_of_while_it_is_there(town, decided):
    add_numbers(town, "zto", SEGMENT[:2], "clerk")
    gather(town, decided, 1)
    run_due(town, BOOK)
    assert (left(town), entries(town)) == (1, [Reason.NUMBERS_LOW])


def test_the_number_is_the_booking_and_no_carrier_is_asked(town, post, decided):
    add_numbers(town, "zto", SEGMENT, "clerk")
    gather(town, decided, 1)
    run_due(town, BOOK)
    assert (only(town).stage, numbers(town)) == ("booked", SEGMENT[:1])
    with town.reading() as session:
        assert session.scalar(select(func.count()).select_from(CarrierCall)) == 0


def test_new_numbers_end_the_waiting_and_the_alarm_by_themselves(town, decided):
    gather(town, decided, 1, 2)
    run_due(town, BOOK)
    assert (stages(town), entries(town)) == (["to_book", "to_book"], [Reason.NUMBERS_OUT])
    assert "号段" in details(town, Reason.NUMBERS_OUT)[0]
    add_numbers(town, "zto", SEGMENT[:2], "clerk")
    assert entries(town) == []
    book_due(town)
    assert (stages(town), sorted(numbers(town))) == (["booked", "booked"], SEGMENT[:2])


def test_new_numbers_wake_whoever_waits_for_one_and_nobody_sleeps_until_its_next_look(town, decided):
    gather(town, decided, 1, 2)
    run_due(town, BOOK)
    add_numbers(town, "zto", SEGMENT[:2], "clerk")
    assert town.bell.rung[-1] == BOOK
    run_due(town, BOOK)
    assert (stages(town), sorted(numbers(town))) == (["booked", "booked"], SEGMENT[:2])


def test_new_numbers_do_not_touch_what_another_carrier_has_to_book(town, decided):
    lodge(town, decided("331127202611228888", item_name="公章刻制备案", slip={"detail": "团结西路99号"}), "test")
    run_due(town, "case.gather")
    town.bell.rung.clear()
    add_numbers(town, "zto", SEGMENT[:2], "clerk")
    assert town.bell.rung == []


@pytest.mark.parametrize("settled_by_hand", [False, True])
def test_a_segment_that_is_used_up_a_second_time_is_seen_a_second_time(town, decided, settled_by_hand):
    gather(town, decided, 1, 2)
    run_due(town, BOOK)
    if settled_by_hand:
        settle_all(town, Reason.NUMBERS_OUT)
    add_numbers(town, "zto", SEGMENT[:1], "clerk")
    book_due(town)
    assert (stages(town), entries(town)) == (["booked", "to_book"], [Reason.NUMBERS_OUT])


def test_looking_again_and_again_at_an_empty_segment_opens_one_entry_and_a_persons_word_holds(town, decided):
    gather(town, decided, 1)
    for _ in range(3):
        book_due(town)
    assert entries(town) == [Reason.NUMBERS_OUT]
    settle_all(town, Reason.NUMBERS_OUT)
    book_due(town)
    assert entries(town) == []


@pytest.mark.parametrize("wrong", ["7300000000", "7300000000012", "73000000000A", "73000000000 1"])
def test_one_wrong_number_refuses_the_whole_list(town, wrong):
    with pytest.raises(NotAllowedError, match="整份没有收"):
        add_numbers(town, "zto", [*SEGMENT, wrong], "clerk")
    assert left(town) == 0


def test_a_list_may_be_read_in_twice_with_gaps_and_blanks_and_counts_each_number_once(town):
    assert add_numbers(town, "zto", [" 730000000001 ", "", "730000000001", "730000000002\r\n"], "clerk") == 2
    assert add_numbers(town, "zto", SEGMENT[:3], "clerk") == 1
    assert left(town) == 3


def test_a_list_that_two_clerks_read_in_at_once_counts_each_number_once(town):
    added = at_once([lambda: add_numbers(town, "zto", SEGMENT, "clerk")] * 2)
    assert (sum(added), left(town)) == (len(SEGMENT), len(SEGMENT))


def test_a_carrier_that_numbers_its_bookings_itself_takes_no_segment(town):
    with pytest.raises(NotAllowedError, match="不用号段"):
        add_numbers(town, "ems", ["1100000000001"], "clerk")
    with pytest.raises(NotFoundError):
        add_numbers(town, "nobody", SEGMENT, "clerk")


def test_a_second_label_takes_the_next_number_and_the_first_is_never_given_again(town, decided):
    add_numbers(town, "zto", SEGMENT[:2], "clerk")
    gather(town, decided, 1)
    run_due(town, BOOK)
    void_label(town, only(town).id, Then.BOOK_AGAIN, "clerk")
    run_due(town, CANCEL)
    run_due(town, BOOK)
    assert numbers(town) == SEGMENT[1:2]
    add_numbers(town, "zto", SEGMENT[:2], "clerk")  # the same list again brings no number back
    gather(town, decided, 2)
    run_due(town, BOOK)
    assert (numbers(town), entries(town)) == (SEGMENT[1:2], [Reason.NUMBERS_OUT])


def test_a_number_that_is_another_letters_already_is_never_live_twice(town, decided):
    add_numbers(town, "zto", SEGMENT, "clerk")
    gather(town, decided, 1)
    run_due(town, BOOK)
    sql(town, "UPDATE allotted_numbers SET shipment_id = NULL")  # as after a restored backup of this table alone
    gather(town, decided, 2)
    run_due(town, BOOK)
    assert (numbers(town), entries(town)) == (SEGMENT[:1], [Reason.TWO_NUMBERS])


def test_what_the_law_forbids_by_now_is_told_as_that_and_not_as_a_want_of_numbers(town, decided):
    gather(town, decided, 1)
    withdraw(town, ITEM, "legal")
    run_due(town, BOOK)
    assert entries(town) == [Reason.ROUTE_UNLAWFUL]


def test_a_job_for_what_is_booked_already_raises_no_alarm_about_an_empty_segment(town, decided):
    add_numbers(town, "zto", SEGMENT[:1], "clerk")
    gather(town, decided, 1)
    run_due(town, BOOK)
    with town.begin() as session:
        jobs.leave(session, "shipment.book", only(town).subject, lane="zto")
    run_due(town, BOOK)
    assert (numbers(town), entries(town)) == (SEGMENT[:1], [Reason.NUMBERS_LOW])
