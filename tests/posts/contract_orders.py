"""What every adapter does with orders: the cases of the contract about booking, cancelling and asking."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dispatch.carrier import InDoubt, NoAnswer, Parcel, Refused, Throttled, Unauthorised, Unavailable
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


# --- doubt


def _spoiled(bench: Bench, fault: str, meant: type[Exception], *, accepted: int) -> None:
    """The order is said under this fault, and what comes of it is as it must be; then the doubt is resolved."""
    attempt = bench.attempt()
    bench.spoil(answers=[fault])
    with pytest.raises(meant) as raised:
        bench.say(attempt)
    assert type(raised.value) is meant
    assert bench.accepted(attempt) == accepted
    number = bench.settle(attempt, known=bool(accepted))
    assert bench.carrier.is_number(number)
    assert bench.entry(Parcel(number))["order_no"] in {attempt.order.order_no, number}
    assert bench.accepted(attempt) == 1


def silence_before_acceptance_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A line that breaks says nothing: taken for a refusal, the licence would never be sent."""
    _spoiled(bench, "lost_before", NoAnswer, accepted=0)


def silence_after_acceptance_is_doubt_and_the_number_is_found(bench: Bench, adapter: Adapter) -> None:
    """The order stands and nobody told us: booked anew under another number, two envelopes would go out."""
    _spoiled(bench, "lost_after", NoAnswer, accepted=1)


def http_503_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A proxy says 503 for a backend that may have done its work: nothing is certain."""
    _spoiled(bench, "unavailable", NoAnswer, accepted=0)


def http_500_after_acceptance_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """An error page may hide a booking: taken for a refusal, it would be booked twice."""
    _spoiled(bench, "error_after", NoAnswer, accepted=1)


def garbage_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """Bytes that are neither JSON nor XML nor UTF-8 end in doubt, and not in a traceback that kills the worker."""
    _spoiled(bench, "garbage", NoAnswer, accepted=1)


def an_error_page_with_200_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A gateway's HTML with status 200 is not the post speaking."""
    _spoiled(bench, "wrong_type", NoAnswer, accepted=1)


def an_answer_that_comes_twice_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """Two answers in one body belong to nobody knows which order."""
    _spoiled(bench, "twice", NoAnswer, accepted=1)


def an_answer_that_drips_ends(bench: Bench, adapter: Adapter) -> None:
    """Each byte resets a naive read timeout, and the worker would hang for hours: the whole answer has a limit."""
    hasty = bench.make(answer_seconds=1.5)  # longer than the second between two bytes
    attempt = bench.attempt(carrier=hasty)
    bench.spoil(answers=["drip"])
    with ThreadPoolExecutor(1) as one, pytest.raises(NoAnswer):
        one.submit(bench.say, attempt, hasty).result(timeout=30)
    assert bench.accepted(attempt) == 1
    bench.settle(attempt, known=True)
    assert bench.accepted(attempt) == 1


def a_post_that_asks_for_patience_is_throttled(bench: Bench, adapter: Adapter) -> None:
    """Nothing was processed and all goes on later: counted as a failure, a busy day would open the breaker."""
    attempt = bench.attempt()
    bench.spoil(answers=["throttled"])
    with pytest.raises(Throttled) as raised:
        bench.say(attempt)
    assert raised.value.retry_after == adapter.patience
    assert bench.accepted(attempt) == 0


def a_refused_connection_is_unavailable(bench: Bench, adapter: Adapter) -> None:
    """Nothing was sent, so it may simply be said again; as doubt it would occupy a clerk for nothing."""
    away = bench.make(**dict.fromkeys(adapter.endpoints, bench.closed_address))
    with pytest.raises(Unavailable) as raised:
        bench.say(bench.attempt(carrier=away), away)
    assert not isinstance(raised.value, Throttled)


def a_wrong_secret_is_told_apart(bench: Bench, adapter: Adapter) -> None:
    """An expired key is the account's fault: as refusals, every single order would land on the worklist."""
    stranger = bench.make(**adapter.wrong_secret)
    attempt = bench.attempt(carrier=stranger)
    with pytest.raises(Unauthorised):
        bench.say(attempt, stranger)
    assert bench.accepted(attempt) == 0


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
            bench.carrier.read_cancelling(bench.speak(call))
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
