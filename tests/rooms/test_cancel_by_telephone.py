"""Taking back a booking by telephone, where the carrier has no interface for it: a person's two choices."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import orders
from road_steps import details, entries, make_due, numbers, only

from dispatch.accounts import GovEmsAccount
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import confirm_cancelled, keep_label, void_label
from dispatch.booking.route import set_route
from dispatch.booking.take_off import Then
from dispatch.errors import NotAllowedError
from dispatch.posts.gov_ems.account import GovEms
from dispatch.posts.line import open_line
from dispatch.worklist import Reason
from sandbox import GovEmsSettings, running


@pytest.fixture
def province(post, drain, decided, tmp_path):
    """A letter with the county-to-post interface, which offers no cancelling: the sandbox's books, and the world."""
    key, centre = secrets.token_hex(4), "331127JT"
    told = GovEmsSettings(
        host="127.0.0.1",
        port=0,
        storage=tmp_path / "gov.sqlite",
        des_key=key,
        centre_code=centre,
        gap_seconds=1.0,
        lost_answer_seconds=0.2,
        number_after_seconds=0.0,
    )
    with running(told) as there:
        address = f"{there.url}/onlineGovEMS/services/CityToGovService"
        account = GovEmsAccount(
            endpoint=address, centre_code=centre, des_key=key, per_second=10_000, settling=timedelta(0)
        )
        line = open_line(account)
        world = replace(post.world, carriers={**post.world.carriers, "gov_ems": GovEms(account, line)})
        set_route(world, "", "", "gov_ems", "clerk")
        lodge(world, decided(), "test")
        for _ in range(4):
            drain(world)
            make_due(world, "shipment.settle_doubt")
        assert only(world).stage == "booked"
        yield there.url, world
        line.client.close()


def test_where_no_interface_cancels_a_person_is_told_whom_to_ring_and_the_number_stays_live(province, drain):
    url, world = province
    number = numbers(world)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    drain(world)
    assert (only(world).stage, numbers(world), entries(world)) == ("cancelling", number, [Reason.NOT_CANCELLED])
    assert "电话" in details(world, Reason.NOT_CANCELLED)[0]
    assert len(orders(url)) == 1


def test_the_carrier_said_yes_on_the_telephone_and_a_second_label_is_booked(province, drain):
    url, world = province
    number, order_no = numbers(world), only(world).order_no
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    drain(world)
    confirm_cancelled(world, only(world).id, "clerk")
    for _ in range(4):
        drain(world)
        make_due(world, "shipment.settle_doubt")
    assert (only(world).stage, entries(world), len(orders(url))) == ("booked", [], 2)
    assert numbers(world) != number
    assert only(world).order_no != order_no


def test_the_carrier_said_no_on_the_telephone_and_the_label_is_used_after_all(province, drain):
    url, world = province
    number = numbers(world)
    void_label(world, only(world).id, Then.CANCEL, "clerk")
    drain(world)
    keep_label(world, only(world).id, "clerk")
    drain(world)
    assert (only(world).stage, numbers(world), entries(world), len(orders(url))) == ("booked", number, [], 1)
    for settle in (keep_label, confirm_cancelled):
        with pytest.raises(NotAllowedError, match="撤单中"):
            settle(world, only(world).id, "clerk")


def test_who_settled_it_is_recorded(province, drain):
    _, world = province
    void_label(world, only(world).id, Then.BOOK_AGAIN, "first")
    keep_label(world, only(world).id, "second")
    void_label(world, only(world).id, Then.BOOK_AGAIN, "third")
    confirm_cancelled(world, only(world).id, "fourth")
    with world.begin() as session:
        moves = session.connection().exec_driver_sql("SELECT cause, by FROM moves ORDER BY at DESC, id DESC").all()
    assert [tuple(move) for move in moves[:4]] == [
        ("act:voided", "fourth"),
        ("act:void", "third"),
        ("act:keep", "second"),
        ("act:void", "first"),
    ]
