"""What every adapter does with the trace: the cases of the contract about asking for news."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.carrier import InDoubt
from dispatch.journey import News
from tests.posts.adapter import Adapter, moment
from tests.posts.bench import UNPUBLISHED, Bench
from tests.posts.sandbox_steps import until


def a_parcel_that_has_not_moved_has_no_trace(bench: Bench, adapter: Adapter) -> None:
    """Before collection nothing has happened: as an error it would fill the worklist with every new envelope."""
    assert bench.trace(bench.parcels["kept"]) == ()


def the_trace_tells_every_event_of_every_story(bench: Bench, adapter: Adapter) -> None:
    """Code, time and number of each event are the books' own: one that is lost, or an hour off, moves deadlines."""
    for digits, parcel, entry in bench.told_to_their_ends():
        told = bench.whole_trace(parcel, entry["numbers"])
        assert all(seen.at.tzinfo is UTC for seen in told), digits
        happened = [event for event in adapter.happened(entry) if event[0] not in adapter.only_pushed]
        assert sorted(adapter.event(seen) for seen in told) == happened, digits


def a_local_time_without_a_zone_is_beijing_time(bench: Bench, adapter: Adapter) -> None:
    """Read as the server's own time, every deadline of the law would be missed by hours, or met too early."""
    parcel = bench.parcels["01"]
    until(lambda: bench.entry(parcel)["event_list"])
    first = min(bench.trace(parcel), key=lambda seen: seen.at)
    assert first.at.tzinfo is UTC
    assert first.at == moment(bench.entry(parcel)["event_list"][0]["at"])
    assert timedelta(0) <= datetime.now(UTC) - first.at < timedelta(hours=1)


def a_code_that_nobody_published_is_kept_and_moves_nothing(bench: Bench, adapter: Adapter) -> None:
    """A guess at an unknown code might deliver a letter that lies in a ditch: a person reads it, with its words.

    Told by push, it is the same.
    """
    parcel = bench.parcels[UNPUBLISHED]
    until(lambda: bench.are_through(parcel))
    pushed = [seen for news in bench.push_book.news_of(parcel.number) for seen in news]
    traced = [seen for seen in bench.trace(parcel) if adapter.event(seen)[0] == bench.unpublished()]
    assert len(traced) == 1
    for unknown in (*traced, *(seen for seen in pushed if adapter.event(seen)[0] == bench.unpublished())):
        assert unknown.news is News.UNKNOWN
        assert not bench.carrier.code_name(unknown.code)
        assert bool(unknown.text) is adapter.tells_words


def a_spoiled_trace_is_never_taken_for_nothing(bench: Bench, adapter: Adapter) -> None:
    """An error page read as «nothing yet» would hide a returned letter until it is too late."""
    parcel = bench.parcels["01"]
    for fault in ("unavailable", "lost_before", "error_after", "garbage", "wrong_type", "twice"):
        bench.spoil(answers=[fault])
        with pytest.raises(InDoubt):
            bench.trace(parcel)
