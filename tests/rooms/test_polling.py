"""The post is asked: when it is silent, no oftener than it permits, and once more after the closing."""

import socket
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

from dispatch import jobs, lease
from dispatch.hall_time import SHANGHAI
from dispatch.journey import View
from dispatch.posts.times import wire_time
from dispatch.shipment import LOOK_AGAIN, WATCH
from dispatch.tracking.ask import ask
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
        self.events, self.times, self.answer = [], 0, None

    def say(self, code):
        if code != "040001":
            return 200, {"waybillNo": NUMBER}
        self.times += 1
        if self.answer is not None:
            return self.answer
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
        want_news(moment)
        make_due(moment, ASK)
        run_due(moment, ASK)
    assert told.times == 3  # at 0, 2.1 and 4.2 hours
    close_questions(world)


SICK = {
    "500": (500, {}),
    "503": (503, {}),
    "429": (429, {}),
    "words": (200, {"retCode": "B00001", "retMsg": "系统繁忙"}),
}


@pytest.mark.parametrize("answer", SICK.values(), ids=SICK.keys())
def test_a_question_that_was_answered_badly_is_a_question_too_and_waits_for_the_floor(asked, drain, answer):
    """A floor of 30 minutes and three HTTP 500s once made four questions in a row: trackers cut that off."""
    told, there = asked
    world = with_settings(with_account(there, ask_floor=2 * HOUR), breaker_failures=100)
    told.answer = answer
    want_news(world)
    run_due(world, ASK)
    waits = open_job(world, ASK)
    assert (told.times, waits.next_at - now() > HOUR, world.vault.open(waits, "last_error") != "") == (1, True, True)
    for later in (0.5, 1, 1.9, 2.1, 3):
        sql(world, "UPDATE breakers SET open_until = NULL")
        want_news(world)
        make_due(world, ASK)
        run_due(at(world, later * HOUR), ASK)
    assert told.times == 2  # at 0 and 2.1 hours
    close_questions(world)


def test_a_question_whose_asker_died_waits_for_the_floor_too(asked):
    """Its intent is committed, so it may have been spoken: the next process must not ask at once."""
    told, there = asked
    world = with_account(there, ask_floor=2 * HOUR)
    want_news(world)
    [died] = lease.claim(world, ASK, 1)
    sql(world, "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = :id", id=died.id)
    with pytest.raises(RuntimeError):
        ask(replace(world, carriers={"ems": Dies(world.carriers["ems"])}), died)
    run_due(world, ASK)
    assert told.times == 0
    make_due(world, ASK)
    run_due(at(world, 2.1 * HOUR), ASK)
    assert told.times == 1


def test_a_question_that_surely_did_not_arrive_is_asked_again_soon(asked):
    told, there = asked
    patient = {"job_retry_first": HOUR / 2, "job_retry_cap": HOUR}
    world = with_settings(with_account(there, ask_floor=2 * HOUR), **patient)
    ems = world.carriers["ems"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening
        nowhere = ems.account.model_copy(update={"endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}/"})
        want_news(world)
        run_due(replace(world, carriers={"ems": replace(ems, account=nowhere)}), ASK)
    assert told.times == 0
    assert open_job(world, ASK).next_at - now() < HOUR
    make_due(world, ASK)
    run_due(world, ASK)
    assert (told.times, open_job(world, ASK)) == (1, None)


class Dies:
    """A carrier whose caller is killed at the moment of speaking."""

    def __init__(self, carrier):
        self._carrier = carrier

    def __getattr__(self, name):
        return getattr(self._carrier, name)

    def speak(self, call):
        raise RuntimeError("killed")


def want_news(world):
    with world.begin() as session:
        jobs.leave(session, "shipment.ask", only(world).subject, lane="ems")


def close_questions(world):
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
    for _ in range(2):
        want_news(world)
        run_due(world, ASK)
    assert (told.times, open_job(world, ASK) is None) == (1, False)  # the second waits for the floor
    delivered(world, drain)
    make_due(at(world, 2 * HOUR), ASK)
    run_due(at(world, 2 * HOUR), ASK)
    assert (told.times, open_job(world, ASK)) == (2, None)
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
