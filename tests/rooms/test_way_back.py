"""A parcel gets a second number for its way back (SF 648, 631): news of both tell one story, in every order."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from road_steps import entries, make_due, numbers, only, shipments, sql
from sf_post import by_sf, line_of, sf_post, tell
from sqlalchemy import select

from dispatch import jobs
from dispatch.shipment import ASK
from dispatch.tracking.observe import Match, observe
from dispatch.tracking.sighting import Sighting
from dispatch.wiring import now
from dispatch.worklist import Reason
from tests.posts.sf_samples import json_push

STARTED = now().replace(microsecond=0)


def ago(minutes):
    return STARTED - timedelta(minutes=minutes)


def settle_unmatched(world, drain):
    """The grace of pushes that are nobody's is over."""
    for _ in range(3):
        make_due(world, "push.read")
        drain(world)


@pytest.fixture
def sf(world):
    with sf_post(world) as opened:
        yield opened


def story(number, back, order_no):
    """Out, refused, and back under another number, where it is signed for."""
    return [
        line_of(number, "50", ago(50), order_no=order_no),
        line_of(number, "44", ago(40), order_no=order_no),
        line_of(number, "648", ago(30), f"快件已退回/转寄，新单号为：{back}", order_no=order_no),
        line_of(back, "36", ago(20)),
        line_of(back, "80", ago(10)),
    ]


def test_in_whatever_order_the_news_of_both_numbers_come_the_letter_is_back_with_us(sf, drain, decided):
    _, world = sf
    chance = random.Random(20261123)
    ends = set()
    for turn in range(8):
        shipment = by_sf(world, drain, decided(f"33112720261122{turn:04}", slip={"detail": f"团结西路{turn}号"}))
        lines = story(numbers(world)[-1], f"SF9{turn:012}", shipment.order_no)
        order = lines[::-1] if turn == 0 else chance.sample(lines, len(lines))
        for line in [*order, chance.choice(lines)]:
            tell(world, line)
            drain(world)
        settle_unmatched(world, drain)
        found = next(row for row in shipments(world) if row.id == shipment.id)
        ends.add((found.tracked, found.signer, found.stage, found.last_news.split(":")[-2]))
    assert ends == {("returned", None, "handed_over", "80")}
    assert Reason.UNKNOWN_PARCEL not in entries(world)
    with world.reading() as session:
        assert session.scalars(select(Sighting.id).where(Sighting.shipment_id.is_(None))).all() == []


def test_news_of_both_numbers_that_came_before_the_booking_was_known_are_the_letters(sf, drain, decided):
    _, world = sf
    shipment = by_sf(world, drain, decided())
    number = numbers(world)[0]
    sql(world, "UPDATE waybills SET voided_at = now()")
    for line in story(number, "SF9000000000000", "")[::-1]:
        tell(world, line)
    settle_unmatched(world, drain)
    assert (only(world).tracked, entries(world)) == ("unseen", [Reason.UNKNOWN_PARCEL] * 5)
    sql(world, "UPDATE waybills SET voided_at = NULL")
    with world.begin() as session:
        jobs.leave(session, "shipment.follow", shipment.subject)
    drain(world)
    assert only(world).tracked == "returned"
    assert Reason.UNKNOWN_PARCEL not in entries(world)


def test_a_letter_on_its_way_back_is_asked_after_under_both_numbers(sf, drain, decided):
    post, world = sf
    shipment = by_sf(world, drain, decided())
    number, back = numbers(world)[0], "SF9000000000000"
    lines = story(number, back, shipment.order_no)
    post.traces = {number: lines[:3], back: lines[3:]}
    with world.begin() as session:
        jobs.leave(session, ASK, shipment.subject, lane="sf")
    drain(world)
    assert post.asked == [number, number, back]  # the first answer told the second number: it is asked at once
    assert (only(world).tracked, only(world).stage) == ("returned", "handed_over")
    assert Reason.RETURNED in entries(world)


def test_news_of_the_new_number_that_meets_the_learning_of_it_looks_again(sf, drain, decided):
    _, world = sf
    by_sf(world, drain, decided())
    number, back = numbers(world)[0], "SF9000000000000"
    lines = (line_of(number, "648", ago(30), f"新单号为：{back}"), line_of(back, "80", ago(9)))
    told, after = (world.carriers["sf"].read_push(json_push(line).decode())[0] for line in lines)

    def tell_of_the_new_number():
        with world.begin() as session:
            return observe(world, session, "sf", after, "push")

    with ThreadPoolExecutor(1) as pool:
        with world.begin() as learning:
            observe(world, learning, "sf", told, "push")
            meanwhile = pool.submit(tell_of_the_new_number)
            wait_until(lambda: meanwhile.done() or waits_for_a_lock(world))
        assert meanwhile.result() is Match.LOOK_AGAIN
    assert tell_of_the_new_number() is Match.FOUND
    assert only(world).tracked == "returned"


def waits_for_a_lock(world):
    with world.begin() as session:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return session.connection().exec_driver_sql(waiting).scalar() > 0


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the deadline passed"
        time.sleep(0.01)


def test_a_new_number_in_impossible_news_is_not_learned(sf, drain, decided):
    post, world = sf
    by_sf(world, drain, decided())
    post.traces = {}
    future = now() + timedelta(days=400)
    tell(world, line_of(numbers(world)[0], "648", future, "新单号为：SF9000000000000"))
    drain(world)
    assert (only(world).tracked, post.asked) == ("unseen", [])
    assert entries(world) == [Reason.UNKNOWN_CODE]
