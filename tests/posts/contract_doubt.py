"""What every adapter makes of a line or an answer that says nothing certain: the contract's cases about doubt."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dispatch.carrier import Answer, Carrier, CarrierError, NoAnswer, Parcel, Throttled, Unauthorised, Unavailable
from sandbox.post.wire import line
from tests.posts.adapter import Adapter
from tests.posts.bench import HASTY_SECONDS, Attempt, Bench
from tests.posts.sandbox_steps import until

ENDLESS_SECONDS = 10


def _doubted(bench: Bench, carrier: Carrier, *, accepted: int, fault: str = "") -> None:
    """What is said to this carrier, under this fault, ends in doubt; then the doubt is resolved at the post."""
    attempt = bench.attempt(carrier=carrier)
    bench.spoil(answers=[fault] if fault else [])
    with pytest.raises(NoAnswer) as raised:
        bench.say(attempt, carrier)
    assert type(raised.value) is NoAnswer
    until(lambda: bench.accepted(attempt) == accepted)
    number = bench.settle(attempt, known=bool(accepted))
    assert bench.carrier.is_number(number)
    assert bench.entry(Parcel(number))["order_no"] in {attempt.order.order_no, number}
    assert bench.accepted(attempt) == 1


def a_broken_line_before_acceptance_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A line that breaks says nothing: taken for a refusal, the licence would never be sent."""
    _doubted(bench, bench.carrier, fault="lost_before", accepted=0)


def a_time_out_before_acceptance_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """The request lies at the post unread, and nobody can say that it always will."""
    deaf = dict.fromkeys(adapter.endpoints, bench.deaf_address)
    _doubted(bench, bench.make(**deaf, answer_seconds=HASTY_SECONDS), accepted=0)


def a_time_out_after_acceptance_is_doubt_and_the_number_is_found(bench: Bench, adapter: Adapter) -> None:
    """The order stands and nobody told us: booked anew under another number, two envelopes would go out."""
    _doubted(bench, bench.hasty, fault="lost_after", accepted=1)


def http_503_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A proxy says 503 for a backend that may have done its work: nothing is certain."""
    _doubted(bench, bench.carrier, fault="unavailable", accepted=0)


def http_500_after_acceptance_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """An error page may hide a booking: taken for a refusal, it would be booked twice."""
    _doubted(bench, bench.carrier, fault="error_after", accepted=1)


def garbage_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """Bytes that are neither JSON nor XML nor UTF-8 end in doubt, and not in a traceback that kills the worker."""
    _doubted(bench, bench.carrier, fault="garbage", accepted=1)


def an_error_page_with_200_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """A gateway's HTML with status 200 is not the post speaking."""
    _doubted(bench, bench.carrier, fault="wrong_type", accepted=1)


def the_right_answer_under_a_wrong_content_type_is_read(bench: Bench, adapter: Adapter) -> None:
    """Posts say text/html of their JSON: what counts is what was said, or every booking would end in doubt."""
    attempt = bench.attempt()
    answer = bench.speak(attempt.call)
    right = _outcome(attempt, answer)
    assert right is not NoAnswer
    for claimed in ("", "text/html; charset=gbk", "image/png", "text/plain; charset=nosuch"):
        assert _outcome(attempt, replace(answer, content_type=claimed)) == right
    bench.settle(attempt, known=True)


def _outcome(attempt: Attempt, answer: Answer) -> object:
    """What is read of an answer: a booking, nothing, or the kind of error."""
    try:
        return attempt.read(answer)
    except CarrierError as error:
        return type(error)


def an_answer_that_comes_twice_is_doubt(bench: Bench, adapter: Adapter) -> None:
    """Two answers in one body belong to nobody knows which order."""
    _doubted(bench, bench.carrier, fault="twice", accepted=1)


def an_answer_that_drips_ends(bench: Bench, adapter: Adapter) -> None:
    """Each byte resets a naive read timeout, and the worker would hang for hours: the whole answer has a limit."""
    _ends(bench, "drip")


def an_answer_whose_headers_drip_ends(bench: Bench, adapter: Adapter) -> None:
    """The same before the answer has begun: a limit on its body alone would never be reached."""
    _ends(bench, "drip_headers")


def _ends(bench: Bench, fault: str) -> None:
    """No single wait is as long as we wait, and all of them together are longer than `ENDLESS_SECONDS`."""
    assert line.DRIP_SECONDS < HASTY_SECONDS
    one = ThreadPoolExecutor(1)
    try:
        one.submit(_doubted, bench, bench.hasty, fault=fault, accepted=1).result(ENDLESS_SECONDS)
    finally:
        one.shutdown(wait=False)  # whoever still waits does so until the sandbox closes


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
