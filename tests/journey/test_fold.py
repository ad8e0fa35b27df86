"""The second table and the fold: a state is a function of the set of sightings, whatever came when and how often."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.journey import NEWS, News, Observed, Signer, Tracked, fold
from dispatch.posts.ems.codes import VOIDS, meaning

T0 = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
ENDS = {"delivered", "returned", "lost"}
MOVEMENT = {"collected", "in_transit", "at_office", "out_for_delivery"}
SILENT = {"voiding", "note", "unknown"}
LEADS_TO = {word: word for word in MOVEMENT | ENDS | {"attempt_failed", "awaiting_pickup", "returning"}} | {
    "address_unclear": "attempt_failed",
    "recipient_refused": "attempt_failed",
    "fetched": "delivered",
}
LEADING_NEWS = {tracked: News(tracked.value) for tracked in Tracked if tracked is not Tracked.UNSEEN}


def by_the_rule(tracked: str, news: str) -> tuple[str, bool]:
    """The rule in words: where news leads from here, and whether it contradicts what was final."""
    if news in SILENT:
        return tracked, False
    meant = LEADS_TO[news]
    if tracked not in ENDS | {"returning"}:
        return meant, False  # on its way, the newest word is believed
    if tracked == "returning":
        # only an end ends the way back; delivered after all, or to us: a person looks
        return (meant, meant == "delivered") if meant in ENDS else (tracked, False)
    if news in MOVEMENT or meant == tracked:
        return tracked, False  # an end absorbs later movement, and its own repetition
    if meant in ENDS:
        return meant, True  # end against end
    if meant == "returning" and tracked != "returned":
        return meant, True  # what was said to be final turns back
    return tracked, True  # an attempt, a locker, a way back after the return: shown, not believed


def event(minute: int, news: News, code: str = "", **more: object) -> Observed:
    return Observed(at=T0 + timedelta(minutes=minute), code=code or str(news), news=news, digest=f"{minute}", **more)


@pytest.mark.parametrize(("tracked", "news"), list(itertools.product(Tracked, News)))
def test_every_pair_of_state_and_news_moves_as_the_rule_in_words_says(tracked, news):
    before = [] if tracked is Tracked.UNSEEN else [event(0, LEADING_NEWS[tracked])]
    assert fold(before).state is tracked
    told = event(1, news)
    state, contradicts = by_the_rule(tracked, news)
    after = fold([*before, told])
    assert after.state == state
    assert bool(after.contradictions) == contradicts
    assert (NEWS.get((tracked, news)) or tracked) == state


def test_every_tracked_state_is_reached_from_nothing():
    assert {fold([event(0, news)]).state for news in News} | {Tracked.UNSEEN} == set(Tracked)


@pytest.mark.parametrize("tracked", Tracked)
def test_news_that_is_not_understood_or_says_nothing_of_the_place_moves_nothing(tracked):
    before = [] if tracked is Tracked.UNSEEN else [event(0, LEADING_NEWS[tracked])]
    after = fold([*before, event(1, News.NOTE), event(2, News.UNKNOWN)])
    assert (after.state, after.cause) == (fold(before).state, fold(before).cause)
    assert [seen.news for seen in after.unknown] == [News.UNKNOWN]


# Random sets of what EMS really tells: codes with and without sub-codes, voidings, unknown codes, shared seconds.

TOLD = [(code, "") for code in ("203", "208", "305", "389", "713", "702", "747", "748", "708", "711", "741", "987")]
TOLD += [("704", detail) for detail in ("", "10", "20", "50", "100", "160", "180", "999")]
TOLD += [("705", detail) for detail in ("", "1", "4", "7", "8", "10", "13", "zz")]
VOIDINGS = [(code, "") for code in ("743", "742", "744", "207", "448")]
TOLD += [*VOIDINGS, ("447", ""), ("802", ""), ("801", ""), ("Z99", "")]


def sighting(second: int, code: str, detail: str, telling: str = "push") -> Observed:
    """As the adapter and the table of sightings make it: the meaning is of the code, the digest of the text."""
    news, signer = meaning(code, detail)
    digest = hashlib.sha256(f"{second}{code}/{detail}/{telling}".encode()).hexdigest()
    at = T0 + timedelta(seconds=second)
    return Observed(at, code, news, detail, signer, VOIDS.get(code, frozenset()), digest)


sightings = st.builds(
    lambda second, told, telling: sighting(second, *told, telling),
    st.integers(0, 5),
    st.sampled_from(TOLD),
    st.sampled_from(["push", "question"]),
)
sets = st.lists(sightings, max_size=9)


def facts(found: tuple[Observed, ...]) -> set[tuple[datetime, str, str]]:
    return {(seen.at, seen.code, seen.detail) for seen in found}


@given(st.data(), sets)
def test_arrival_order_and_repetition_never_matter(data, told):
    again = data.draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    shuffled = data.draw(st.permutations([*told, *again]))
    assert fold(shuffled) == fold(told)


@given(sets)
def test_an_event_that_is_pushed_and_answered_too_counts_once(told):
    retold = [sighting(int((seen.at - T0).total_seconds()), seen.code, seen.detail, "retold") for seen in told]
    one, two = fold(told), fold([*told, *retold])
    assert (one.state, one.signer) == (two.state, two.signer)
    assert facts(one.contradictions) == facts(two.contradictions)
    assert facts(one.unknown) == facts(two.unknown)


@given(sets)
def test_a_push_that_leaves_the_sub_code_out_does_not_blur_the_answer_that_has_it(told):
    blurred = [sighting(int((seen.at - T0).total_seconds()), seen.code, "") for seen in told if seen.detail]
    assert fold([*blurred, *told]) == fold(told)


@given(sets, st.integers(0, 5))
def test_a_revoked_delivery_always_comes_before_a_person(told, second):
    voiding = sighting(second, "743", "")
    assert (voiding.at, "743", "") in facts(fold([*told, voiding]).contradictions)


@given(sets, st.integers(0, 5), st.sampled_from(["Z99", "801", "802"]))
def test_an_unknown_code_or_a_note_moves_nothing_wherever_it_falls(told, second, code):
    one, two = fold(told), fold([*told, sighting(second, code, "")])
    assert (one.state, one.cause, one.signer) == (two.state, two.cause, two.signer)
    assert one.contradictions == two.contradictions


@given(sets, st.integers(-5, 5), st.sampled_from(["203", "389", "713", "702"]))
def test_an_older_movement_that_comes_late_does_not_take_a_delivered_letter_back(told, second, code):
    before = fold(told)
    late = sighting(second, code, "")
    if before.state is Tracked.DELIVERED and late.at < before.cause.at:
        after = fold([*told, late])
        assert (after.state, after.cause, after.signer) == (before.state, before.cause, before.signer)


@given(sets)
def test_a_signer_is_named_only_of_what_counts_as_delivered(told):
    tracking = fold(told)
    assert (tracking.signer is not None) == (tracking.state is Tracked.DELIVERED)


def test_a_revocation_takes_back_the_delivery_before_it_and_no_other():
    first, voiding, second = sighting(1, "704", "10"), sighting(2, "743", ""), sighting(3, "704", "20")
    way = sighting(0, "702", "")
    assert fold([way, first, voiding]).state is Tracked.OUT_FOR_DELIVERY
    again = fold([way, first, voiding, second])
    assert (again.state, again.signer, again.contradictions) == (Tracked.DELIVERED, Signer.PROXY, (voiding,))
    assert fold([way, first, second, voiding]) == again


def test_a_revocation_told_twice_takes_back_one_delivery_and_not_the_one_before_it_too():
    told = [sighting(1, "704", "20"), sighting(2, "704", "10"), sighting(3, "743", "", "push")]
    twice = fold([*told, sighting(3, "743", "", "question")])
    assert (twice.state, twice.signer) == (Tracked.DELIVERED, Signer.PROXY)
    assert len(twice.contradictions) == 1


def test_a_revocation_of_the_same_second_comes_after_what_it_revokes():
    same = fold([sighting(1, "743", ""), sighting(1, "704", "10")])
    assert (same.state, facts(same.contradictions)) == (Tracked.UNSEEN, {(T0 + timedelta(seconds=1), "743", "")})


@pytest.mark.parametrize("detail", ["", "10", "50", "180"])
def test_the_revocation_of_a_delivery_to_a_locker_or_under_an_unknown_code_is_shown_too(detail):
    """743 takes back a 704, whatever its 妥投代码 made of it: a clerk may have read it as delivered."""
    told = fold([sighting(1, "704", detail), sighting(2, "743", "")])
    assert [seen.code for seen in told.contradictions] == ["743"]


def test_routine_corrections_on_the_way_do_not_flood_the_worklist():
    for code, voiding in (("702", "742"), ("203", "207"), ("705", "744"), ("447", "448")):
        assert fold([sighting(1, code, "4" if code == "705" else ""), sighting(2, voiding, "")]).contradictions == ()


def test_a_return_delivered_is_not_a_delivery():
    told = fold([sighting(1, "708", ""), sighting(2, "711", "")])
    assert (told.state, told.signer) == (Tracked.RETURNED, None)


def test_a_locker_is_not_a_delivery_until_somebody_took_it_out():
    put_in, taken = sighting(1, "747", ""), sighting(2, "748", "")
    assert fold([put_in]).state is Tracked.AWAITING_PICKUP
    assert (fold([taken, put_in]).state, fold([taken, put_in]).signer) == (Tracked.DELIVERED, Signer.FETCHED)
