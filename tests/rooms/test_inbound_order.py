"""Materials on their way in: the applicant sends, the centre receives, and nobody asks the applicant for money."""

import json

import pytest
from road_steps import only, sql

from dispatch.approval.lodge import lodge
from dispatch.booking.order import build_order
from workers.run import run_due


@pytest.fixture
def sealed(world, decided):
    """One sealed envelope whose slip names a locker; which way it goes, a test says."""
    lodge(world, decided(slip={"way": "locker", "point": "团结西路丰巢柜"}), "test")
    run_due(world, "case.gather")
    assert only(world).stage == "to_book"
    return world


def order_of(world, direction):
    sql(world, "UPDATE shipments SET direction = :direction", direction=direction)
    with world.reading() as session:
        return build_order(world, session, only(world))


def test_outbound_the_centre_sends_to_the_point_that_the_applicant_chose(sealed):
    order = order_of(sealed, "outbound")
    assert (order.sender.name, order.recipient.name) == (sealed.settings.centre.name, "蓝小雨")
    assert (order.way, "丰巢柜" in order.way_of_delivery) == ("locker", True)


def test_inbound_the_applicant_sends_and_the_centre_receives_at_its_own_door(sealed):
    """Not turned round, the courier would be sent to fetch the applicant's papers at the centre."""
    outbound, inbound = order_of(sealed, "outbound"), order_of(sealed, "inbound")
    assert (inbound.sender, inbound.recipient) == (outbound.recipient, outbound.sender)
    assert (inbound.way, inbound.way_of_delivery, inbound.direction) == ("door", "须上门投递", "inbound")


def test_what_ems_is_told_of_an_inbound_envelope_is_free_for_the_applicant(sealed):
    (told,) = json.loads(sealed.carriers["ems"].booking(order_of(sealed, "inbound")).kept)
    assert (told["sender"]["mobile"], told["paymentMode"], told["deliverType"]) == ("13900000001", "2", "2")
    assert told["receiver"]["address"] == sealed.settings.centre.address
