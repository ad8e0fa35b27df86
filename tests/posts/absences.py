"""Why a case of the contract may not apply, in words for the table; and what must then be true of the adapter.

A reason that is not true would hide a fault, so the suite checks what can be checked: what is said to be missing is
missing in the port too.
"""

from collections.abc import Callable, Mapping

from dispatch.carrier import Carrier, Numbering, Parcel
from tests.posts.bench import SENDER, Bench

PARCEL = Parcel("1100000000001", "ZWZD2026112300001", "13900000001")

OFFERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "look_up": (
        "没有按我方订单号查询的接口",
        (
            "the_post_is_asked_by_our_own_number",
            "a_spoiled_look_up_is_never_taken_for_absence",
        ),
    ),
    "announcing": ("没有单号须事后告知（订阅、确认）的接口", ("what_is_announced_twice_is_announced",)),
    "cancelling": (
        "没有撤单接口",
        (
            "an_order_is_cancelled_before_collection_and_again",
            "what_was_collected_is_not_cancelled",
            "a_spoiled_cancelling_is_doubt",
        ),
    ),
    "own_label": ("没有面单接口", ("the_posts_own_label_is_a_pdf",)),
    "reach": ("没有揽投范围接口", ("the_post_says_where_it_delivers",)),
}
ASKED: Mapping[str, Callable[[Carrier], object]] = {
    "look_up": lambda carrier: carrier.look_up(PARCEL.order_no),
    "announcing": lambda carrier: carrier.announcing(PARCEL),
    "cancelling": lambda carrier: carrier.cancelling(PARCEL),
    "own_label": lambda carrier: carrier.own_label(PARCEL.number),
    "reach": lambda carrier: carrier.reach(SENDER),
}


def absent(*offers: str) -> dict[str, str]:
    """Cases of what the protocol does not offer."""
    return {case: OFFERS[offer][0] for offer in offers for case in OFFERS[offer][1]}


ALLOTTED: Mapping[str, str] = dict.fromkeys(
    ("a_booking_gives_a_number", "a_repeated_booking_gives_the_same_number"),
    "运单号取自号段，不下单；以下各例改用订阅",
)
PUSH_CASES = (
    "every_pushed_event_arrives_and_is_acknowledged",
    "pushes_and_the_trace_tell_the_same_events",
    "a_repeated_push_tells_the_same_events",
    "a_push_that_is_turned_away_comes_again",
    "a_push_about_another_number_is_about_that_number_alone",
    "a_push_for_another_account_is_not_vouched_for",
    "noise_at_the_door_is_not_vouched_for",
)
UNSIGNED_REASON = "推送不签名，凭来源或地址认（见“别家账号的推送”一例）"
SIGNED_CASES = ("a_forged_push_is_not_vouched_for", "a_push_with_an_old_signature_loses_no_news")
NO_PUSHES: Mapping[str, str] = dict.fromkeys((*PUSH_CASES, *SIGNED_CASES), "接口只能查询，没有推送")

UNSIGNED: Mapping[str, str] = dict.fromkeys(SIGNED_CASES, UNSIGNED_REASON)


def holds(bench: Bench, case: str) -> bool:
    """Whether the adapter, too, says that this does not exist."""
    for offer, (_, cases) in OFFERS.items():
        if case in cases:
            return ASKED[offer](bench.carrier) is None
    if case in ALLOTTED:
        return bench.carrier.numbering is Numbering.ALLOTTED
    if case in SIGNED_CASES:
        return "bad_signature" not in bench.parcels  # the sandbox cannot forge what nobody signs
    return case not in PUSH_CASES or "duplicated" not in bench.parcels
