"""What was kept has its time: then personal data is erased, and what must be recognised still is."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from road_steps import entries, make_due, numbers, on_the_way, only, push, raw_push, raw_text, sql, with_settings
from sqlalchemy import func, select

from dispatch import jobs, worklist
from dispatch.jobs import Job, JobFailure
from dispatch.posts.ems.account import Ems
from dispatch.retention import BATCH, FORGET
from dispatch.tracking import read
from dispatch.tracking.push import READ, Push
from dispatch.tracking.sighting import Sighting
from dispatch.wiring import now
from dispatch.worklist import Reason
from dispatch.zero_visits.desk import on_the_desk
from workers.clock import leave_standing
from workers.run import run_due

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def told(post, drain, decided):
    """A letter on its way, and one push about it that was read. What fails waits for an hour. Who the
    letter is for is kept longer than all of this."""
    world = with_settings(post.world, job_retry_first=HOUR, job_retry_cap=HOUR, cases_kept=timedelta(days=3650))
    on_the_way(world, drain, decided())
    push(world, first_push(world))
    drain(world)
    leave_standing(world)
    return world


def first_push(world):
    """The same bytes each time."""
    [number] = numbers(world)
    return raw_push(world, number, "203", only(world).created_at.replace(microsecond=0))


def forget_at(world, age):
    later = replace(world, now=lambda: now() + age)
    make_due(later, FORGET)
    run_due(later, FORGET)
    return later


def pushes(world):
    with world.reading() as session:
        return list(session.scalars(select(Push).order_by(Push.received_at)))


def count(world, table):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.mark.parametrize(("age", "erased"), [(-DAY, False), (DAY, True)])
def test_what_a_push_said_is_erased_when_its_time_is_up_and_the_row_stays(told, age, erased):
    """Names and telephones in pushes were kept for ever."""
    [before] = pushes(told)
    forget_at(told, told.settings.pushes_kept + age)
    [kept] = pushes(told)
    assert ((kept.raw is None), (kept.body is None)) == (erased, erased)
    assert (kept.digest, kept.read_at, kept.times) == (before.digest, before.read_at, 1)


def test_told_again_after_that_it_is_the_same_push_and_the_same_news(told, drain):
    later = forget_at(told, told.settings.pushes_kept + DAY)
    sightings, letter = count(told, Sighting), only(told)
    push(later, first_push(told))
    drain(later)
    [again] = pushes(told)
    assert (again.times, again.read_at > letter.moved_at, entries(told)) == (2, True, [])
    assert (count(told, Sighting), only(told).tracked) == (sightings, letter.tracked)
    forget_at(told, told.settings.pushes_kept + 2 * DAY)
    assert pushes(told)[0].raw is not None  # told again, it is kept for its time again


def test_what_was_not_read_yet_is_never_erased(told):
    later = replace(told, now=lambda: now() + told.settings.pushes_kept + DAY)
    push(later, first_push(told))  # to be read anew, and its worker is late
    forget_at(told, told.settings.pushes_kept + DAY)
    run_due(later, READ)
    assert (entries(told), pushes(told)[0].read_at is not None) == ([], True)


def test_what_nobody_could_read_is_erased_too(told):
    sql(told, "DELETE FROM pushes")
    push(told, raw_push(told, "", "203", now()))
    run_due(told, READ)
    forget_at(told, told.settings.pushes_kept + DAY)
    assert pushes(told)[0].raw is None


def test_a_push_that_was_turned_away_leaves_nothing(told):
    push(told, b"{}")
    assert [row.turned_away is None for row in pushes(told)] == [True, False]
    forget_at(told, told.settings.pushes_kept - DAY)
    assert len(pushes(told)) == 2
    forget_at(told, told.settings.pushes_kept + DAY)
    assert [row.turned_away for row in pushes(told)] == [None]


def test_jobs_that_are_done_and_what_failed_are_erased_when_their_time_is_up_and_open_ones_stay(told):
    with told.begin() as session:
        jobs.leave(session, READ, "push:00000000-0000-0000-0000-000000000001")  # fails: there is none
    run_due(told, READ)
    with told.reading() as session:
        still_open = set(session.scalars(select(Job.id).where(Job.done_at.is_(None))))
    assert count(told, Job) > len(still_open)
    assert count(told, JobFailure) > 0
    forget_at(told, told.settings.jobs_kept - DAY)
    assert count(told, JobFailure) > 0
    forget_at(told, told.settings.jobs_kept + DAY)
    with told.reading() as session:
        assert set(session.scalars(select(Job.id))) == still_open
    assert count(told, JobFailure) == 0


def test_many_are_erased_in_batches_and_the_rest_soon(told):
    many = "SELECT gen_random_uuid(), 'x', 'y', now(), 1, 1, now() - make_interval(days => 1000, mins => n), now()"
    sql(
        told,
        "INSERT INTO jobs (id, name, subject, next_at, attempts, asked, done_at, created_at) "
        f"{many} FROM generate_series(1, {BATCH + 1}) n",
    )
    forget_at(told, timedelta(0))
    with told.reading() as session:
        left = session.scalar(select(func.count()).where(Job.name == "x"))
        soon = session.scalar(select(Job.next_at < func.now() + HOUR).where(Job.name == FORGET))
    assert (left, soon) == (1, True)
    forget_at(told, timedelta(0))
    with told.reading() as session:
        assert not session.scalar(select(func.count()).where(Job.name == "x"))
        assert not session.scalar(select(Job.next_at < func.now() + HOUR).where(Job.name == FORGET))


# What is shown of it meanwhile.


SOMEONE = "收件人蓝小雨 13900000001 团结西路8号"


def shown_to_nobody(world):
    """Whether no entry on the desk shows any of them."""
    return not any(secret in one.detail for one in on_the_desk(world) for secret in ("蓝小雨", "13900000001", "8号"))


@pytest.mark.parametrize("field", ["opTime", "waybillNo", "opCode"])
def test_an_entry_about_a_push_names_the_field_that_is_wrong_and_never_what_stood_in_it(told, drain, field):
    """No case is known whose people could be masked: the clerk's list showed name, telephone and address."""
    event = {"waybillNo": numbers(told)[0], "opTime": "2026-11-20 09:00:00", "opCode": "704", "opDesc": SOMEONE}
    event[field] = SOMEONE if field == "opTime" else ""
    push(told, raw_text(told, json.dumps(event, ensure_ascii=False)))
    drain(told)
    assert shown_to_nobody(told)
    reasons = [(one.reason, field in one.detail) for one in on_the_desk(told)]
    assert reasons == [(Reason.UNREADABLE_PUSH, True) if field == "waybillNo" else (Reason.UNKNOWN_CODE, False)]


