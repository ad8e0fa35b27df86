"""Whose is a number: carriers use them again, and news of one letter are never another's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from road_steps import (
    details,
    do,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    post_that_says,
    push,
    raw_push,
    shipments,
    with_settings,
)
from sqlalchemy import select
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.approval.lodge import lodge
from dispatch.journey import Act
from dispatch.label.pages import tracking_url
from dispatch.packing.hand_over import HandOver, posting_list
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.wiring import now
from dispatch.worklist import Reason
from tests.rooms.printed_page import read_pages
from workers.run import run_due

SECOND = "331127202611220002"
OTHERS = {"detail": "团结西路9号"}
NUMBER = "1100000000001"
DAY = timedelta(days=1)
STARTED = now().replace(microsecond=0)


def ago(minutes):
    return STARTED - timedelta(minutes=minutes)


def settle_unmatched(world, drain):
    """The grace of pushes that are nobody's is over."""
    for _ in range(3):
        make_due(world, "push.read")
        drain(world)


# Used again.


@pytest.fixture
def same_number(world, drain, decided):
    """A carrier that gives every letter one number; the first was delivered, and it is long ago."""
    with post_that_says(world, lambda _: (200, {"waybillNo": NUMBER})) as opened:
        there = with_settings(opened, token_days=1000)
        on_the_way(there, drain, decided())
        push(there, raw_push(there, NUMBER, "704", ago(5), deliverCode="10"))
        drain(there)
        assert only(there).stage == "closed"
        yield there


@pytest.fixture
def later(same_number, drain, decided):
    """The number came again for a second letter, after its rest."""
    rested = replace(same_number, now=lambda: now() + same_number.settings.number_rest + DAY)
    on_the_way(rested, drain, decided(SECOND, slip=OTHERS))
    return rested


def waybills(world):
    with world.reading() as session:
        return list(session.scalars(select(Waybill).order_by(Waybill.adopted_at)))


def test_a_number_that_rested_is_the_new_letters_and_news_of_it_moves_only_that(later, drain):
    old, new = shipments(later)
    assert (old.stage, new.stage, new.tracked) == ("closed", "handed_over", "unseen")
    push(later, raw_push(later, NUMBER, "203", later.now()))
    drain(later)
    old_now, new_now = shipments(later)
    assert (new_now.tracked, old_now.tracked) == ("collected", "delivered")
    assert (old_now.last_news, old_now.stage, entries(later)) == (old.last_news, "closed", [])


def test_the_old_letters_page_and_posting_list_still_show_its_number(later):
    door = TestClient(make_app(later))
    for waybill in waybills(later):
        page = door.get(tracking_url(later, waybill).removeprefix(later.settings.public_url))
        assert (page.status_code, NUMBER in page.text) == (200, True)
    with later.reading() as session:
        lists = session.scalars(select(HandOver.number).order_by(HandOver.made_at)).all()
    for number in lists:
        assert any(NUMBER in page.text for page in read_pages(posting_list(later, number), ink=False))


def test_old_news_told_again_stays_the_old_letters(later, drain):
    old = shipments(later)[0]
    push(later, raw_push(later, NUMBER, "704", ago(5), deliverCode="10", opDesc="再次推送"))
    push(later, raw_push(later, NUMBER, "203", ago(9), orderNo=old.order_no))
    settle_unmatched(later, drain)
    assert [row.tracked for row in shipments(later)] == ["delivered", "unseen"]
    assert shipments(later)[1].stage == "handed_over"


@pytest.fixture
def rested(same_number):
    """The same service after the number's rest; nobody of ours has the number again."""
    return replace(same_number, now=lambda: now() + same_number.settings.number_rest + DAY)


