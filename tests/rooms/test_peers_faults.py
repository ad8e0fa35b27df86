"""The faults that were reproduced at our peers (ANCHORS.md, last section), each against this service: none is here.

More of each kind stands in the files of their rooms; here is one test a fault, named for it, end to end.
"""

from datetime import UTC, datetime, timedelta

import pytest
from road_steps import (
    BOOK,
    at_once,
    books,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    push,
    raw_push,
    shipments,
)
from sf_post import by_sf, line_of, sf_post, tell
from sqlalchemy import func, select

from dispatch.approval.lodge import GATHER, lodge
from dispatch.shipment import WATCH
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Reason
from dispatch.zero_visits.close import Closure
from workers.run import run_due

STARTED = datetime.now(UTC).replace(microsecond=0)
OTHER = {"recipient_name": "雷一鸣", "phone": "13900000101", "detail": "复兴西路3号"}


def ago(minutes: float) -> datetime:
    return STARTED - timedelta(minutes=minutes)


def pushed(world, drain, number, *events):
    """Events (code, minutes ago, more fields) pushed one after the other, each worked on at once."""
    for code, minutes, *more in events:
        push(world, raw_push(world, number, code, ago(minutes), **(more[0] if more else {})))
        drain(world)


def closures(world) -> int:
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(Closure))


DELIVERED = ("704", 5, {"deliverCode": "10"})


@pytest.mark.parametrize("happened", [7, 3], ids=["before_the_delivery", "after_the_delivery"])
def test_a_late_in_transit_does_not_turn_delivered_back(post, drain, decided, happened):
    on_the_way(post.world, drain, decided())
    number = numbers(post.world)[0]
    pushed(post.world, drain, number, ("203", 9), ("702", 8), DELIVERED, ("954", happened), ("389", happened))
    assert (only(post.world).tracked, only(post.world).stage, closures(post.world)) == ("delivered", "closed", 1)


def test_a_revocation_after_the_closure_reaches_a_person_and_is_not_overwritten(post, drain, decided):
    on_the_way(post.world, drain, decided())
    pushed(post.world, drain, numbers(post.world)[0], ("203", 9), DELIVERED)
    assert only(post.world).stage == "closed"
    pushed(post.world, drain, numbers(post.world)[0], ("743", 1))
    assert only(post.world).tracked != "delivered"
    assert Reason.DELIVERY_REVOKED in entries(post.world)
    with post.world.reading() as session:
        told = session.scalars(select(Sighting.code).order_by(Sighting.at)).all()
    assert told == ["203", "704", "743"]  # nothing is overwritten: the delivery stands beside its revocation


def test_a_return_that_we_sign_for_is_no_delivery_at_ems(post, drain, decided):
    on_the_way(post.world, drain, decided())
    pushed(post.world, drain, numbers(post.world)[0], ("203", 9), ("705", 7), ("708", 5), ("711", 2))
    assert (only(post.world).tracked, only(post.world).stage, closures(post.world)) == ("returned", "handed_over", 0)
    assert Reason.RETURNED in entries(post.world)


def test_a_return_that_we_sign_for_under_its_new_number_is_no_delivery_at_sf(world, drain, decided):
    with sf_post(world) as (_, there):
        by_sf(there, drain, decided())
        number, back = numbers(there)[0], "SF9000000000000"
        for line in (
            line_of(number, "50", ago(9)),
            line_of(number, "70", ago(8)),
            line_of(number, "648", ago(7), f"已退回/转寄，新单号为：{back}"),
            line_of(back, "44", ago(4)),
            line_of(back, "80", ago(2), "已签收"),
            line_of(back, "8000", ago(1), "签收人：寄件方"),
        ):
            tell(there, line)
            drain(there)
        assert (only(there).tracked, only(there).stage, closures(there)) == ("returned", "handed_over", 0)
        assert Reason.RETURNED in entries(there)


def past_its_patience(world, drain):
    """Everything that was waited for is overdue: asked after once, then shown."""
    late = world.settings.patience[only(world).view] + timedelta(hours=1)
    with world.begin() as session:
        only_one = session.merge(only(world))
        only_one.moved_at -= late
    for _ in range(2):
        make_due(world, WATCH)
        drain(world)


def test_a_locker_that_is_never_emptied_at_ems_never_closes_and_a_person_sees_it(post, drain, decided):
    on_the_way(post.world, drain, decided())
    pushed(post.world, drain, numbers(post.world)[0], ("203", 9), ("747", 5))
    past_its_patience(post.world, drain)
    assert (only(post.world).view, closures(post.world)) == ("awaiting_pickup", 0)
    assert entries(post.world) == [Reason.NOT_FETCHED]


def test_a_locker_that_is_never_emptied_at_sf_never_closes_and_a_person_sees_it(world, drain, decided):
    with sf_post(world) as (_, there):
        by_sf(there, drain, decided())
        for code, minutes in (("50", 9), ("44", 8), ("125", 5)):
            tell(there, line_of(numbers(there)[0], code, ago(minutes)))
            drain(there)
        past_its_patience(there, drain)
        assert (only(there).view, closures(there)) == ("awaiting_pickup", 0)
        assert entries(there) == [Reason.NOT_FETCHED]


def test_a_push_for_parcel_a_does_not_touch_parcel_b(post, drain, decided):
    on_the_way(post.world, drain, decided(), decided("331127202611220002", slip=OTHER))
    with post.world.reading() as session:
        number_of = {waybill.shipment_id: waybill.number for waybill in session.scalars(select(Waybill))}
    a, b = shipments(post.world)
    before = (b.stage, b.tracked, b.moved_at, b.last_news)
    pushed(post.world, drain, number_of[a.id], ("203", 9), ("702", 7), DELIVERED)
    a, b = shipments(post.world)
    assert (a.tracked, a.stage) == ("delivered", "closed")
    assert (b.stage, b.tracked, b.moved_at, b.last_news) == before


def test_three_identical_requests_book_one_parcel(post, drain, decided):
    for _ in range(3):
        lodge(post.world, decided(), "test")
        drain(post.world)
        make_due(post.world, BOOK)
        drain(post.world)
    assert (books(post)["bookings"], books(post)["live"], len(numbers(post.world))) == (1, 1, 1)


def test_two_concurrent_bookings_book_one_parcel(post, decided, drain):
    at_once([lambda: lodge(post.world, decided(), "test")] * 2)
    at_once([lambda: run_due(post.world, GATHER)] * 2)
    at_once([lambda: run_due(post.world, BOOK)] * 2)
    drain(post.world)
    assert (books(post)["bookings"], books(post)["live"], len(numbers(post.world))) == (1, 1, 1)


def test_an_error_after_the_carriers_answer_leaves_one_booking_and_its_row(post, decided, drain, monkeypatch):
    """The row is there before the carrier is told; what fails afterwards is doubt, and is asked after."""
    lodge(post.world, decided(), "test")
    run_due(post.world, GATHER)
    with monkeypatch.context() as broken:
        broken.setattr("dispatch.booking.book.conclude", lambda *_: 1 / 0)
        run_due(post.world, BOOK)
    assert (books(post)["bookings"], only(post.world).stage) == (1, "in_doubt")
    for _ in range(3):
        for name in (BOOK, "shipment.settle_doubt"):
            make_due(post.world, name)
        drain(post.world)
    assert (books(post)["bookings"], numbers(post.world)) == (1, [books(post)["orders"][0]["waybill_no"]])
