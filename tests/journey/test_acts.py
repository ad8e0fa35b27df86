"""The first table: our acts, written down a second time as the promises tell them, pair by pair."""

import itertools

import pytest

from dispatch.journey import ACTS, Act, Stage

ALLOWED = {
    "gathering": {"seal": "to_book", "cancel": "cancelled"},
    "to_book": {"intend": "booking", "cancel": "cancelled", "adopt": "booked"},
    "booking": {
        "adopt": "booked",
        "doubt": "in_doubt",
        "refuse": "refused",
        "postpone": "to_book",
        "call_off": "booking",
    },
    "in_doubt": {"adopt": "booked", "never_placed": "to_book", "refuse": "refused", "call_off": "in_doubt"},
    "refused": {"amend": "to_book", "cancel": "cancelled", "adopt": "booked"},
    "booked": {"print": "printed", "void": "cancelling"},
    "printed": {"print": "printed", "pack": "packed", "void": "cancelling"},
    "packed": {"unpack": "printed", "hand_over": "handed_over"},
    "cancelling": {"voided": "to_book", "cancel": "cancelled", "keep": "booked"},
    "handed_over": {"put_back": "packed", "close": "closed", "take_back": "undelivered", "write_off": "undelivered"},
    "closed": {"take_back": "undelivered", "write_off": "undelivered"},
    "cancelled": {},
    "undelivered": {},
}


def test_every_stage_has_its_line_so_that_a_new_one_cannot_slip_past_this_table():
    assert set(ALLOWED) == {str(stage) for stage in Stage}
    assert {act for acts in ALLOWED.values() for act in acts} == {str(act) for act in Act}


@pytest.mark.parametrize(("stage", "act"), list(itertools.product(Stage, Act)))
def test_an_act_moves_a_stage_as_agreed_or_is_not_on_the_journey(stage, act):
    assert ACTS.get((stage, act)) == ALLOWED[stage].get(act)


def _reachable(start: Stage) -> set[Stage]:
    seen, ahead = set(), {start}
    while ahead:
        seen |= ahead
        ahead = {after for (before, _), after in ACTS.items() if before in seen} - seen
    return seen


def test_no_stage_is_an_island():
    assert _reachable(Stage.GATHERING) == set(Stage)


@pytest.mark.parametrize("stage", [s for s in Stage if s not in {Stage.CLOSED, Stage.CANCELLED, Stage.UNDELIVERED}])
def test_no_stage_is_a_dead_end_from_which_a_case_never_closes(stage):
    assert Stage.CLOSED in _reachable(stage)


def test_nothing_is_ever_booked_anew_or_cancelled_while_in_doubt():
    from_doubt = {act for stage, act in ACTS if stage in {Stage.BOOKING, Stage.IN_DOUBT}}
    assert not from_doubt & {Act.INTEND, Act.CANCEL, Act.AMEND, Act.SEAL}


def test_a_number_is_the_only_way_to_be_booked_and_an_intent_the_only_way_to_be_booking():
    assert {act for (_, act), after in ACTS.items() if after is Stage.BOOKED} == {Act.ADOPT, Act.KEEP}
    assert [stage for (stage, act) in ACTS if act is Act.KEEP] == [Stage.CANCELLING]  # its number is live still
    led_there = {act for (before, act), after in ACTS.items() if after is Stage.BOOKING and before is not after}
    assert led_there == {Act.INTEND}


def test_a_booking_is_taken_back_only_before_the_envelope_is_packed():
    assert {stage for (stage, act) in ACTS if act is Act.VOID} == {Stage.BOOKED, Stage.PRINTED}
    assert {act for (_, act), after in ACTS.items() if after is Stage.CANCELLING} == {Act.VOID}


def test_what_has_a_live_number_cannot_be_cancelled_behind_the_carriers_back():
    numbered = {Stage.BOOKED, Stage.PRINTED, Stage.PACKED, Stage.HANDED_OVER, Stage.CLOSED}
    assert not [stage for stage in numbered if (stage, Act.CANCEL) in ACTS]