def test_news_of_a_number_that_rested_are_nobodys_and_leave_the_closed_letter_alone(rested, drain):
    """The carrier gave it to somebody else's parcel: that one's return made the proved letter a returned one."""
    before = only(rested)
    for code, minutes in (("203", 50), ("708", 40), ("711", 30)):
        push(rested, raw_push(rested, NUMBER, code, rested.now() - timedelta(minutes=minutes)))
    settle_unmatched(rested, drain)
    after = only(rested)
    assert (after.stage, after.tracked, after.last_news) == ("closed", "delivered", before.last_news)
    assert set(entries(rested)) == {Reason.UNKNOWN_PARCEL}
    with rested.reading() as session:
        nobodys = select(Sighting.code).where(Sighting.shipment_id.is_(None))
        assert set(session.scalars(nobodys)) == {"203", "708", "711"}


def test_until_its_rest_is_over_the_number_is_the_closed_letters(same_number, drain):
    early = replace(same_number, now=lambda: now() + same_number.settings.number_rest - DAY)
    push(early, raw_push(early, NUMBER, "743", early.now()))
    drain(early)
    assert Reason.DELIVERY_REVOKED in entries(early)


def test_a_push_with_our_order_number_gives_a_number_that_rested_to_the_letter_it_names(rested, drain, decided):
    """The answer to the booking was lost; the push was laid to the closed letter, and the new one stayed in doubt."""
    lodge(rested, decided(SECOND, slip=OTHERS), "test")
    run_due(rested, "case.gather")
    for deed in (Act.INTEND, Act.DOUBT):
        do(rested, deed, shipments(rested)[1])
    told = raw_push(rested, NUMBER, "203", rested.now(), orderNo=shipments(rested)[1].order_no)
    push(rested, told)
    run_due(rested, "push.read")
    old, new = shipments(rested)
    assert (new.stage, new.tracked, old.stage, old.tracked) == ("booked", "collected", "closed", "delivered")
    assert [(row.shipment_id == new.id, row.retired_at is None) for row in waybills(rested)] == [
        (False, False),
        (True, True),
    ]


def test_a_number_that_comes_again_too_early_is_a_conflict_that_a_person_sees(same_number, drain, decided):
    rest = same_number.settings.number_rest
    early = replace(same_number, now=lambda: now() + rest - DAY)
    lodge(early, decided(SECOND, slip=OTHERS), "test")
    drain(early)
    first, second = shipments(early)
    assert (first.stage, second.stage, numbers(early)) == ("closed", "in_doubt", [NUMBER])
    assert Reason.TWO_NUMBERS in entries(early)
    assert NUMBER in details(early, Reason.TWO_NUMBERS)[0]


def test_a_number_is_never_taken_from_a_letter_that_is_still_on_its_way(world, drain, decided):
    with post_that_says(world, lambda _: (200, {"waybillNo": NUMBER})) as there:
        on_the_way(there, drain, decided())
        years = replace(there, now=lambda: now() + 1000 * DAY)
        lodge(years, decided(SECOND, slip=OTHERS), "test")
        drain(years)
        assert [row.stage for row in shipments(years)] == ["handed_over", "in_doubt"]
        assert Reason.TWO_NUMBERS in entries(years)


def test_news_of_one_letter_never_touches_another(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided(), decided(SECOND, slip=OTHERS))
    untouched, told = shipments(world)
    number = dict(zip([row.shipment_id for row in waybills(world)], waybills(world), strict=True))[told.id].number
    for code, minutes, more in (("203", 9, {}), ("702", 7, {}), ("704", 5, {"deliverCode": "10"})):
        push(world, raw_push(world, number, code, ago(minutes), **more))
        drain(world)
    # A push with this letter's number and the other's order number speaks of neither.
    push(world, raw_push(world, number, "743", ago(1), orderNo=untouched.order_no))
    settle_unmatched(world, drain)
    assert [(row.tracked, row.stage) for row in shipments(world)] == [
        ("unseen", "handed_over"),
        ("delivered", "closed"),
    ]
    with world.reading() as session:
        assert {row.shipment_id for row in session.scalars(select(Sighting))} == {told.id, None}
