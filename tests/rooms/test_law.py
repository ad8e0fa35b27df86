"""The law at the last moment (邮政法 55): what was lawful when it was gathered need not be when it is booked."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import orders, own_people
from on_the_road import as_given
from road_steps import (
    at_once,
    details,
    do,
    entries,
    make_due,
    numbers,
    only,
    print_all,
    settle_all,
    shipments,
    sql,
    with_settings,
)
from sf_post import sf_post
from sqlalchemy import select, text
from typer.testing import CliRunner

from dispatch.approval.carriage import clear, rulings, withdraw
from dispatch.approval.lodge import lodge
from dispatch.booking.cancel import confirm_cancelled, void_label
from dispatch.booking.doubt import book_again
from dispatch.booking.gather import SEAL
from dispatch.booking.route import Route, end_route, routes, set_route
from dispatch.booking.take_off import Then
from dispatch.carrier import Standing
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Act
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.worklist import Reason
from workers.run import run_due
from zhuandi import posts as post_commands
from zhuandi import routes as route_commands
from zhuandi.main import app

ITEM, OTHER = "食品经营许可", "道路运输许可"
FIRST, SECOND = "331127202611220001", "331127202611220002"
GROUND = "景法审〔2026〕3号"
HOUR = timedelta(hours=1)
BOOK, GATHER = "shipment.book@sf", "case.gather"


@pytest.fixture
def served(post, decided):
    """China Post, and an SF that may carry a cleared item; both behind real sockets. One case made the item known."""
    with sf_post(with_settings(post.world, job_retry_first=HOUR, job_retry_cap=HOUR)) as (sf, world):
        lodge(world, decided("331127202611229999", hold="先不寄"), "test")
        clear(world, ITEM, GROUND, "legal")
        set_route(world, "", ITEM, "sf", "clerk")
        yield sf, world


def gathered(world, case):
    lodge(world, case, "test")
    run_due(world, GATHER)
    return only(world)


def stopped(sf, world):
    """Not booked, with the reason in sight, and nothing was said to SF."""
    return (only(world).stage, entries(world), sf.booked) == ("to_book", [Reason.ROUTE_UNLAWFUL], 0)


# A clearing that is withdrawn.


def test_what_was_gathered_before_the_clearing_was_withdrawn_is_not_told_to_the_express_company(served, decided):
    sf, world = served
    gathered(world, decided())
    withdraw(world, ITEM, "legal")
    run_due(world, BOOK)
    assert stopped(sf, world)
    assert ITEM in details(world, Reason.ROUTE_UNLAWFUL)[0]
    assert "顺丰" in details(world, Reason.ROUTE_UNLAWFUL)[0]


def test_withdrawn_while_the_envelope_still_gathers_it_is_stopped_all_the_same(served, decided):
    sf, world = served
    sql(world, "UPDATE items SET grouping = interval '1 hour'")
    gathered(world, decided())
    assert only(world).stage == "gathering"
    withdraw(world, ITEM, "legal")
    make_due(world, SEAL)
    run_due(world, SEAL)
    run_due(world, BOOK)
    assert stopped(sf, world)


def test_withdrawn_while_an_order_waits_for_a_company_that_is_away_nothing_is_said_when_it_is_back(served, decided):
    sf, world = served
    there = world.carriers["sf"]
    account = there.account.model_copy(update={"endpoint": "http://127.0.0.1:9/closed"})
    gathered(world, decided())
    run_due(replace(world, carriers={**world.carriers, "sf": replace(there, account=account)}), BOOK)
    assert only(world).stage == "to_book"
    withdraw(world, ITEM, "legal")
    make_due(world, BOOK)
    run_due(world, BOOK)
    assert stopped(sf, world)


def test_withdrawn_after_a_refusal_the_mended_order_does_not_go_out(served, decided):
    sf, world = served
    shipment = gathered(world, decided())
    for deed in (Act.INTEND, Act.REFUSE):
        do(world, deed, shipment)
    withdraw(world, ITEM, "legal")
    book_again(world, shipment.id, "clerk")
    run_due(world, BOOK)
    assert stopped(sf, world)


def test_withdrawn_between_two_labels_there_is_no_second_one(served, decided):
    sf, world = served
    shipment = gathered(world, decided())
    run_due(world, BOOK)
    void_label(world, shipment.id, Then.BOOK_AGAIN, "clerk")
    withdraw(world, ITEM, "legal")
    confirm_cancelled(world, shipment.id, "clerk")
    run_due(world, BOOK)
    assert (only(world).stage, numbers(world), sf.booked) == ("to_book", [], 1)
    assert entries(world) == [Reason.ROUTE_UNLAWFUL]


def test_withdrawn_after_the_booking_what_is_still_in_the_house_is_shown_and_is_not_handed_over(served, decided):
    _, world = served
    gathered(world, decided())
    run_due(world, BOOK)
    print_all(world)
    with world.reading() as session:
        pairs = to_pack(session)
    for code, number in pairs:
        pack(world, code, number, "clerk")
    withdraw(world, ITEM, "legal")
    run_due(world, "item.check_law")
    assert (only(world).stage, entries(world)) == ("packed", [Reason.ROUTE_UNLAWFUL])
    settle_all(world, Reason.ROUTE_UNLAWFUL)
    with pytest.raises(NotFoundError, match="不合规"):
        hand_over(world, "sf", "clerk")
    assert only(world).stage == "packed"


def test_every_ruling_of_the_legal_office_stays_answerable(served):
    _, world = served
    withdraw(world, ITEM, "legal two")
    clear(world, ITEM, "景法审〔2026〕9号", "legal three")
    with world.reading() as session:
        found = [(ruling.carriage, ruling.ground, ruling.ruled_by) for ruling in rulings(session, ITEM)]
    assert found == [
        ("cleared", GROUND, "legal"),
        ("postal_only", None, "legal two"),
        ("cleared", "景法审〔2026〕9号", "legal three"),
    ]


def test_cleared_again_the_envelope_goes_on_by_itself_and_the_entry_is_gone(served, decided):
    sf, world = served
    gathered(world, decided())
    withdraw(world, ITEM, "legal")
    run_due(world, BOOK)
    clear(world, ITEM, GROUND, "legal")
    make_due(world, BOOK)
    run_due(world, BOOK)
    assert (only(world).stage, entries(world), sf.booked) == ("booked", [], 1)


def test_the_entry_stands_until_something_is_done_and_is_opened_once(served, decided):
    sf, world = served
    gathered(world, decided())
    withdraw(world, ITEM, "legal")
    for _ in range(3):
        make_due(world, BOOK)
        run_due(world, BOOK)
    assert stopped(sf, world)


def test_one_item_that_may_not_go_stops_the_whole_envelope_and_is_named_alone(served, decided):
    sf, world = served
    lodge(world, decided("331127202611229998", item_name=OTHER, hold="先不寄"), "test")
    clear(world, OTHER, GROUND, "legal")
    set_route(world, "", OTHER, "sf", "clerk")
    sql(world, "UPDATE items SET grouping = interval '1 hour'")
    for case_no, item in ((FIRST, ITEM), (SECOND, OTHER)):
        lodge(world, decided(case_no, item_name=item), "test")
    run_due(world, GATHER)
    assert len(shipments(world)) == 1
    withdraw(world, OTHER, "legal")
    make_due(world, SEAL)
    run_due(world, SEAL)
    run_due(world, BOOK)
    assert stopped(sf, world)
    assert ITEM not in details(world, Reason.ROUTE_UNLAWFUL)[0]


# Who shares an envelope, and who may carry what.


def test_two_cases_of_one_recipient_with_different_carriers_never_share_an_envelope(served, drain, decided, post):
    sf, world = served
    waiting = with_settings(world, item_grouping=HOUR)
    sql(world, "UPDATE items SET grouping = interval '1 hour'")
    lodge(waiting, decided(FIRST), "test")
    lodge(waiting, decided(SECOND, item_name=OTHER), "test")
    drain(waiting)
    assert sorted(shipment.carrier for shipment in shipments(world)) == ["ems", "sf"]
    make_due(world, SEAL)
    drain(world)
    assert (sf.booked, len(orders(post.url)), len(numbers(world))) == (1, 1, 2)


def test_the_centres_own_people_may_carry_what_only_the_post_may(post, drain, decided, tmp_path):
    with own_people(tmp_path) as (url, carrier):
        assert carrier.standing is Standing.OWN
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        lodge(world, decided(), "test")
        set_route(world, "", ITEM, "by_hand", "clerk")
        drain(world)
        assert numbers(world) == [order["waybill_no"] for order in orders(url)]
        assert (orders(post.url), entries(world)) == ([], [])


def test_a_route_to_a_company_whose_account_is_gone_counts_as_absent(served, decided):
    _, world = served
    without = replace(world, carriers={"ems": world.carriers["ems"]})
    assert gathered(without, decided()).carrier == "ems"


@pytest.mark.parametrize(
    "area", ["浙江省/丽水市/景宁畲族自治县/红星街道/团结西路", "浙江省//景宁畲族自治县", "/浙江省", "浙江省/ "]
)
def test_an_area_that_cannot_be_one_is_refused_in_words(served, area):
    _, world = served
    with pytest.raises(NotAllowedError, match="地区"):
        set_route(world, area, ITEM, "sf", "clerk")


def test_a_route_for_an_unknown_item_or_company_is_not_made(served):
    _, world = served
    for item, carrier in (("没有这个事项", "ems"), (ITEM, "nobody")):
        with pytest.raises(NotFoundError):
            set_route(world, "", item, carrier, "clerk")


def test_a_changed_line_is_ended_and_not_overwritten_and_says_who_and_when(served):
    _, world = served
    set_route(world, "", ITEM, "ems", "another")
    end_route(world, "", ITEM, "third")
    with world.reading() as session:
        kept = session.scalars(select(Route).order_by(Route.made_at)).all()
        assert list(routes(session)) == []
    assert [(line.carrier, line.made_by, line.ended_by) for line in kept] == [
        ("sf", "clerk", "another"),
        ("ems", "another", "third"),
    ]
    assert all(line.made_at <= line.ended_at for line in kept)


def test_clerks_who_change_the_same_line_at_once_leave_one_that_holds(served):
    _, world = served
    at_once([lambda: set_route(world, "浙江省", ITEM, "sf", "clerk")] * 4)
    at_once([lambda: set_route(world, "浙江省", ITEM, "ems", "clerk")] * 4)
    with world.reading() as session:
        assert sorted((line.area, line.carrier) for line in routes(session)) == [("", "sf"), ("浙江省", "ems")]


# The console is a door like any other.


@pytest.fixture
def console(served, monkeypatch):
    _, world = served
    for commands in (route_commands, post_commands):
        monkeypatch.setattr(commands, "open_world", lambda: as_given(world))
    return lambda *words: CliRunner().invoke(app, [*words, "--by", "clerk"])


@pytest.mark.parametrize("item", [["--item", OTHER], []])
def test_the_console_makes_no_route_that_the_law_forbids(served, decided, console, item):
    _, world = served
    lodge(world, decided("331127202611229998", item_name=OTHER, hold="先不寄"), "test")
    told = console("route", "sf", "--area", "浙江省", *item)
    assert told.exit_code == 1
    with world.reading() as session:
        assert [line.item_code for line in routes(session)] == [ITEM]


def test_the_console_clears_nothing_without_a_ground_and_reroutes_nothing_against_the_law(served, decided, console):
    sf, world = served
    withdraw(world, ITEM, "legal")
    assert console("clear-item", ITEM, "--ground", " ").exit_code == 1
    gathered(world, decided())
    assert console("reroute", FIRST, "sf").exit_code == 1
    assert (only(world).carrier, sf.booked) == ("ems", 0)
    assert console("clear-item", ITEM, "--ground", GROUND).exit_code == 0
    assert console("reroute", FIRST, "sf").exit_code == 0
    assert only(world).carrier == "sf"


def test_the_database_itself_refuses_a_clearing_without_ground_person_or_time(served):
    _, world = served
    for column in ("carriage_ground", "carriage_by", "carriage_at"):
        with pytest.raises(Exception, match="ck_items_carriage"), world.begin() as session:
            session.execute(text(f"UPDATE items SET {column} = NULL WHERE carriage = 'cleared'"))  # noqa: S608
