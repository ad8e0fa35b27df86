"""What a delivery is worth: every signer against every consent, as the hall counts it."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from dispatch.approval.decided_case import Way
from dispatch.journey import News, Observed, Signer, Tracked, Tracking, fold
from dispatch.posts.ems.codes import VOIDS, meaning
from dispatch.visits import KINDS
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, WAIT, Consent, Evidence, weigh

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
FLAGS = {"door": "", "locker": "point_at_address", "village_station": "brought_to_door", "post_office": ""}
CONSENTS = [
    Consent(Way(way), **({flag: raised} if flag else {}), proxy_allowed=proxy)
    for way, flag in FLAGS.items()
    for raised in ((False, True) if flag else (False,))
    for proxy in (False, True)
]
PROXIES = {Signer.PROXY, Signer.MAILROOM, Signer.PROPERTY, Signer.OFFICE}


def told(code: str, detail: str = "") -> Tracking:
    news, signer = meaning(code, detail)
    return fold([Observed(AT, code, news, detail, signer, VOIDS.get(code, frozenset()))])


def signed(signer: Signer) -> Tracking:
    return Tracking(Tracked.DELIVERED, Observed(AT, "704", News.DELIVERED, signer=signer), signer)


def by_the_hall(signer: Signer, consent: Consent, *, asked: bool) -> tuple[str | None, int, str | None, bool]:
    """The table in words: evidence, trips of the citizen, reason for a person, whether the post is asked."""
    if signer is Signer.SELF:
        at_the_station = consent.way is Way.VILLAGE_STATION and not consent.brought_to_door
        return "signed_by_recipient", int(at_the_station or consent.way is Way.POST_OFFICE), None, False
    if signer is Signer.FETCHED:
        at_the_address = consent.way is Way.LOCKER and consent.point_at_address
        return "fetched_by_recipient", 0 if at_the_address else 1, None, False
    if signer is Signer.VILLAGE:
        if consent.way is not Way.VILLAGE_STATION:
            return None, 0, "signed_without_consent", False
        return "signed_at_consented_station", 0 if consent.brought_to_door else 1, None, False
    if signer in PROXIES:
        if not consent.proxy_allowed:
            return None, 0, "signed_without_consent", False
        at_a_point = consent.way is Way.VILLAGE_STATION and not consent.brought_to_door
        return "signed_by_consented_proxy", int(at_a_point or consent.way is Way.POST_OFFICE), None, False
    return (None, 0, "signer_unknown", False) if asked else (None, 0, None, True)


@pytest.mark.parametrize(
    ("signer", "consent", "asked"), list(itertools.product(Signer, CONSENTS, (False, True))), ids=str
)
def test_each_signer_against_each_consent_closes_asks_or_comes_before_a_person(signer, consent, asked):
    verdict = weigh(signed(signer), consent, asked=asked)
    trips = KINDS[verdict.visit].trips if verdict.visit else 0
    assert (verdict.evidence, trips, verdict.reason, verdict.ask) == by_the_hall(signer, consent, asked=asked)
    assert verdict.evidence is None or verdict.reason is None


def test_a_delivery_without_a_signer_is_never_closed_by_itself():
    for consent in CONSENTS:
        nobody = Tracking(Tracked.DELIVERED, Observed(AT, "704", News.DELIVERED), None)
        assert weigh(nobody, consent, asked=False).ask
        assert weigh(nobody, consent, asked=True).reason == "signer_unknown"


DOOR = Consent(Way.DOOR)


@pytest.mark.parametrize(("code", "detail"), [("704", "10"), ("748", "")])
def test_codes_that_prove_it_close_a_case(code, detail):
    assert weigh(told(code, detail), DOOR, asked=False).evidence is not None


@pytest.mark.parametrize(
    ("code", "detail"),
    [("704", d) for d in ("", "20", "30", "50", "60", "70", "80", "90", "100", "120", "150", "160", "161", "162")]
    + [("704", d) for d in ("163", "164", "165", "166", "167", "168", "169", "180", "181", "ZDY", "999")]
    + [("747", ""), ("711", ""), ("743", ""), ("741", ""), ("987", ""), ("463", ""), ("Z99", "10"), ("705", "10")],
)
def test_no_other_code_of_the_post_closes_a_case_that_agreed_to_its_own_door_only(code, detail):
    for asked in (False, True):
        assert weigh(told(code, detail), DOOR, asked=asked).evidence is None


@pytest.mark.parametrize("consent", CONSENTS, ids=str)
def test_a_locker_is_nothing_yet_whatever_was_agreed(consent):
    for code, detail in (("747", ""), ("704", "50"), ("704", "30"), ("704", "150")):
        assert weigh(told(code, detail), consent, asked=True) == WAIT


def test_a_locker_at_the_delivery_address_is_no_trip_and_any_other_is_one():
    for consent, trips in ((Consent(Way.LOCKER, point_at_address=True), 0), (Consent(Way.LOCKER), 1), (DOOR, 1)):
        assert KINDS[weigh(told("748"), consent, asked=False).visit].trips == trips


def test_the_village_station_is_a_trip_nearby_and_none_where_it_brings_the_letter():
    nearby = KINDS[weigh(told("704", "160"), Consent(Way.VILLAGE_STATION), asked=False).visit]
    assert (nearby.trips, nearby.office_trips, nearby.nearby) == (1, 0, True)
    brought = weigh(told("704", "160"), Consent(Way.VILLAGE_STATION, brought_to_door=True), asked=False)
    assert KINDS[brought.visit].zero


@pytest.mark.parametrize(
    ("code", "detail", "reason"),
    [
        ("708", "", "returning"),
        ("705", "15", "returning"),
        ("711", "", "returned"),
        ("987", "", "lost"),
        ("705", "13", "lost"),
        ("705", "2", "address_unclear"),
    ],
)
def test_a_letter_that_goes_back_or_is_lost_or_misaddressed_comes_before_a_person(code, detail, reason):
    verdict = weigh(told(code, detail), DOOR, asked=True)
    assert (verdict.evidence, verdict.reason) == (None, reason)


@pytest.mark.parametrize("code", ["203", "389", "713", "702", "705", "723", "Z99", "801"])
def test_a_letter_on_its_way_is_waited_for(code):
    assert weigh(told(code), DOOR, asked=True) == WAIT


def test_every_evidence_has_its_word():
    assert set(EVIDENCE_WORDS) == set(Evidence)


@pytest.mark.parametrize(
    ("before", "trips"),
    [(News.OUT_FOR_DELIVERY, 0), (News.AWAITING_PICKUP, 1)],
    ids=["it came to the door", "it was fetched at the counter after a failed attempt"],
)
def test_signing_in_person_counts_by_where_it_was_signed(before: News, trips: int) -> None:
    """A letter that went to the counter (723 转窗投, 未妥投 8 or 9) and was signed for there is a trip, not zero."""
    seen = [
        Observed(AT - timedelta(hours=2), "702", News.OUT_FOR_DELIVERY),
        Observed(AT - timedelta(hours=1), "723", before),
        Observed(AT, "704", News.DELIVERED, detail="10", signer=Signer.SELF),
    ]
    verdict = weigh(fold(seen), Consent(Way.DOOR), asked=True)
    assert (KINDS[verdict.visit].trips if verdict.visit else 0) == trips
