"""What every adapter does with pushes: the cases of the contract about our door."""

import contextlib
import itertools
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from dispatch.carrier import Duplicate, Knock, NotVouched, Seen, Unreadable
from dispatch.journey import News
from tests.posts.adapter import Adapter
from tests.posts.bench import AWKWARD, COUNT, Bench, door_of, known_as
from tests.posts.sandbox_steps import until


def _genuine(bench: Bench) -> list[Knock]:
    """Pushes that our door believed."""
    genuine = [heard.knock for heard in bench.push_book.all() if heard.news]
    assert genuine
    return genuine


def _settled(bench: Bench, key: str) -> list[tuple[Seen, ...]]:
    """What was taken of a parcel, once the post has nothing more to say of it."""
    parcel = bench.parcels[key]
    until(lambda: bench.are_through(parcel))
    return bench.push_book.news_of(parcel.number)


def every_pushed_event_arrives_and_is_acknowledged(bench: Bench, adapter: Adapter) -> None:
    """An acknowledgement in wrong words would be repeated until the post gives us up."""
    for digits, _, entry in bench.told_to_their_ends():
        never = bench.never_pushed(digits)
        news = {seen for news in bench.push_book.news_of(*entry["numbers"]) for seen in news}
        told = {seen.code for seen in news} | {adapter.event(seen) for seen in news}
        missing = [event for event in adapter.happened(entry) if event not in told]
        assert len([event for event in missing if event[0] not in told & adapter.only_pushed]) == never, digits
        assert entry["pushed"] == len(entry["event_list"]) - never, digits
    assert not bench.push_book.broken


def pushes_and_the_trace_tell_the_same_events(bench: Bench, adapter: Adapter) -> None:
    """One event told twice in other words would stand twice in the citizen's story.

    A tracker's pushes hold the history so far, and each line of it is the trace's own.
    """
    for digits, parcel, entry in bench.told_to_their_ends():
        traced = {known_as(seen) for seen in bench.whole_trace(parcel, entry["numbers"])}
        heard = [seen for news in bench.push_book.news_of(*entry["numbers"]) for seen in news]
        pushed = {known_as(seen) for seen in heard if seen.code not in adapter.only_pushed and not seen.wants_detail}
        assert not pushed - traced, digits


def a_push_of_a_part_and_a_push_of_the_whole_are_one_story(bench: Bench, adapter: Adapter) -> None:
    """Some posts tell each event once, some tell all of it each time: either way it adds up to what happened."""
    told = [_nodes(news) for news in _settled(bench, "01")]
    story = _nodes(bench.whole_trace(bench.parcels["01"]))
    assert set.union(*told) == story
    if adapter.tells_history:
        assert all(before < after for before, after in itertools.pairwise(told))
        assert told[-1] == story
    else:
        assert sum(map(len, told)) == len(story) > max(map(len, told))


def _nodes(news: Iterable[Seen]) -> set[tuple[object, ...]]:
    """What happened, without a detail that a post tells only to whoever asks."""
    return {(seen.waybill_no, seen.at, seen.code, seen.text, seen.place) for seen in news}


def a_number_that_comes_later_is_told_by_push(bench: Bench, adapter: Adapter) -> None:
    """An order that the post confirms by hand has no number at first: the push that brings it must find its order."""
    order_no = f"{AWKWARD}{next(COUNT)}"
    attempt = bench.attempt(BY_HAND, order_no=order_no)
    with pytest.raises(Duplicate):
        bench.say(attempt)
    (told,) = until(lambda: bench.push_book.news_about(order_no))
    assert told.news is News.NOTE
    assert bench.look_up(order_no).waybill_no == told.waybill_no
    assert bench.accepted(attempt) == 1


def a_push_that_is_replayed_is_no_second_news(bench: Bench, adapter: Adapter) -> None:
    """Whoever has heard a push can send it again, a day later too: it says what it said, or is not believed."""
    door = bench.push_book.door
    heard = [heard for heard in bench.push_book.all() if heard.news]
    assert heard
    for push in heard:
        with contextlib.suppress(NotVouched):
            assert door.read_push(door.vouch(push.knock).body) == push.news


def a_repeated_push_tells_the_same_events(bench: Bench, adapter: Adapter) -> None:
    """Posts repeat what was acknowledged: a repeat that reads differently would be a second event."""
    for key in ("duplicated", "unsatisfied"):
        told = _settled(bench, key)
        assert len(told) >= 2
        assert len(set(told)) == 1


