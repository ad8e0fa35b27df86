"""What the database itself refuses, whatever the code above it does: the last line against two of anything."""

import secrets

import pytest
from road_steps import shipments
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from dispatch.approval.lodge import lodge
from dispatch.shipment import Content
from dispatch.waybill import Waybill


@pytest.fixture
def two_booked(post, drain, decided):
    """A service with two letters that have their numbers, and both of them."""
    for number in (1, 2):
        lodge(post.world, decided(f"33112720261122000{number}", slip={"detail": f"团结西路{number}号"}), "test")
    drain(post.world)
    return post.world, shipments(post.world)


def refused(world, row):
    """The name of the index that refuses this row; nothing where it was taken."""
    try:
        with world.begin() as session:
            session.add(row)
    except IntegrityError as error:
        return error.orig.diag.constraint_name
    return None


def waybill(world, shipment, number):
    made = Waybill(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier="ems",
        number=number,
        sorting_code="",
        adopted_from="test",
        adopted_at=world.now(),
        token_digest=secrets.token_bytes(32),
    )
    world.vault.seal(made, "token", "token")
    return made


def test_a_second_live_waybill_of_a_shipment_is_refused_by_the_database_itself(two_booked):
    world, [first, _] = two_booked
    assert refused(world, waybill(world, first, "1100000009999")) == "uq_waybills_live_shipment"


def test_a_number_that_is_live_on_one_shipment_is_refused_on_another_by_the_database_itself(two_booked):
    world, [first, second] = two_booked
    with world.begin() as session:
        taken = session.scalars(select(Waybill).where(Waybill.shipment_id == first.id)).one().number
        session.scalars(select(Waybill).where(Waybill.shipment_id == second.id)).one().voided_at = world.now()
    assert refused(world, waybill(world, second, taken)) == "uq_waybills_live_number"


def test_a_document_in_a_second_live_envelope_is_refused_by_the_database_itself(two_booked):
    world, [first, second] = two_booked
    with world.reading() as session:
        inside = session.scalars(select(Content.document_id).where(Content.shipment_id == first.id)).one()
    again = Content(id=uuid7(), shipment_id=second.id, document_id=inside)
    assert refused(world, again) == "uq_contents_live"
