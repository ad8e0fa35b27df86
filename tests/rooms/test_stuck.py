"""A job that does not come to its end: a person sees it once, with its true reason, and the others proceed."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from road_steps import (
    BOOK,
    details,
    end_leases,
    entries,
    make_due,
    numbers,
    on_the_way,
    only,
    post_that_says,
    push,
    raw_push,
    settle_all,
    sql,
    with_account,
    with_settings,
)
from sqlalchemy import func, select

from dispatch import jobs, lease
from dispatch.approval.lodge import lodge
from dispatch.jobs import Job, JobFailure, on_lane
from dispatch.shipment import FETCH_LABEL, LOOK_AGAIN, WEIGH
from dispatch.tracking.push import READ
from dispatch.tracking.sighting import Sighting
from dispatch.wiring import now
from dispatch.worklist import Reason
from dispatch.zero_visits.desk import on_the_desk
from tests.rooms.carriers import next_answers
from workers.run import run_due

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NUMBER = "1100000000001"
STARTED = now().replace(microsecond=0)
FETCH, LOOK = on_lane(FETCH_LABEL, "ems"), on_lane(LOOK_AGAIN, "ems")
NOBODY = "push:00000000-0000-0000-0000-00000000000{}"


def ago(minutes):
    return STARTED - timedelta(minutes=minutes)


def slow(world):
    """What failed waits for an hour, unless a test makes it due."""
    return with_settings(world, job_retry_first=HOUR, job_retry_cap=HOUR)


def run_again(world, name, times=1):
    for _ in range(times):
        make_due(world, name)
        sql(world, "UPDATE breakers SET open_until = NULL, opened_at = NULL, failures = 0")
        run_due(world, name)


def job(world, name):
    with world.reading() as session:
        return session.scalars(select(Job).where(Job.name == name)).one()


def job_failures(world):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(JobFailure))


# What fails without ever raising.


@pytest.fixture
def unreadable_label(world, decided):
    """A post that takes orders, and whose own label nobody can read."""
    said = ["garbage"]

    def say(code):
        if code != "010004":
            return 200, {"waybillNo": NUMBER}
        return 200, {"retCode": "00000", "retBody": said[0]}

    with post_that_says(world, say) as there:
        insisting = slow(with_account(there, prints_own_label=True))
        lodge(insisting, decided(), "test")
        run_due(insisting, "case.gather")
        run_due(insisting, BOOK)
        yield insisting, said


def test_a_label_that_cannot_be_read_comes_before_a_person_once_with_its_reason(unreadable_label):
    """It failed thirty times, and nobody was told."""
    world, _ = unreadable_label
    run_again(world, FETCH, world.settings.job_tries - 1)
    assert entries(world) == []
    run_again(world, FETCH, 5)
    assert entries(world) == [Reason.JOB_STUCK]
    assert "面单不是 PDF" in details(world, Reason.JOB_STUCK)[0]


def test_done_at_last_the_entry_settles_by_itself(unreadable_label):
    world, said = unreadable_label
    run_again(world, FETCH, 7)
    said[0] = "JVBERi0xLjcgbGFiZWw="
    run_again(world, FETCH)
    assert (entries(world), entries(world, settled=True)) == ([], [Reason.JOB_STUCK])


def test_a_person_settles_it_and_it_is_shown_again_only_after_a_rest(unreadable_label):
    world, _ = unreadable_label
    run_again(world, FETCH, 7)
    settle_all(world, Reason.JOB_STUCK)
    run_again(world, FETCH, 3)
    assert entries(world) == []
    run_again(replace(world, now=lambda: now() + 2 * DAY), FETCH)
    assert entries(world) == [Reason.JOB_STUCK]


def test_one_job_that_is_done_does_not_settle_what_another_of_the_same_letter_is_stuck_in(unreadable_label):
    world, _ = unreadable_label
    run_again(world, FETCH, 7)
    with world.begin() as session:
        jobs.leave(session, WEIGH, only(world).subject)
    sql(world, "UPDATE jobs SET attempts = 9 WHERE name = :name AND done_at IS NULL", name=WEIGH)
    run_due(world, WEIGH)
    assert entries(world) == [Reason.JOB_STUCK]


def test_what_tells_of_its_failures_itself_is_not_shown_twice(post, decided):
    world = slow(post.world)
    lodge(world, decided(), "test")
    run_due(world, "case.gather")
    run_due(world, BOOK)
    with world.begin() as session:
        jobs.leave(session, "shipment.cancel", only(world).subject, lane="ems")
    sql(world, "UPDATE shipments SET stage = 'cancelling', after_voiding = 'cancel'")
    next_answers(post.url, *["garbage"] * 7)
    run_again(world, "shipment.cancel@ems", 7)
    assert entries(world) == [Reason.NOT_CANCELLED]


# A closed letter.


@pytest.fixture
def closed(world, drain, decided):
    """A closed letter whose post answers no question."""

    def say(code):
        return 200, {"retCode": "E", "retMsg": "系统不支持"} if code == "040001" else {"waybillNo": NUMBER}

    with post_that_says(world, say) as there:
        on_the_way(there, drain, decided())
        push(there, raw_push(there, NUMBER, "704", ago(5), deliverCode="10"))
        run_due(there, READ)
        run_due(there, WEIGH)
        assert only(there).stage == "closed"
        yield slow(there)


def test_a_closed_letter_that_cannot_be_asked_after_is_shown_and_not_asked_after_for_ever(closed):
    run_again(closed, LOOK, closed.settings.job_tries)
    assert entries(closed) == [Reason.JOB_STUCK]
    assert "系统不支持" in details(closed, Reason.JOB_STUCK)[0]
    assert job(closed, LOOK).done_at is None
    run_again(closed, LOOK, closed.settings.look_after_closing_tries)
    assert job(closed, LOOK).done_at is not None
    assert entries(closed) == [Reason.JOB_STUCK]  # a person has not seen it yet
    assert job_failures(closed) == closed.settings.look_after_closing_tries


def test_left_again_what_was_given_up_is_tried_again(closed):
    run_again(closed, LOOK, closed.settings.look_after_closing_tries)
    with closed.begin() as session:
        jobs.leave(session, LOOK_AGAIN, only(closed).subject, lane="ems")
    with closed.reading() as session:
        assert session.scalar(select(func.count()).where(Job.name == LOOK, Job.done_at.is_(None))) == 1


# What ends its workers.


def left(world, *subjects):
    with world.begin() as session:
        for subject in subjects:
            jobs.leave(session, READ, subject)


def die(world, claims):
    """The worker is killed over these: their leases run out."""
    assert claims
    end_leases(world)


def poisoned(world, times):
    for _ in range(times):
        [claim] = lease.claim(world, READ, 10)
        die(world, [claim])


def test_a_job_that_kills_its_workers_is_put_off_and_shown_and_the_others_proceed(world):
    """Twenty workers died of it, and nobody was told (FAULTS 25)."""
    left(world, NOBODY.format(1))
    poisoned(world, world.settings.job_deaths)
    run_due(world, READ)
    assert entries(world) == [Reason.JOB_STUCK]
    assert "中断" in details(world, Reason.JOB_STUCK)[0]
    stuck = job(world, READ)
    assert stuck.next_at > now() + world.settings.job_put_off - HOUR
    assert (stuck.lease_until, stuck.done_at) == (None, None)
    assert lease.claim(world, READ, 10) == []


def test_after_the_long_wait_one_more_worker_tries_and_one_death_puts_it_off_again(world):
    left(world, NOBODY.format(1))
    poisoned(world, world.settings.job_deaths)
    run_due(world, READ)
    make_due(world, READ)
    poisoned(world, 1)
    run_due(world, READ)
    assert job(world, READ).next_at > now() + HOUR
    assert entries(world) == [Reason.JOB_STUCK]


def test_it_is_done_after_all_and_the_entry_settles_by_itself(post, drain, decided):
    world = post.world
    on_the_way(world, drain, decided())
    push(world, raw_push(world, numbers(world)[0], "203", ago(1)))
    poisoned(world, world.settings.job_deaths)
    run_due(world, READ)
    assert entries(world) == [Reason.JOB_STUCK]
    make_due(world, READ)
    run_due(world, READ)
    assert (only(world).tracked, entries(world)) == ("collected", [])


def test_whoever_fell_with_it_is_claimed_alone_and_does_not_fall_again(world):
    """Claimed ten at once, nine innocent jobs would have died with it until they were all put off."""
    left(world, *(NOBODY.format(n) for n in range(6)))
    die(world, lease.claim(world, READ, 10))
    assert [len(lease.claim(world, READ, 10)) for _ in range(7)] == [1] * 6 + [0]


def test_new_work_beside_it_is_claimed_together_as_ever(world):
    left(world, NOBODY.format(1))
    die(world, lease.claim(world, READ, 10))
    left(world, NOBODY.format(2), NOBODY.format(3))
    assert [len(lease.claim(world, READ, 10)) for _ in range(3)] == [1, 2, 0]


def test_an_ordinary_failure_is_no_death_however_often_it_fails(world):
    left(world, NOBODY.format(1))  # a push that is not there: the program's own error
    run_again(slow(world), READ, 3 * world.settings.job_deaths)
    stuck = job(world, READ)
    assert (stuck.attempts, stuck.abandoned) == (3 * world.settings.job_deaths, 0)
    assert stuck.next_at < now() + 2 * HOUR


# What any carrier may write.


@pytest.mark.parametrize("field", ["opCode", "deliverCode", "waybillNo", "orderNo"])
def test_no_word_of_a_carrier_is_too_long_for_us(post, drain, decided, field):
    """A code of 8 kB did not fit into an index: the letter was never weighed again."""
    world = post.world
    on_the_way(world, drain, decided())
    number = numbers(world)[0]
    endless = secrets.token_hex(4000)
    told = {"opCode": "704", "deliverCode": "10", "waybillNo": number, field: endless}
    push(world, raw_push(world, told.pop("waybillNo"), told.pop("opCode"), ago(6), **told))
    for _ in range(3):
        make_due(world, READ)
        drain(world)
    push(world, raw_push(world, number, "704", ago(5), deliverCode="10"))
    drain(world)
    assert (only(world).stage, job_failures(world)) == ("closed", 0)
    assert not any(len(entry.detail) > 300 for entry in on_the_desk(world))
    with world.reading() as session:
        kept = [world.vault.open(row, "words") or "" for row in session.scalars(select(Sighting))]
    assert [endless in words for words in kept].count(True) == 1  # the whole of it, sealed
