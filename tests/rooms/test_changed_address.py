"""An address that was changed on the way: the envelope leaves the way that was agreed, so a person hears of it."""

import pytest
from on_the_road import Road
from road_steps import details

from dispatch.journey import View
from dispatch.worklist import Reason

CASE = "331127202611220001"


@pytest.fixture
def road(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided(CASE))
    road.tell(CASE, "203")
    return road


def reasons(road):
    return [Reason(entry.reason) for entry in road.entries()]


@pytest.mark.parametrize(("code", "name"), [("756", "电子渠道收件人改址"), ("802", "改址"), ("803", "总部改址")])
def test_a_change_of_address_is_shown_by_its_name_and_moves_nothing(road, code, name):
    """A note is read by nobody: the licence would go to an address that no slip holds."""
    road.tell(CASE, "702")
    road.tell(CASE, code)
    assert reasons(road) == [Reason.UNKNOWN_CODE]
    assert details(road.world, Reason.UNKNOWN_CODE) == [f"代码“{code} {name}”须人工判读，已保留，未改变状态。"]
    assert road.shipment(CASE).view is View.OUT_FOR_DELIVERY


@pytest.mark.parametrize("why", ["11", "12"])
def test_an_attempt_that_failed_because_it_is_sent_on_is_a_failed_attempt_and_a_persons(road, why):
    road.tell(CASE, "702")
    road.tell(CASE, "705", why)
    assert reasons(road) == [Reason.ADDRESS_UNCLEAR]
    assert road.shipment(CASE).view is View.ATTEMPT_FAILED


def test_a_code_that_nobody_published_is_still_said_to_be_none(road):
    road.tell(CASE, "Z99")
    assert details(road.world, Reason.UNKNOWN_CODE) == ["代码“Z99”不在对照表内，已保留，未改变状态。"]
