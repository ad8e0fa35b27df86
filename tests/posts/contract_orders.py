"""What every adapter does with orders: the cases of the contract about booking, cancelling and asking."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dispatch.carrier import (
    CarrierError,
    InDoubt,
    Parcel,
    Refused,
)
from tests.posts.adapter import Adapter
from tests.posts.bench import RECIPIENT, SENDER, Bench

PDF = b"%PDF-"


# --- booking


def a_booking_gives_a_number(bench: Bench, adapter: Adapter) -> None:
    """An order stands once in the books, and its number is one of this carrier's: else nothing can be traced."""
    attempt = bench.attempt()
    number = bench.number_of(attempt)
    assert bench.carrier.is_number(number)
    entry = bench.entry(Parcel(number))
    assert (entry["order_no"], entry["cancelled_at"]) == (attempt.order.order_no, None)


def a_repeated_booking_gives_the_same_number(bench: Bench, adapter: Adapter) -> None:
    """A repeat that got a second number would send two envelopes for one licence."""
    attempt = bench.attempt()
    first, again = bench.number_of(attempt), bench.number_of(attempt)
    assert first == again
    assert bench.accepted(attempt) == 1


def many_identical_orders_are_one(bench: Bench, adapter: Adapter) -> None:
    """A restarted worker and its predecessor may speak at once: the post's own books still hold one order."""
    attempt = bench.attempt()
    with ThreadPoolExecutor(2) as two:
        numbers = set(two.map(lambda _: bench.number_of(attempt), range(2)))
    numbers |= {bench.number_of(attempt) for _ in range(3)}
    assert len(numbers) == 1
    assert bench.accepted(attempt) == 1


def other_words_under_the_same_number_are_no_second_order(bench: Bench, adapter: Adapter) -> None:
    """A slip mended after the booking must not go out twice: the first order stands, whatever is answered."""
    first = bench.attempt()
    number = bench.number_of(first)
    mended = bench.attempt(order_no=first.order.order_no, contents=("另一份",))
    with contextlib.suppress(CarrierError):
        booked = bench.say(mended)
        assert booked is None or booked.waybill_no == number
    assert bench.accepted(first) == 1
    assert bench.entry(Parcel(number))["order_no"] == first.order.order_no


def a_refusal_is_told_in_the_posts_words(bench: Bench, adapter: Adapter) -> None:
    """A refusal taken for doubt would be asked after for ever; without the post's words no clerk can mend it."""
    changed = replace(bench.attempt().order.recipient, **adapter.unacceptable)
    digits = adapter.unacceptable_digits if bench.allots else "01"
    attempt = bench.attempt(digits, recipient=changed)
    with pytest.raises(Refused, match=adapter.refusal):
        bench.say(attempt)
    assert bench.accepted(attempt) == 0
    for digits in adapter.never_booked:
        with pytest.raises(Refused):
            bench.say(bench.attempt(digits))


def a_failure_that_nobody_listed_is_doubt_by_default(bench: Bench, adapter: Adapter) -> None:
    """The posts' lists of codes are not published whole: what fails under another code may hide a booking.

    Only a code that the centre has set makes it a refusal, and nothing is ever booked a second time for it.
    """
    usual = bench.make(**bench.by_default(), **adapter.unlisted_account)
    attempt = bench.attempt(carrier=usual, **adapter.unlisted)
    with pytest.raises(InDoubt) as raised:
        bench.say(attempt, usual)
    assert type(raised.value) is InDoubt
    assert bench.accepted(attempt) == 0
    travelling = bench.parcels["01"]
    if call := usual.cancelling(travelling):
        with pytest.raises(InDoubt):
            usual.read_cancelling(bench.speak(call, usual))
    assert bench.is_live(bench.entry(travelling))
    assert sum(entry["order_no"] == bench.entry(travelling)["order_no"] for entry in bench.entries()) == 1


# --- look-up


