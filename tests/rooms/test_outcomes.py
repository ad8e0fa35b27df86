"""What became of everything: each case counted once, by one definition."""

import dataclasses
from datetime import timedelta

import pytest
from on_the_road import CLERK, Road

from dispatch.approval.release import hold
from dispatch.worklist import Reason
from dispatch.zero_visits.outcomes import Outcomes, count_outcomes, where_they_are
from dispatch.zero_visits.settle import settle_entry
from dispatch.zero_visits.word import confirm_received

PERSON = {"recipient_name": "雷春燕", "phone": "13900000002"}


@pytest.fixture
def road(post, drain):
    return Road(post.world, drain)


def counted(road: Road) -> Outcomes:
    with road.world.reading() as session:
        return count_outcomes(session)


def stations(road: Road) -> dict[str, int]:
    with road.world.reading() as session:
        return {station: many for station, many in where_they_are(session).items() if many}


def test_an_empty_service_counts_nought_everywhere(road):
    assert counted(road) == Outcomes(0, 0, 0, 0, 0, 0, 0, 0)
    assert stations(road) == {}


def test_each_case_is_counted_once_by_what_became_of_it(road, decided):
    went = decided("B-walked", application={"kind": "hall_counter"})
    road.hand_over(decided("A-zero"), went, decided("C-back"), decided("D-revoked"), decided("E-moving"))
    road.deliver("A-zero")
    road.deliver("B-walked")
    road.tell("C-back", "708")
    road.tell("C-back", "711")
    road.deliver("D-revoked")
    road.revoke("D-revoked")
    road.tell("E-moving", "203")
    road.lodge(decided("F-no-paper", paper_ready=False))
    assert counted(road) == Outcomes(
        cases=6,
        shipments=5,
        closed=2,
        zero_visits=1,
        after_visits=1,
        returned=1,
        on_the_worklist=2,
        open_ends=2,
    )
    # The revoked one is closed, but its closing is disputed: nobody else counts it as closed.
    assert stations(road) == {"待出证": 1, "在途": 1, "退件已到": 1, "送达闭环": 3}


def test_a_revoked_closing_counts_again_only_on_the_applicants_word(road, decided):
    """A note that settles the entry proves nothing; what it says may be «not received»."""
    road.hand_over(decided("A"))
    road.deliver("A")
    assert (counted(road).closed, counted(road).on_the_worklist) == (1, 0)
    road.revoke("A")
    assert (counted(road).closed, counted(road).on_the_worklist, counted(road).open_ends) == (0, 1, 0)
    [entry] = road.entries()
    settle_entry(road.world, str(entry.id.hex[-8:]), CLERK, "已问投递员")
    assert (counted(road).closed, counted(road).on_the_worklist, counted(road).open_ends) == (0, 1, 0)
    confirm_received(road.world, "A", CLERK, "电话核实，本人在家收到")
    assert (counted(road).closed, counted(road).zero_visits, counted(road).on_the_worklist) == (1, 1, 0)


def test_an_entry_on_an_envelope_puts_every_case_in_it_on_the_worklist(post, drain, decided):
    settings = post.world.settings.model_copy(update={"item_grouping": timedelta(hours=1)})
    road = Road(dataclasses.replace(post.world, settings=settings), drain)
    road.lodge(decided("A"), decided("B"))
    assert stations(road) == {"待合并": 2}
    road.seal_envelopes()
    road.hand_over()
    assert road.shipment("A").id == road.shipment("B").id
    road.tell("A", "711")
    [entry] = road.entries()
    assert entry.reason == Reason.RETURNED
    assert counted(road) == Outcomes(2, 1, 0, 0, 0, 2, 2, 0)


def test_a_case_without_an_envelope_stands_where_it_waits(post, drain, decided):
    settings = post.world.settings.model_copy(update={"item_release": "when_released"})
    road = Road(dataclasses.replace(post.world, settings=settings), drain)
    road.lodge(decided("A"), decided("B", paper_ready=False), decided("C", hold="欠费"), decided("D"))
    hold(road.world, "D", "原证未收回", CLERK)
    assert stations(road) == {"待出证": 1, "暂缓寄递": 2, "待放行": 1}
    assert counted(road).open_ends == counted(road).cases == 4


def test_every_station_is_named_even_where_nobody_stands(road):
    with road.world.reading() as session:
        named = list(where_they_are(session))
    assert named[:6] == ["待出证", "暂缓寄递", "待放行", "待合并", "待下单", "下单中"]
    assert named[-3:] == ["送达闭环", "已撤销", "未送达已了结"]


def test_a_returned_letter_that_was_settled_with_a_note_does_not_vanish(road, decided):
    """Settled is not ended: the case is neither closed nor forgotten, and no count loses it."""
    road.hand_over(decided("A"))
    for code in ("203", "708", "711"):
        road.tell("A", code)
    for entry in road.entries():
        settle_entry(road.world, str(entry.id.hex[-8:]), CLERK, "已电联，待二次寄递")
    seen = counted(road)
    assert (seen.closed, seen.on_the_worklist, seen.returned, seen.open_ends) == (0, 1, 1, 0)


def test_a_trip_that_is_told_after_the_closing_is_counted_all_the_same(road, decided):
    """704 in hand closes at once; that the letter had lain at a counter comes later, and is older."""
    road.hand_over(decided("A"))
    road.deliver("A")
    assert counted(road).zero_visits == 1
    road.tell("A", "747", at=road.world.now() - timedelta(hours=1))
    assert (counted(road).zero_visits, counted(road).after_visits) == (0, 1)


def test_a_second_signer_after_the_closing_comes_before_a_person(road, decided):
    road.hand_over(decided("A"))
    road.deliver("A")
    road.tell("A", "704", "20")
    assert [entry.reason for entry in road.entries()] == ["delivery_revoked"]