def test_an_error_that_quotes_what_it_read_is_shown_by_its_kind_alone(told, monkeypatch):
    def quoting(*_):
        raise ValueError(f"time data '{SOMEONE}' does not match format")

    monkeypatch.setattr(Ems, "read_push", quoting)
    push(told, raw_push(told, numbers(told)[0], "389", now()))
    run_due(told, READ)
    assert shown_to_nobody(told)
    assert ["ValueError" in one.detail for one in on_the_desk(told)] == [True]


def test_an_error_of_the_program_is_shown_by_its_kind_alone(told, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("收件人蓝小雨 13900000001")

    monkeypatch.setattr(read, "observe", broken)
    push(told, raw_push(told, numbers(told)[0], "389", now()))
    for _ in range(told.settings.job_tries):
        make_due(told, READ)
        run_due(told, READ)
    [shown] = on_the_desk(told)
    assert (shown.reason, shown.detail) == (Reason.JOB_STUCK, "程序出错（ZeroDivisionError）")


def test_a_telephone_in_an_entry_of_nobodys_case_is_masked(told):
    with told.begin() as session:
        worklist.put(told, session, Reason.UNKNOWN_PARCEL, "parcel:ems:1", detail="来电 13900000001")
    assert [one.detail for one in on_the_desk(told)] == ["来电 139******01"]
