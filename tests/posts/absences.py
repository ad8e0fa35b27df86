"""Why a case of the contract may not apply, in words for the table; and what must then be true.

A reason that is not true would hide a fault, so each is shown: of the adapter, whose port has no such call or whose
error is another, and of the sandbox, which has no such interface or answers without a code.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields

import pytest

from dispatch.carrier import Answer, Carrier, InDoubt, Numbering, Parcel, Refused
from dispatch.posts.gov_ems.soap import CODES
from sandbox import POSTS, EmsSettings, GovEmsSettings, KdniaoSettings, Kuaidi100Settings, SfSettings
from sandbox.by_hand.protocol import PATHS
from sandbox.gov_ems import soap
from sandbox.gov_ems.check import Rtn
from sandbox.gov_ems.protocol import _message
from sandbox.kdniao.protocol import PUSH_TYPES, QUERIES
from sandbox.kuaidi100.protocol import QUERY_PATH, SUBSCRIBE_PATH
from sandbox.post import PostSettings
from tests.posts.adapter import Absence, Adapter
from tests.posts.bench import AWKWARD, SENDER, Bench, order_for

PARCEL = Parcel("1100000000001", "ZWZD2026112300001", "13900000001")
Shown = Callable[[Bench, Adapter], None]

# --- what a protocol does not offer

OFFERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "look_up": (
        "no interface finds an order by our own number",
        (
            "the_post_is_asked_by_our_own_number",
            "a_spoiled_look_up_is_never_taken_for_absence",
            "a_cancelled_order_is_never_taken_for_absent",
        ),
    ),
    "announcing": (
        "a number needs no announcing (subscription, confirmation)",
        ("what_is_announced_twice_is_announced",),
    ),
    "cancelling": (
        "no interface cancels",
        (
            "an_order_is_cancelled_before_collection_and_again",
            "what_was_collected_is_not_cancelled",
            "a_spoiled_cancelling_is_doubt",
            "a_cancelled_order_is_never_taken_for_absent",
        ),
    ),
    "own_label": ("no interface gives a label", ("the_posts_own_label_is_a_pdf",)),
    "reach": ("no interface says where the post collects and delivers", ("the_post_says_where_it_delivers",)),
}
ASKED: Mapping[str, Callable[[Carrier], object]] = {
    "look_up": lambda carrier: carrier.look_up(PARCEL.order_no),
    "announcing": lambda carrier: carrier.announcing(PARCEL),
    "cancelling": lambda carrier: carrier.cancelling(PARCEL),
    "own_label": lambda carrier: carrier.own_label(PARCEL.number),
    "reach": lambda carrier: carrier.reach(SENDER),
}
ORDERING = frozenset({"020003", "EXP_RECE_CREATE_ORDER", "book", "CityToGovMail"})
INTERFACES: Mapping[str, frozenset[str]] = {
    "look_up": frozenset({"EXP_RECE_SEARCH_ORDER_RESP", "look_up", "CityGetGovLogis"}),
    "announcing": frozenset({"EXP_RECE_UPDATE_ORDER", *PUSH_TYPES, SUBSCRIBE_PATH}),
    "cancelling": frozenset({"020006", "EXP_RECE_UPDATE_ORDER", "cancel"}),
    "own_label": frozenset({"010004", "COM_RECE_CLOUD_PRINT_WAYBILLS"}),
    "reach": frozenset({"030005"}),
}
"""What each is called at the posts that offer it."""


def interfaces_of(settings: PostSettings) -> frozenset[str]:
    """All that a sandbox can be asked, by the names that its protocol has for it."""
    post = POSTS[type(settings)](settings, None)
    match settings:
        case EmsSettings():
            return frozenset(post._interfaces)
        case SfSettings():
            return frozenset(post._services)
        case GovEmsSettings():
            return frozenset(post._operations)
        case KdniaoSettings():
            return frozenset({*QUERIES, *PUSH_TYPES})
        case Kuaidi100Settings():
            return frozenset({QUERY_PATH, SUBSCRIBE_PATH})
        case _:
            return frozenset(PATHS)


def _is_not_offered(offer: str) -> Shown:
    def shown(bench: Bench, adapter: Adapter) -> None:
        assert ASKED[offer](bench.carrier) is None
        assert not interfaces_of(bench.settings) & INTERFACES[offer]

    return shown


def absent(*offers: str) -> dict[str, Absence]:
    """Cases of what the protocol does not offer."""
    return {case: Absence(OFFERS[offer][0], _is_not_offered(offer)) for offer in offers for case in OFFERS[offer][1]}


def _all(cases: tuple[str, ...], reason: str, shown: Shown) -> dict[str, Absence]:
    return dict.fromkeys(cases, Absence(reason, shown))


# --- numbers from a segment


def _nothing_is_ordered(bench: Bench, adapter: Adapter) -> None:
    assert bench.carrier.numbering is Numbering.ALLOTTED
    assert not interfaces_of(bench.settings) & ORDERING
    with pytest.raises(NotImplementedError):
        bench.carrier.booking(order_for("01"))


ALLOTTED = _all(
    (
        "a_booking_gives_a_number",
        "a_repeated_booking_gives_the_same_number",
        "other_words_under_the_same_number_are_no_second_order",
    ),
    "numbers come from our own segment and nothing is ordered; in the other cases the subscription is said instead",
    _nothing_is_ordered,
)

# --- pushes

PUSH_CASES = (
    "every_pushed_event_arrives_and_is_acknowledged",
    "pushes_and_the_trace_tell_the_same_events",
    "a_push_of_a_part_and_a_push_of_the_whole_are_one_story",
    "a_repeated_push_tells_the_same_events",
    "a_push_that_is_replayed_is_no_second_news",
    "a_push_that_is_turned_away_comes_again",
    "a_push_about_another_number_is_about_that_number_alone",
    "a_push_for_another_account_is_not_vouched_for",
    "what_an_acknowledgement_echoes_is_read_without_believing_the_push",
    "noise_at_the_door_is_not_vouched_for",
)
SIGNED_CASES = ("a_forged_push_is_not_vouched_for", "a_push_with_an_old_signature_loses_no_news")


def _nothing_is_pushed(bench: Bench, adapter: Adapter) -> None:
    assert not POSTS[type(bench.settings)].play.pushes
    assert not bench.push_book.all()


def _nothing_is_signed(bench: Bench, adapter: Adapter) -> None:
    """What is unsigned cannot be forged by a wrong signature: the place alone vouches for it."""
    assert not {"bad_signature", "old_signature"} & set(POSTS[type(bench.settings)].push_faults)
    knocks = [heard.knock for heard in bench.push_book.all()]
    assert knocks
    assert not any(knock.signature or b"sign" in knock.raw.lower() for knock in knocks)


NO_PUSHES = _all((*PUSH_CASES, *SIGNED_CASES), "the post can only be asked: it pushes nothing", _nothing_is_pushed)
UNSIGNED = _all(
    SIGNED_CASES,
    "pushes are signed by nothing: the secret address vouches for them (see the push for another account)",
    _nothing_is_signed,
)


def _no_number_comes_later_by_push(bench: Bench, adapter: Adapter) -> None:
    assert "order_state_push" not in {field.name for field in fields(bench.settings)}


NO_STATE_PUSH = _all(
    ("a_number_that_comes_later_is_told_by_push",),
    "no push tells the state of an order (SF's orderState)",
    _no_number_comes_later_by_push,
)

# --- codes


def _no_setting_names_a_code(bench: Bench, adapter: Adapter) -> None:
    assert not [name for name in type(bench.account).model_fields if name.endswith("_codes")]


NOTHING_UNPUBLISHED = _all(
    ("a_failure_that_nobody_listed_is_doubt_by_default",),
    "the protocol is our own and lists every code (docs/by-hand.md): there is no setting for others",
    _no_setting_names_a_code,
)


def _every_code_is_known(bench: Bench, adapter: Adapter) -> None:
    """What is neither success nor a listed refusal is doubt."""
    assert {rtn.value[0] for rtn in Rtn} == set(CODES)
    for rtn in (Rtn.NOT_SAVED, Rtn.OTHER):
        said = soap.answer("CityToGovMail", _message(rtn.value))
        with pytest.raises(InDoubt, match=rtn.value[1]):
            bench.make(**bench.by_default()).read_booking(Answer(200, said.encode()), PARCEL.order_no)


EVERY_CODE_IS_IN_THE_DICTIONARY = _all(
    ("a_failure_that_nobody_listed_is_doubt_by_default",),
    "the dictionary lists every code, 0 to 5, and what each means for the next step",
    _every_code_is_known,
)


def _a_wrong_key_is_refused(bench: Bench, adapter: Adapter) -> None:
    stranger = bench.make(**adapter.wrong_secret)
    attempt = bench.attempt(carrier=stranger)
    with pytest.raises(Refused, match=r"^3 "):
        bench.say(attempt, stranger)
    assert bench.accepted(attempt) == 0


WRONG_KEY_IS_A_MALFORMED_ORDER = _all(
    ("a_wrong_secret_is_told_apart",),
    "no code says «your account»: what does not open under the key is answered 3 (格式错误) and can only be refused",
    _a_wrong_key_is_refused,
)

# --- Kdniao and Kuaidi100


def _a_wrong_key_is_only_words(bench: Bench, adapter: Adapter) -> None:
    stranger = bench.make(**adapter.wrong_secret)
    attempt = bench.attempt(carrier=stranger)
    with pytest.raises(InDoubt, match="DataSign") as raised:
        bench.say(attempt, stranger)
    assert type(raised.value) is InDoubt
    assert bench.accepted(attempt) == 0


WRONG_KEY_IS_ONLY_WORDS = _all(
    ("a_wrong_secret_is_told_apart",),
    "a wrong key is answered in words without a code, which nothing tells from a lost answer: doubt",
    _a_wrong_key_is_only_words,
)


def _no_text_of_ours_is_said(bench: Bench, adapter: Adapter) -> None:
    parcel = Parcel("770000000101", AWKWARD, "13900000001")
    for call in (bench.carrier.announcing(parcel), bench.carrier.question(parcel)):
        assert AWKWARD not in str(adapter.opens(call.request))


TAKES_NO_TEXT = _all(
    ("text_comes_back_unchanged",),
    "neither takes nor tells a text of ours: it is asked by number",
    _no_text_of_ours_is_said,
)
