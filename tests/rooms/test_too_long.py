"""An address that a post's interface cannot hold: refused before anything is sent, and a person mends it."""

import pytest
from road_steps import details, entries, only
from sf_post import sf_post

from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.route import set_route
from dispatch.worklist import Reason

ITEM = "食品经营许可"
ROOM = "2幢301室"


@pytest.fixture
def served(post):
    with sf_post(post.world) as (sf, world):
        yield sf, world


def by_sf(world, drain, case):
    lodge(world, case, "test")
    clear(world, ITEM, "景法审〔2026〕3号", "legal")
    set_route(world, "", ITEM, "sf", "clerk")
    drain(world)


def test_an_address_whose_room_would_be_cut_off_is_not_sent_and_stands_before_a_person(served, drain, decided):
    """Cut at 200 characters it would look whole to everybody but the courier in front of the house."""
    sf, world = served
    by_sf(world, drain, decided(slip={"detail": "路" * 194 + ROOM}))
    assert (sf.booked, only(world).stage) == (0, "refused")
    assert entries(world) == [Reason.REFUSED_BY_CARRIER]
    assert "收件地址超过 200 个字符" in details(world, Reason.REFUSED_BY_CARRIER)[0]


def test_an_address_that_just_fits_is_sent_with_its_room(served, drain, decided):
    sf, world = served
    by_sf(world, drain, decided(slip={"detail": "路" * 190 + ROOM}))
    assert (sf.booked, only(world).stage) == (1, "booked")
