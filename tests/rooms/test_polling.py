"""The post is asked: when it is silent, no oftener than it permits, and once more after the closing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from road_steps import (
    ASK,
    entries,
    make_due,
    on_the_way,
    only,
    post_that_says,
    push,
    raw_push,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import select

from dispatch import jobs
from dispatch.hall_time import SHANGHAI
from dispatch.journey import View
from dispatch.posts.times import wire_time
from dispatch.shipment import LOOK_AGAIN, WATCH
from dispatch.tracking.rhythm import Rhythm, shares
from dispatch.tracking.sighting import Sighting
from dispatch.wiring import now
from dispatch.worklist import Reason
from workers.run import run_due

NUMBER = "1100000000001"
LAST_LOOK = jobs.on_lane(LOOK_AGAIN, "ems")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STARTED = now().replace(microsecond=0)


def ago(minutes):
    return STARTED - timedelta(minutes=minutes)


class Told:
    """What the post says when it is asked, and how often it was."""

    def __init__(self):
        self.events, self.times = [], 0

    def say(self, code):
        if code != "040001":
            return 200, {"waybillNo": NUMBER}
        self.times += 1
        items = [
            {"waybillNo": NUMBER, "opCode": code, "opTime": wire_time(at), "deliverCode": detail}
            for code, at, detail in self.events
        ]
        return 200, {"responseItems": items, "waybillNo": NUMBER}


@pytest.fixture
def asked(world, drain, decided):
    """A letter that lies with a post which tells what the test wrote down."""
    told = Told()
    with post_that_says(world, told.say) as there:
        there = with_settings(there, rhythm={View.HANDED_OVER: 12 * HOUR, View.IN_TRANSIT: 12 * HOUR})  # noqa: PLW2901
        there = with_settings(there, after_asking=HOUR)  # noqa: PLW2901
        on_the_way(there, drain, decided())
        yield told, there


def open_job(world, name):
    with world.reading() as session:
        return session.scalars(
            select(jobs.Job).where(jobs.Job.name == name, jobs.Job.done_at.is_(None))
        ).one_or_none()


def look(world, drain):
    make_due(world, WATCH)
    drain(world)


def at(world, later):
    return replace(world, now=lambda: now() + later)


def test_a_carrier_that_usually_tells_sooner_is_asked_sooner_than_the_settings_say(asked, drain):
    told, world = asked
    with world.begin() as session:
        usual = {"carrier": "ems", "direction": "outbound", "learned_at": now()}
        session.add(Rhythm(view=View.IN_TRANSIT, median=HOUR, passages=30, **usual))
    push(world, raw_push(world, NUMBER, "389", ago(1)))
    drain(world)
    assert told.times == 0
    wait = open_job(world, WATCH).next_at - now()
    assert HOUR < wait <= 2 * HOUR  # twice the median; the settings say twelve hours
    look(at(world, 3 * HOUR), drain)
    assert told.times == 1


def test_too_few_passages_teach_nothing(asked, drain):
    told, world = asked
    with world.begin() as session:
        usual = {"carrier": "ems", "direction": "outbound", "learned_at": now()}
        session.add(Rhythm(view=View.IN_TRANSIT, median=HOUR, passages=29, **usual))
    push(world, raw_push(world, NUMBER, "389", ago(1)))
    look(at(world, 3 * HOUR), drain)
    assert told.times == 0


def test_however_often_it_is_wanted_the_post_is_asked_no_oftener_than_it_permits(asked, drain):
    told, there = asked
    world = with_account(there, ask_floor=2 * HOUR)
    for later in (0, 1, 1.9, 2.1, 3, 4.2):
        moment = at(world, later * HOUR)
        with moment.begin() as session:
            jobs.leave(session, "shipment.ask", only(world).subject, lane="ems")
        make_due(moment, ASK)
        run_due(moment, ASK)
    assert told.times == 3  # at 0, 2.1 and 4.2 hours
    sql(world, "UPDATE jobs SET done_at = now() WHERE name = :name AND done_at IS NULL", name=ASK)


def test_news_that_only_asking_found_move_the_letter_and_are_counted_as_such(asked, drain):
    told, world = asked
    told.events = [("203", ago(30), ""), ("389", ago(20), "")]
    look(at(world, 13 * HOUR), drain)
    assert only(world).tracked == "in_transit"
    with world.reading() as session:
        [share] = shares(session, now() - DAY)
    assert (share.carrier, share.facts, share.only_asked) == ("ems", 2, 2)
    push(world, raw_push(world, NUMBER, "389", ago(20), opDesc="推送的说法不同"))
    drain(world)
    with world.reading() as session:
        [share] = shares(session, now() - DAY)
        assert len(session.scalars(select(Sighting.id)).all()) == 3
    assert (share.facts, share.only_asked) == (2, 1)


def delivered(world, drain):
    push(world, raw_push(world, NUMBER, "704", ago(5), deliverCode="10"))
    drain(world)
    assert only(world).stage == "closed"


def test_a_revocation_whose_push_was_lost_is_found_by_one_more_look_after_the_closing(asked, drain):
    told, world = asked
    delivered(world, drain)
    assert told.times == 0
    assert open_job(world, LAST_LOOK).next_at - now() > world.settings.look_after_closing - HOUR
    told.events = [("704", ago(5), "10"), ("743", ago(1), "")]
    make_due(world, LOOK_AGAIN)
    drain(world)
    assert (told.times, entries(world)) == (1, [Reason.DELIVERY_REVOKED])
    assert only(world).stage == "closed"


def test_a_question_that_was_open_at_the_closing_is_not_taken_for_the_look_after_it(asked, drain):
    told, there = asked
    world = with_account(there, ask_floor=HOUR)
    sql(world, "UPDATE shipments SET asked_at = now()")
    with world.begin() as session:
        jobs.leave(session, "shipment.ask", only(world).subject, lane="ems")
    run_due(world, ASK)
    assert open_job(world, ASK) is not None  # it waits for the floor
    delivered(world, drain)
    make_due(at(world, 2 * HOUR), ASK)
    run_due(at(world, 2 * HOUR), ASK)
    assert (told.times, open_job(world, ASK)) == (1, None)
    assert open_job(world, LAST_LOOK) is not None
    told.events = [("743", ago(1), "")]
    make_due(world, LOOK_AGAIN)
    drain(at(world, 3 * HOUR))
    assert entries(world) == [Reason.DELIVERY_REVOKED]


def test_a_closed_letter_that_stays_delivered_is_looked_at_once_and_left_alone(asked, drain):
    told, world = asked
    delivered(world, drain)
    told.events = [("704", ago(5), "10")]
    make_due(world, LOOK_AGAIN)
    drain(world)
    assert (told.times, open_job(world, LAST_LOOK), open_job(world, ASK), entries(world)) == (1, None, None, [])


def test_the_carriers_clock_is_beijings_whatever_zone_asks(asked, drain):
    told, world = asked
    told.events = [("203", ago(30), "")]
    look(at(world, 13 * HOUR), drain)
    with world.reading() as session:
        [seen] = session.scalars(select(Sighting))
    assert seen.at == datetime.strptime(wire_time(ago(30)), "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
