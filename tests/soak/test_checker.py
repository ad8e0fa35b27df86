"""The checker of a soak finds what was lost and what was doubled on purpose, and nothing where all is well."""

from dataclasses import replace

import httpx2
import pytest

from dispatch.approval.lodge import lodge
from dispatch.booking.order import build_order, parcel
from tests.rooms.road_steps import numbers, on_the_way, only, push, raw_push
from tests.soak.checker import doubled, gone_back, lost
from tests.soak.clients import CHANGED, DELIVERED, DISPUTED, LODGE, PAGE, RecordedClerk
from tests.soak.history import History, Outcome
from tests.storm.books import books_of
from tests.storm.run import HAND_OVER, PACK, PRINT

NEVER_SEEN = "331127202611229999"


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def delivered(post, drain, decided, history):
    """One letter from the case to the closing, and what its approval system knows of it."""
    world, case = post.world, decided()
    on_the_way(world, drain, case)
    for code, more in (("203", {}), ("704", {"deliverCode": "10"})):
        push(world, raw_push(world, numbers(world)[0], code, world.now(), **more))
        drain(world)
    _asked(history, LODGE, case.case_no, Outcome.OK)
    return world


def _asked(history, kind, key, outcome):
    with history.of(kind, key) as operation:
        operation.outcome = outcome


def _found(kind, world, history, post):
    with httpx2.Client() as client, world.reading() as session:
        return kind(world, session, history, {"ems": books_of(client, post.url)})


def _say(world, call_of):
    """Say something to the post behind the service's back."""
    post = world.carriers["ems"]
    with world.reading() as session:
        call = call_of(post, session)
    assert post.speak(call).status == 200


def test_where_all_is_well_nothing_is_found(delivered, history, post):
    assert (_found(lost, delivered, history, post), _found(doubled, delivered, history, post)) == ([], [])


def test_a_case_that_was_taken_and_is_not_there_is_lost_and_one_that_was_refused_is_not(delivered, history, post):
    _asked(history, LODGE, NEVER_SEEN, Outcome.UNKNOWN)
    _asked(history, LODGE, NEVER_SEEN, Outcome.FAILED)
    assert _found(lost, delivered, history, post) == []
    _asked(history, LODGE, NEVER_SEEN, Outcome.OK)
    assert _found(lost, delivered, history, post) == [f"case {NEVER_SEEN} was taken and is not there"]


def test_a_booking_that_the_post_does_not_have_any_more_is_lost(delivered, history, post):
    def cancelling(carrier, session):
        shipment = only(delivered)
        return carrier.cancelling(parcel(delivered, session, shipment, numbers(delivered)[0]))

    _say(delivered, cancelling)
    [found] = _found(lost, delivered, history, post)
    assert found.startswith(f"booking ems {only(delivered).order_no}")


def test_a_letter_that_came_to_no_end_and_that_nobody_sees_is_lost(post, drain, decided, history):
    on_the_way(post.world, drain, decided())
    [found] = _found(lost, post.world, history, post)
    assert found.startswith("unseen ems")


def test_a_second_order_at_the_post_is_doubled(delivered, history, post):
    def once_more(carrier, session):
        order = build_order(delivered, session, only(delivered))
        return carrier.booking(replace(order, order_no="ORDEREDTWICE"))

    _say(delivered, once_more)
    assert _found(doubled, delivered, history, post) == ["booking ems ORDEREDTWICE"]


def test_a_case_that_was_taken_again_with_other_words_is_doubled(delivered, history, post):
    _asked(history, CHANGED, NEVER_SEEN, Outcome.FAILED)
    assert _found(doubled, delivered, history, post) == []
    _asked(history, CHANGED, NEVER_SEEN, Outcome.OK)
    assert _found(doubled, delivered, history, post) == [f"case {NEVER_SEEN} was taken anew with other words"]


def test_what_the_clerk_did_is_in_the_history_and_found_in_the_books(post, drain, decided, history):
    lodge(post.world, decided(), "test")
    drain(post.world)
    RecordedClerk(post.world, 7, history).work()
    acts = {one.kind: one for one in history.operations}
    assert acts.keys() >= {PRINT, PACK, HAND_OVER}
    assert {one.outcome for one in acts.values()} == {Outcome.OK}
    assert [one for one in _found(lost, post.world, history, post) if "unseen" not in one] == []
    assert _found(doubled, post.world, history, post) == []


def test_a_sheet_a_paper_and_a_list_of_which_the_clerk_was_told_are_lost_where_they_are_not_there(
    delivered, history, post
):
    _asked(history, PRINT, str(only(delivered).id), Outcome.OK)
    _asked(history, PRINT, str(only(delivered).id), Outcome.OK)
    _asked(history, PACK, f"DOC1 {numbers(delivered)[0]}", Outcome.OK)
    _asked(history, HAND_OVER, "JJ20261122-999", Outcome.OK)
    kinds = [one.split()[0] for one in _found(lost, delivered, history, post)]
    assert kinds == ["sheet", "paper", "list"]


def test_a_page_that_said_delivered_may_come_into_doubt_and_never_go_back(history):
    for said in ("on its way", DELIVERED, DISPUTED):
        _read(history, said)
    assert gone_back(history, {"1123"}) == []
    _read(history, "on its way")
    assert len(gone_back(history, {"1123"})) == 1
    _asked(history, PAGE, "1123", Outcome.FAILED)
    assert gone_back(history, {"1123"})[-1] == "page of 1123 is gone"
    assert len(gone_back(history, {"1124"})) == 1, "the number was voided, and its page with it"


def _read(history, said):
    with history.of(PAGE, "1123") as operation:
        operation.outcome, operation.said = Outcome.OK, said
