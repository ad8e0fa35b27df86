"""What anyone sees: every view is seen somewhere, has its patience, and a reason for a person."""

import itertools

import pytest

from dispatch.journey import Stage, Tracked, View, view
from dispatch.settings import Settings
from dispatch.tracking.watch import OVERDUE
from dispatch.worklist import WORDS

WAITING = [seen for seen in View if seen not in {View.CLOSED, View.CANCELLED, View.UNDELIVERED}]
ALL = list(itertools.product(Stage, Tracked))
OF_STAGE = {
    "gathering": "gathering",
    "to_book": "to_book",
    "booking": "booking",
    "in_doubt": "in_doubt",
    "refused": "refused",
    "booked": "to_print",
    "printed": "to_pack",
    "packed": "to_hand_over",
    "cancelling": "cancelling",
    "closed": "closed",
    "cancelled": "cancelled",
}
OF_NEWS = {
    "unseen": "handed_over",
    "collected": "in_transit",
    "in_transit": "in_transit",
    "at_office": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "attempt_failed": "attempt_failed",
    "awaiting_pickup": "awaiting_pickup",
    "delivered": "delivered",
    "returning": "returning",
    "returned": "returned",
    "lost": "lost",
}


@pytest.mark.parametrize(("stage", "tracked"), ALL)
def test_news_count_only_between_the_hand_over_and_the_closing(stage, tracked):
    expected = OF_NEWS[tracked] if stage is Stage.HANDED_OVER else OF_STAGE[stage]
    assert view(stage, tracked) == expected


@pytest.mark.parametrize("seen", View)
def test_no_view_is_a_word_that_nothing_leads_to(seen):
    assert any(view(stage, tracked) is seen for stage, tracked in ALL)


@pytest.mark.parametrize("seen", WAITING)
def test_whatever_waits_has_a_time_by_which_it_should_have_moved_and_words_for_a_clerk(seen):
    assert Settings().patience[seen].total_seconds() > 0
    assert WORDS[OVERDUE[seen]].act


def test_what_is_at_an_end_is_not_watched_for_ever():
    assert set(Settings().patience) == set(OVERDUE) == set(WAITING)