def the_post_is_asked_by_our_own_number(bench: Bench, adapter: Adapter) -> None:
    """«No such order» must be None and nothing else: it allows a new booking."""
    attempt = bench.attempt()
    assert bench.look_up(attempt.order.order_no) is None
    number = bench.number_of(attempt)
    assert bench.look_up(attempt.order.order_no).waybill_no == number


def a_spoiled_look_up_is_never_taken_for_absence(bench: Bench, adapter: Adapter) -> None:
    """An error page read as «no such order» would book a second time."""
    parcel = bench.parcels["kept"]
    for fault in ("unavailable", "lost_before", "error_after", "garbage", "wrong_type", "twice"):
        bench.spoil(answers=[fault])
        with pytest.raises(InDoubt):
            bench.look_up(parcel.order_no)


def a_cancelled_order_is_never_taken_for_absent(bench: Bench, adapter: Adapter) -> None:
    """«No such order» allows a new booking: of one that was cancelled it must not be said."""
    parcel = bench.sent()
    bench.carrier.read_cancelling(bench.speak(bench.carrier.cancelling(parcel)))
    with contextlib.suppress(CarrierError):
        assert bench.look_up(parcel.order_no) is not None


# --- cancelling


def an_order_is_cancelled_before_collection_and_again(bench: Bench, adapter: Adapter) -> None:
    """Cancelled, it is dead in the post's books; the repeat of a lost answer is no fault."""
    parcel = bench.sent()
    for _ in range(2):
        bench.carrier.read_cancelling(bench.speak(bench.carrier.cancelling(parcel)))
    assert bench.entry(parcel)["cancelled_at"] is not None
    assert not [entry for entry in bench.entries() if entry["order_no"] == parcel.order_no and bench.is_live(entry)]


def what_was_collected_is_not_cancelled(bench: Bench, adapter: Adapter) -> None:
    """The envelope travels: «cancelled» would let a second licence be printed."""
    parcel = bench.parcels["01"]
    with pytest.raises(Refused):
        bench.carrier.read_cancelling(bench.speak(bench.carrier.cancelling(parcel)))
    assert bench.is_live(bench.entry(parcel))


def a_spoiled_cancelling_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A lost answer to a cancelling is neither «cancelled» nor «stands»; said again, it is certain."""
    for fault in ("unavailable", "lost_after", "error_after", "garbage", "wrong_type", "twice"):
        parcel = bench.sent()
        call = bench.carrier.cancelling(parcel)
        bench.spoil(answers=[fault])
        with pytest.raises(InDoubt):
            bench.carrier.read_cancelling(bench.speak(call, bench.hasty))
        bench.carrier.read_cancelling(bench.speak(call))
        assert not bench.is_live(bench.entry(parcel))


# --- what else a post can be asked


def the_posts_own_label_is_a_pdf(bench: Bench, adapter: Adapter) -> None:
    """Where only the post's label is accepted, anything else that was printed would be refused at the counter."""
    said = bench.carrier.own_label(bench.parcels["kept"].number)
    while not isinstance(said, bytes):
        said = bench.carrier.read_label(bench.speak(said))
    assert said.startswith(PDF)


def the_post_says_where_it_delivers(bench: Bench, adapter: Adapter) -> None:
    """«Cannot tell» must not read as «no»: a village would be struck off the map."""
    for words, inside in {"团结西路8号": True, "超区村1号": False, "服务异常村1号": None}.items():
        call = bench.carrier.reach(replace(RECIPIENT, address=words))
        assert bench.carrier.read_reach(bench.speak(call)).inside is inside
    assert bench.carrier.read_reach(bench.speak(bench.carrier.reach(SENDER))).inside is True


def what_is_announced_twice_is_announced(bench: Bench, adapter: Adapter) -> None:
    """A repeated subscription or confirmation is a success: as an error it would come back every hour."""
    call = bench.carrier.announcing(bench.sent())
    for _ in range(2):
        bench.carrier.read_announcing(bench.speak(call))
