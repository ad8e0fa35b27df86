"""A booking taken back at SF and at the centre's own people, against their own books: one lives in the end."""

import secrets
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from carriers import next_answers, orders, own_people
from road_steps import entries, make_due, numbers, only

from dispatch.accounts import SfAccount
from dispatch.approval.carriage import clear, withdraw
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import void_label
from dispatch.booking.route import set_route
from dispatch.booking.take_off import Then
from dispatch.posts.line import open_line
from dispatch.posts.sf.account import Sf
from dispatch.wiring import now
from dispatch.worklist import Reason
from sandbox import SfSettings, running
from workers.run import run_due

ITEM = "食品经营许可"
COLLECTED = "SBX222"
"""SF publishes no code for it, so an account is told the one that its SF uses."""


@contextmanager
def sf_company(folder):
    """The address of a sandbox SF, and our account there."""
    partner, checkword = "ZWZX01", secrets.token_hex(16)
    told = SfSettings(
        host="127.0.0.1",
        port=0,
        storage=folder / "sf.sqlite",
        push_url="http://127.0.0.1:9/pushes/sf",
        partner_id=partner,
        checkword=checkword,
        gap_seconds=1.0,
        lost_answer_seconds=3,
    )
    with running(told) as company:
        account = SfAccount(
            endpoint=f"{company.url}/std/service",
            partner_id=partner,
            checkword=checkword,
            monthly_card=told.monthly_card,
            per_second=10_000,
            answer_seconds=1,
            settling=timedelta(0),
            refused_codes=(COLLECTED,),
        )
        line = open_line(account)
        yield company.url, Sf(account, line, now, new_id=lambda: secrets.token_hex(8))
        line.client.close()


@pytest.fixture(params=["by_hand", "sf"])
def there(request, post, tmp_path, decided):
    """The carrier's books, and a world in which it carries the item; a letter of it is gathered."""
    opened = own_people if request.param == "by_hand" else sf_company
    with opened(tmp_path) as (url, carrier):
        world = replace(post.world, carriers={**post.world.carriers, carrier.name: carrier})
        lodge(world, decided(), "test")
        clear(world, ITEM, "景法审〔2026〕3号", "legal")
        set_route(world, "", ITEM, carrier.name, "clerk")
        run_due(world, "case.gather")
        run_due(world, f"shipment.book@{carrier.name}")
        assert (only(world).carrier, only(world).stage) == (carrier.name, "booked")
        yield url, world


def again(world, drain, times=6):
    for _ in range(times):
        for name in ("shipment.cancel", "shipment.settle_doubt"):
            make_due(world, name)
        drain(world)


def living(url):
    return [order["waybill_no"] for order in orders(url) if order["cancelled_at"] is None]


@pytest.mark.parametrize("fault", ["", "lost_after", "lost_before", "error_after", "garbage", "unavailable", "twice"])
def test_whatever_becomes_of_the_cancelling_the_first_is_cancelled_and_the_second_lives(there, drain, fault):
    url, world = there
    first = numbers(world)
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    next_answers(url, fault)
    again(world, drain)
    assert len(orders(url)) == 2
    assert numbers(world) == living(url) != first
    assert (only(world).stage, entries(world)) == ("booked", [])


@pytest.mark.parametrize("fault", ["", "lost_after", "error_after"])
def test_cancelled_for_good_nothing_lives(there, drain, fault):
    url, world = there
    void_label(world, only(world).id, Then.CANCEL, "clerk")
    next_answers(url, fault)
    again(world, drain)
    assert (only(world).stage, numbers(world), living(url)) == ("cancelled", [], [])
    assert entries(world) == [Reason.ON_HOLD]  # the case waits in sight


def test_what_was_collected_stays_with_its_number_and_a_person_is_told(there):
    url, world = there
    first = numbers(world)
    httpx2.post(f"{url}/counter/collect", json={"waybills": first}).raise_for_status()
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    run_due(world, f"shipment.cancel@{only(world).carrier}")
    assert (numbers(world), living(url), only(world).stage) == (first, first, "booked")
    assert entries(world) == [Reason.NOT_CANCELLED]


def test_the_second_label_of_what_may_no_longer_go_there_is_not_booked(there, drain):
    url, world = there
    withdraw(world, ITEM, "legal")
    void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
    name = only(world).carrier
    run_due(world, f"shipment.cancel@{name}")
    forbidden = name == "sf"  # the centre's own people are no express company
    book = f"shipment.book@{name}"
    waiting = replace(world, settings=world.settings.model_copy(update={"job_retry_cap": timedelta(hours=1)}))
    run_due(waiting, book)
    assert len(living(url)) == (0 if forbidden else 1)
    assert entries(world) == ([Reason.ROUTE_UNLAWFUL] if forbidden else [])


def test_an_order_that_a_desk_does_not_know_is_not_taken_for_cancelled(post, tmp_path, decided):
    """It may still be on its way there: booked anew, it would be carried twice. A person is told."""
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with own_people(tmp_path / "one") as (_, carrier), own_people(tmp_path / "other") as (url, knows_nothing):
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        lodge(world, decided(), "test")
        run_due(world, "case.gather")
        run_due(world, "shipment.book@by_hand")
        void_label(world, only(world).id, Then.BOOK_AGAIN, "clerk")
        hour = {"job_retry_first": timedelta(hours=1), "job_retry_cap": timedelta(hours=1)}
        there = replace(world, settings=world.settings.model_copy(update=hour))
        there = replace(there, carriers={**world.carriers, "by_hand": knows_nothing})
        for _ in range(5):
            make_due(there, "shipment.cancel")
            run_due(there, "shipment.cancel@by_hand")
        assert (only(world).stage, len(numbers(world)), orders(url)) == ("cancelling", 1, [])
        assert entries(world) == [Reason.NOT_CANCELLED]
