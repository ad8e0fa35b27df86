"""Doubt is looked up where the carrier offers it; and a sick carrier is one carrier, not all of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import next_answers, orders, own_people
from road_steps import details, entries, make_due, numbers, only, shipments, sql, with_settings

from dispatch import breaker
from dispatch.approval.lodge import lodge
from dispatch.booking.book import SETTLE_DOUBT
from dispatch.booking.route import set_route
from dispatch.breaker import Turn, Wait
from dispatch.carrier import NoAnswer, Throttled, Unauthorised
from dispatch.jobs import on_lane
from dispatch.worklist import Reason
from workers.run import run_due

BOOK = on_lane("shipment.book", "by_hand")
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(post, tmp_path):
    """A service with China Post and the centre's own people, each behind a real socket; the latter carry all."""
    with own_people(tmp_path) as (url, carrier):
        world = replace(post.world, carriers={**post.world.carriers, "by_hand": carrier})
        set_route(world, "", "", "by_hand", "clerk")
        yield url, world


def climb(world, drain, times=6):
    for _ in range(times):
        make_due(world, SETTLE_DOUBT)
        drain(world)


@pytest.mark.parametrize(
    "fault", ["lost_after", "error_after", "garbage", "wrong_type", "twice", "drip", "drip_headers"]
)
def test_an_order_taken_in_silence_is_found_by_its_number_and_never_placed_again(desk, drain, decided, fault):
    url, world = desk
    next_answers(url, fault)
    lodge(world, decided(), "test")
    drain(world)
    climb(world, drain)
    assert numbers(world) == [order["waybill_no"] for order in orders(url)]
    assert (len(orders(url)), only(world).stage, entries(world)) == (1, "booked", [])


@pytest.mark.parametrize("fault", ["lost_before", "unavailable"])
def test_an_order_that_three_look_ups_miss_was_never_placed_and_goes_out_under_the_same_number(
    desk, drain, decided, fault
):
    url, world = desk
    next_answers(url, fault)
    lodge(world, decided(), "test")
    drain(world)
    order_no = only(world).order_no
    climb(world, drain)
    assert [order["order_no"] for order in orders(url)] == [order_no]
    assert (only(world).stage, entries(world)) == ("booked", [])


def test_before_the_carrier_has_settled_its_books_an_absent_order_is_not_believed_absent(desk, drain, decided):
    url, world = desk
    slow = world.carriers["by_hand"]
    slow = replace(slow, account=slow.account.model_copy(update={"settling": HOUR}))
    world = replace(world, carriers={**world.carriers, "by_hand": slow})
    next_answers(url, "lost_before")
    lodge(world, decided(), "test")
    drain(world)
    with_settings_of_hours = with_settings(world, doubt_ladder=(HOUR, HOUR, HOUR), ask_again=HOUR)
    for _ in range(6):
        make_due(world, SETTLE_DOUBT)
        run_due(with_settings_of_hours, on_lane(SETTLE_DOUBT, "by_hand"))
    assert (only(world).stage, orders(url)) == ("in_doubt", [])
    assert only(world).absences > world.settings.absences
    assert entries(world) == [Reason.BOOKING_IN_DOUBT]
    later = replace(with_settings_of_hours, now=lambda: world.now() + 2 * HOUR)
    sql(world, "UPDATE jobs SET created_at = created_at - interval '2 hours'")
    make_due(world, SETTLE_DOUBT)
    run_due(later, on_lane(SETTLE_DOUBT, "by_hand"))
    drain(world)
    assert (len(orders(url)), only(world).stage, entries(world)) == (1, "booked", [])


def test_one_carriers_silence_opens_its_own_breaker_and_the_other_books_on(desk, drain, decided):
    url, world = desk
    world = with_settings(world, breaker_failures=2, breaker_first=HOUR, breaker_longest=HOUR)
    next_answers(url, "lost_before", "lost_before", "lost_before")
    for n in (1, 2, 3, 4):
        lodge(world, decided(f"33112720261122000{n}", slip={"detail": f"团结西路{n}号"}), "test")
    set_route(world, "浙江省/杭州市", "", "ems", "clerk")
    lodge(
        world, decided("331127202611220009", slip={"city": "杭州市", "county": "上城区", "town": "小营街道"}), "test"
    )
    run_due(world, "case.gather")
    for name in (BOOK, on_lane("shipment.book", "ems")):
        run_due(world, name)
    stages = sorted((row.carrier, row.stage) for row in shipments(world))
    assert stages == [("by_hand", "in_doubt")] * 2 + [("by_hand", "to_book")] * 2 + [("ems", "booked")]
    assert entries(world) == [Reason.POST_SICK]
    assert details(world, Reason.POST_SICK)[0]


def test_work_waits_with_its_reason_and_uses_up_no_attempt_and_goes_on_when_the_carrier_is_back(desk, drain, decided):
    url, world = desk
    carrier = world.carriers["by_hand"]
    waiting = with_settings(world, breaker_failures=1, breaker_first=HOUR, breaker_longest=HOUR)
    breaker.report(waiting, carrier, NoAnswer("没有等到答复。"))
    lodge(world, decided(), "test")
    run_due(world, "case.gather")
    run_due(waiting, BOOK)
    with world.begin() as session:
        job = session.connection().exec_driver_sql("SELECT attempts FROM jobs WHERE name = %s", (BOOK,)).one()
        assert breaker.gate(waiting, carrier).words == "没有等到答复。"
    assert (job.attempts, only(world).stage, orders(url)) == (0, "to_book", [])
    breaker.report(world, carrier, None)
    make_due(world, BOOK)
    drain(world)
    assert (only(world).stage, entries(world), len(orders(url))) == ("booked", [], 1)


def test_after_its_time_one_call_tries_and_the_others_wait_for_it(desk):
    _, world = desk
    carrier = world.carriers["by_hand"]
    patient = with_settings(world, breaker_failures=1, breaker_first=timedelta(0), breaker_probe=HOUR)
    breaker.report(patient, carrier, NoAnswer("没有等到答复。"))
    assert isinstance(breaker.gate(patient, carrier), Turn)
    assert isinstance(breaker.gate(patient, carrier), Wait)
    breaker.report(patient, carrier, None)
    assert isinstance(breaker.gate(patient, carrier), Turn)


def test_patience_is_given_where_it_is_asked_for_without_an_alarm_and_a_refused_account_alarms_at_once(desk):
    _, world = desk
    carrier = world.carriers["by_hand"]
    breaker.report(world, carrier, Throttled("请慢一点。", HOUR))
    assert breaker.gate(world, carrier).wait > HOUR / 2
    assert entries(world) == []
    breaker.report(world, carrier, None)
    breaker.report(with_settings(world, breaker_unauthorised=HOUR), carrier, Unauthorised("账号停用。"))
    assert breaker.gate(world, carrier).wait > HOUR / 2
    assert isinstance(breaker.gate(world, world.carriers["ems"]), Turn)
    assert entries(world) == [Reason.ACCOUNT_REFUSED]


def test_calls_go_out_no_faster_than_the_account_permits(desk):
    _, world = desk
    carrier = world.carriers["by_hand"]
    slow = replace(carrier, account=carrier.account.model_copy(update={"per_second": 2.0}))
    waits: list[float] = []
    for _ in range(3):
        assert isinstance(breaker.gate(world, slow, sleep=waits.append), Turn)
    assert len(waits) == 2
    assert waits[0] < waits[1]  # each stands behind the one before
    assert isinstance(
        breaker.gate(world, slow, sleep=waits.append), Wait
    )  # more than a moment away: the job comes back