def a_push_that_is_turned_away_comes_again(bench: Bench, adapter: Adapter) -> None:
    """What we could not store must not be acknowledged: said in wrong words, the news would be gone."""
    parcel = bench.parcels["turned_away"]
    heard = _settled(bench, "turned_away")
    assert parcel.number not in bench.push_book.turn_away
    assert heard
    assert bench.entry(parcel)["pushed"] == 1


def a_forged_push_is_not_vouched_for(bench: Bench, adapter: Adapter) -> None:
    """Anybody can knock: a forged «delivered» would close a case. The trace still tells what happened."""
    assert _settled(bench, "bad_signature") == []
    assert [heard for heard in bench.push_book.all() if heard.refusal]
    assert bench.entry(bench.parcels["bad_signature"])["pushed"] == 0
    assert bench.trace(bench.parcels["bad_signature"])


def a_push_for_another_account_is_not_vouched_for(bench: Bench, adapter: Adapter) -> None:
    """What is genuine at one centre is a stranger's at the next, and nothing that merely looks right is believed."""
    stranger = door_of(bench.make(**adapter.other_door))
    for knock in _genuine(bench):
        with pytest.raises(NotVouched):
            stranger.vouch(knock)


def what_an_acknowledgement_echoes_is_read_without_believing_the_push(bench: Bench, adapter: Adapter) -> None:
    """A centre that says yes to what it does not believe must say it in words that end the pushing."""
    stranger = door_of(bench.make(**adapter.other_door))
    for knock in _genuine(bench):
        assert stranger.reference(knock) == bench.push_book.door.vouch(knock).reference


def a_push_with_an_old_signature_loses_no_news(bench: Bench, adapter: Adapter) -> None:
    """In the hours after a change of keys pushes come under the key before: ours, or the trace tells them."""
    parcel = bench.parcels["old_signature"]
    if adapter.has_retired_key:
        assert _settled(bench, "old_signature")
    else:
        assert bench.push_book.news_of(parcel.number) == []
    assert bench.trace(parcel)


def a_push_about_another_number_is_about_that_number_alone(bench: Bench, adapter: Adapter) -> None:
    """A push that names another parcel must not move ours, whatever else it says."""
    parcel = bench.parcels["wrong_number"]
    assert _settled(bench, "wrong_number") == []
    known = {number for entry in bench.entries() for number in entry["numbers"]}
    (strange,) = {
        frozenset(seen.waybill_no for seen in heard.news)
        for heard in bench.push_book.all()
        if any(seen.waybill_no not in known for seen in heard.news)
    }
    assert len(strange) == 1
    assert not [
        seen
        for heard in bench.push_book.all()
        for seen in heard.news
        if seen.order_no in {parcel.order_no, parcel.number}
    ]


def noise_at_the_door_is_not_vouched_for(bench: Bench, adapter: Adapter) -> None:
    """The door is open to the world: whatever knocks, the adapter raises NotVouched, or Unreadable in the reading."""
    dice = random.Random(11)
    door = bench.push_book.door
    mutated = (_mutated(knock, dice) for knock in _genuine(bench)[:20] for _ in range(20))
    for knock in (*_noise(dice), *mutated):
        try:
            vouched = door.vouch(knock)
        except NotVouched:
            assert door.turn_away(knock, "不认得").text
            assert door.acknowledge(door.reference(knock)).text
            continue
        try:
            door.read_push(vouched.body)
        except Unreadable:
            continue
        assert door.acknowledge(vouched.reference).text


def _noise(dice: random.Random) -> list[Knock]:
    bodies = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{" * 5000,
        b"[" * 5000,
        b"<a/>",
        b"a=1&a=2",
        b"\xff\xfe\x00",
        b"%%%",
        b"=" * 9,
    ]
    bodies += [dice.randbytes(dice.randrange(300)) for _ in range(100)]
    return [Knock(body, dice.choice(["", "application/json", "text/xml; charset=nosuch"])) for body in bodies]


def _mutated(knock: Knock, dice: random.Random) -> Knock:
    raw = bytearray(knock.raw)
    at = dice.randrange(len(raw))
    match dice.randrange(4):
        case 0:
            raw[at] ^= 1 << dice.randrange(8)
        case 1:
            del raw[at:]
        case 2:
            raw = raw + raw
        case _:
            raw[at:at] = dice.randbytes(3)
    return replace(knock, raw=bytes(raw), signature=dice.choice([knock.signature, "", "1:é"]))


BY_HAND = "31"  # the story of an order that a person at the post confirms
