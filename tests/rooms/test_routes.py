"""The law routes (邮政法 55): a route that breaks it cannot be made, by whichever way it is tried."""

from datetime import timedelta

import pytest
from carriers import express
from road_steps import entries, make_due, numbers, only, shipments, with_settings
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from dispatch.approval.carriage import clear, withdraw
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers, numbers_left
from dispatch.booking.cancel import reroute
from dispatch.booking.route import end_route, routes, set_route
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.worklist import Reason
from workers.run import run_due

ITEM = "食品经营许可"
COUNTY = "浙江省/丽水市/景宁畲族自治县"


@pytest.fixture
def town(post):
    """A service with China Post and an express company; what must wait, waits for an hour."""
    return with_settings(express(post.world), job_retry_cap=timedelta(hours=1))


@pytest.fixture
def known(town, decided):
    lodge(town, decided("331127202611229999", hold="先不寄"), "test")
    return town


def carrier_of(world, case_no):
    with world.begin() as session:
        return session.execute(
            text(
                "SELECT s.carrier FROM shipments s JOIN contents c ON c.shipment_id = s.id"
                " JOIN documents d ON d.id = c.document_id WHERE d.code LIKE :code AND NOT c.void"
            ),
            {"code": f"{case_no}%"},
        ).scalar()


@pytest.mark.parametrize("item", ["", ITEM])
def test_an_express_company_gets_neither_all_items_nor_one_that_was_not_cleared(known, item):
    with pytest.raises(NotAllowedError, match="五十五"):
        set_route(known, COUNTY, item, "zto", "clerk")
    with known.reading() as session:
        assert list(routes(session)) == []


def test_an_item_is_cleared_only_on_a_ground_and_by_somebody(known):
    with pytest.raises(NotAllowedError):
        clear(known, ITEM, "  ", "legal")
    with pytest.raises(IntegrityError), known.begin() as session:
        session.execute(text("UPDATE items SET carriage = 'cleared'"))
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    with known.begin() as session:
        row = session.execute(text("SELECT carriage, carriage_ground, carriage_by, carriage_at FROM items")).one()
    assert row[:3] == ("cleared", "景法审〔2026〕3号", "legal")
    assert row[3] is not None


def test_a_cleared_item_goes_by_its_route_and_the_rest_by_the_post(known, drain, decided):
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    set_route(known, COUNTY, ITEM, "zto", "clerk")
    add_numbers(known, "zto", ["730000000001"], "clerk")
    lodge(known, decided("331127202611220001"), "test")
    lodge(known, decided("331127202611220002", item_name="道路运输许可"), "test")
    drain(known)
    assert carrier_of(known, "331127202611220001") == "zto"
    assert carrier_of(known, "331127202611220002") == "ems"  # one recipient, two envelopes: each item's law holds
    assert "730000000001" in numbers(known)


@pytest.mark.parametrize(
    ("area", "item", "chosen"),
    [
        ("", ITEM, "zto"),
        ("浙江省", ITEM, "zto"),
        (COUNTY, ITEM, "zto"),
        ("浙江省/杭州市", ITEM, "ems"),
        ("", "别的事项", "ems"),
    ],
)
def test_a_route_holds_for_its_area_and_its_item_and_no_further(known, decided, area, item, chosen):
    lodge(known, decided("331127202611229998", item_name="别的事项", hold="先不寄"), "test")
    clear(known, item, "景法审〔2026〕3号", "legal")
    set_route(known, area, item, "zto", "clerk")
    lodge(known, decided(), "test")
    run_due(known, "case.gather")
    assert only(known).carrier == chosen


def test_the_nearer_area_wins_over_the_wider_and_an_ended_line_is_gone(known, decided):
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    set_route(known, "", ITEM, "zto", "clerk")
    set_route(known, COUNTY, ITEM, "ems", "clerk")
    lodge(known, decided("331127202611220001"), "test")
    run_due(known, "case.gather")
    end_route(known, COUNTY, ITEM, "clerk")
    lodge(known, decided("331127202611220002"), "test")
    run_due(known, "case.gather")
    assert [carrier_of(known, f"33112720261122000{n}") for n in (1, 2)] == ["ems", "zto"]
    with pytest.raises(NotFoundError):
        end_route(known, COUNTY, ITEM, "clerk")


def test_a_clearing_that_is_withdrawn_stops_what_is_not_booked_and_no_fallback_gets_round_it(known, drain, decided):
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    set_route(known, "", ITEM, "zto", "clerk")
    lodge(known, decided(), "test")
    run_due(known, "case.gather")
    withdraw(known, ITEM, "legal")
    add_numbers(known, "zto", ["730000000001"], "clerk")
    drain(known)
    assert (only(known).stage, entries(known)) == ("to_book", [Reason.ROUTE_UNLAWFUL])
    with known.reading() as session:
        assert numbers_left(session, "zto") == 1  # no number was spent on it
    with pytest.raises(NotAllowedError, match="五十五"):
        reroute(known, only(known).id, "zto", "clerk")
    reroute(known, only(known).id, "ems", "clerk")
    drain(known)
    assert (only(known).carrier, only(known).stage, entries(known)) == ("ems", "booked", [])


def test_a_line_that_the_law_forbids_by_now_counts_as_absent(known, decided):
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    set_route(known, "", ITEM, "zto", "clerk")
    withdraw(known, ITEM, "legal")
    lodge(known, decided(), "test")
    run_due(known, "case.gather")
    assert only(known).carrier == "ems"


def test_a_segment_gives_each_number_once_and_when_it_is_used_up_work_waits_in_sight(known, drain, decided):
    clear(known, ITEM, "景法审〔2026〕3号", "legal")
    set_route(known, "", ITEM, "zto", "clerk")
    with pytest.raises(NotAllowedError):
        add_numbers(known, "zto", ["730000000001", "不是号"], "clerk")
    add_numbers(known, "zto", ["730000000001"], "clerk")
    assert add_numbers(known, "zto", ["730000000001"], "clerk") == 0
    for n in (1, 2):
        lodge(known, decided(f"33112720261122000{n}", slip={"detail": f"团结西路{n}号"}), "test")
    for name in ("case.gather", "shipment.book@zto"):
        run_due(known, name)
    assert numbers(known) == ["730000000001"]
    assert entries(known) == [Reason.NUMBERS_OUT]
    add_numbers(known, "zto", ["730000000002"], "clerk")
    make_due(known, "shipment.book")
    run_due(known, "shipment.book@zto")
    assert sorted(numbers(known)) == ["730000000001", "730000000002"]


def test_what_may_be_booked_already_is_never_given_to_another_carrier(known, drain, decided):
    lodge(known, decided(), "test")
    drain(known)
    with pytest.raises(NotAllowedError, match="已下单"):
        reroute(known, shipments(known)[0].id, "ems", "clerk")
