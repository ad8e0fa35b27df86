"""Whoever must hear of a number hears of it: a tracker is told until it has heard; what it refuses a person sees."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from carriers import next_answers, orders
from road_steps import details, entries, make_due, numbers, only, print_all, settle_all, sql, with_settings

from dispatch import jobs
from dispatch.accounts import KdniaoAccount, TrackedCarrier
from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers
from dispatch.booking.route import set_route
from dispatch.posts.kdniao.account import Kdniao
from dispatch.posts.line import open_line
from dispatch.posts.tracked import Tracked
from dispatch.shipment import ANNOUNCE
from dispatch.wiring import now
from dispatch.worklist import Reason
from sandbox import KdniaoSettings, running
from workers.run import run_due

ITEM = "食品经营许可"
NUMBER = "730000000001"
SPARE = [f"7300000001{n:02}" for n in range(20)]
HOUR = timedelta(hours=1)
TELL = jobs.on_lane(ANNOUNCE, "zto")


@pytest.fixture
def tracked(world, tmp_path, decided):
    """An express company whose parcels a tracker follows, over a real socket; one letter has its number."""
    key = secrets.token_hex(8)
    account = {"e_business_id": "1237100", "app_key": key, "push_url": "http://127.0.0.1:9/pushes/kdniao"}
    told = KdniaoSettings(
        host="127.0.0.1", port=0, storage=tmp_path / "kdniao.sqlite", lost_answer_seconds=3, **account
    )
    with running(told) as tracker:
        there = KdniaoAccount(
            query_endpoint=f"{tracker.url}/Ebusiness/EbusinessOrderHandle.aspx",
            subscribe_endpoint=f"{tracker.url}/api/dist",
            business_id="1237100",
            app_key=key,
            per_second=10_000,
            answer_seconds=1,
        )
        line = open_line(there)
        company = TrackedCarrier(title="中通快递", tracker="kdniao", code="ZTO", number_pattern=r"\d{12}")

        def opened(**changed):
            post = Tracked("zto", company.model_copy(update=changed), Kdniao(there, line, now, {"ZTO": "zto"}))
            slow = with_settings(world, job_retry_first=HOUR, job_retry_cap=HOUR)
            return replace(slow, carriers={**world.carriers, "zto": post})

        yield tracker.url, opened
        line.client.close()


def with_number(world, decided):
    """A letter that has its number; nobody was told of it yet."""
    add_numbers(world, "zto", [NUMBER, *SPARE], "clerk")
    lodge(world, decided(), "test")
    clear(world, ITEM, "景法审〔2026〕3号", "legal")
    set_route(world, "", ITEM, "zto", "clerk")
    run_due(world, "case.gather")
    run_due(world, jobs.on_lane("shipment.book", "zto"))
    assert numbers(world) == [NUMBER]


def say(world, times=1):
    """Say it so often, whatever the breaker thinks."""
    for _ in range(times):
        sql(world, "UPDATE breakers SET open_until = now() WHERE open_until IS NOT NULL")
        make_due(world, ANNOUNCE)
        run_due(world, TELL)


def followed(url):
    return [(order["waybill_no"], order["subscribed"]) for order in orders(url)]


def open_jobs(world):
    with world.reading() as session:
        waiting = "SELECT count(*) FROM jobs WHERE name = %s AND done_at IS NULL"
        return session.connection().exec_driver_sql(waiting, (TELL,)).scalar()


def test_the_tracker_is_told_of_the_number_as_soon_as_it_is_known(tracked, decided):
    url, opened = tracked
    world = opened(wants_phone=True)
    with_number(world, decided)
    say(world)
    assert (followed(url), open_jobs(world), entries(world)) == ([(NUMBER, True)], 0, [])


@pytest.mark.parametrize("fault", ["unavailable", "lost_before", "lost_after", "error_after", "garbage", "throttled"])
def test_not_heard_it_is_told_again_and_told_twice_it_is_followed_once(tracked, decided, fault):
    url, opened = tracked
    world = opened(wants_phone=True)
    with_number(world, decided)
    next_answers(url, fault)
    say(world)
    assert (open_jobs(world), only(world).stage) == (1, "booked")
    say(world)
    assert (followed(url), open_jobs(world)) == ([(NUMBER, True)], 0)
    assert Reason.NOT_FOLLOWED not in entries(world)


def test_never_heard_a_person_is_told_in_the_trackers_words_and_printing_the_sheet_does_not_hide_it(tracked, decided):
    url, opened = tracked
    world = opened(wants_phone=False)  # this tracker wants the end of the phone for this company
    with_number(world, decided)
    say(world, 4)
    assert entries(world) == []
    say(world, 2)
    assert entries(world) == [Reason.NOT_FOLLOWED]
    assert "CustomerName" in details(world, Reason.NOT_FOLLOWED)[0]
    print_all(world)
    assert (only(world).stage, entries(world)) == ("printed", [Reason.NOT_FOLLOWED])
    mended = opened(wants_phone=True)
    say(mended)
    assert (followed(url), entries(world), open_jobs(world)) == ([(NUMBER, True)], [], 0)


def test_settled_by_a_person_it_does_not_come_back_for_this_number(tracked, decided):
    _, opened = tracked
    world = opened(wants_phone=False)
    with_number(world, decided)
    say(world, 5)
    settle_all(world, Reason.NOT_FOLLOWED)
    say(world, 2)
    assert entries(world) == []
