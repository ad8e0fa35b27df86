"""FAULTS §7 no. 59: what waits for the hall is overdue by the table of working days, and never by a holiday.

A leap second moves nothing here: neither Python's nor PostgreSQL's time has one, so there is nothing to count twice.
"""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from dispatch import jobs, working_days, worklist
from dispatch.approval.case import Case
from dispatch.approval.lodge import CASE_WATCH, lodge
from dispatch.arrangement import how_far, say_day, show_year, take_arrangement
from dispatch.audit import AuditEntry, Deed
from dispatch.db import connect, sessions
from dispatch.errors import NotAllowedError
from dispatch.jobs import Job
from dispatch.journey import Stage, View
from dispatch.lease import claim
from dispatch.measured.overview import overview
from dispatch.queues.filters import Filters
from dispatch.queues.limit import limit_of
from dispatch.queues.look import look
from dispatch.queues.queue import Queue, Scope
from dispatch.shipment import WATCH, Shipment
from dispatch.tracking.watch import watch
from dispatch.working_days import PUBLISHED, Calendar, calendar, due_at
from dispatch.worklist import Entry, Reason
from dispatch.zero_visits.desk import on_the_desk
from tests.rooms.on_the_road import CLERK, Road, as_given
from tests.rooms.road_steps import with_settings
from zhuandi import calendar as command
from zhuandi.doctor import _calendar

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING_SAID = Calendar({})
ARRANGED_2099 = """day,works,note
2099-01-01,休息,元旦
2099-01-20,no,春节
2099-01-21,no,春节
2099-01-22,no,春节
2099-01-23,no,春节
2099-01-24,yes,春节调休
2099-05-01,休息,劳动节
2099-10-01,休息,国庆节
2099-10-02,休息,国庆节
"""


def shanghai(day: str, hour: int = 0, minute: int = 0) -> datetime:
    """This time of day in Shanghai, as UTC."""
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:00+08:00").astimezone(UTC)


@pytest.fixture
def hall(post):
    """A service whose hall rests on days off."""
    return with_settings(post.world, hall_open_daily=False)


def at(world, moment):
    return dataclasses.replace(world, now=lambda: moment)


def due(world, since, seen):
    with world.reading() as session:
        return due_at(world, session, since, seen)


# The calendar


def test_five_working_days_across_spring_festival_2026_are_over_on_the_twenty_seventh():
    """The Saturday before is worked; the nine days after it are not, nor is the Monday among them."""
    assert NOTHING_SAID.after(date(2026, 2, 13), 5) == date(2026, 2, 27)
    assert NOTHING_SAID.works(date(2026, 2, 14))
    assert not any(NOTHING_SAID.works(date(2026, 2, 15) + number * DAY) for number in range(9))


@pytest.mark.parametrize("day", ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"])
def test_an_adjusted_weekend_is_a_working_day(day):
    assert NOTHING_SAID.works(date.fromisoformat(day))


def test_what_an_operator_said_of_a_day_stands_above_what_was_published():
    """A typhoon closes the hall on a Tuesday; another county opens on the Saturday."""
    said = Calendar({date(2026, 9, 1): False, date(2026, 9, 5): True})
    assert said.after(date(2026, 8, 31), 1) == date(2026, 9, 2)
    assert said.after(date(2026, 9, 4), 1) == date(2026, 9, 5)


def test_a_day_begins_at_midnight_in_shanghai_and_not_in_greenwich():
    """15:59:59Z is still the Friday before the festival's Saturday; 16:00Z is that Saturday, which is worked."""
    friday, saturday = datetime(2026, 2, 13, 15, 59, 59, tzinfo=UTC), datetime(2026, 2, 13, 16, tzinfo=UTC)
    assert NOTHING_SAID.later(friday, timedelta(seconds=2)) == saturday + timedelta(seconds=1)
    last_second = datetime(2026, 2, 14, 15, 59, 59, tzinfo=UTC)
    assert NOTHING_SAID.later(last_second, timedelta(seconds=2)) == shanghai("2026-02-24") + timedelta(seconds=1)
    assert NOTHING_SAID.later(last_second, timedelta(seconds=1)) == shanghai("2026-02-15")


@pytest.mark.parametrize("hours", [0, 1, 8, 24, 30, 72, 200])
@pytest.mark.parametrize("since", [shanghai("2026-02-12", 9), shanghai("2026-02-18", 3), shanghai("2026-02-28", 23)])
def test_so_much_time_lies_on_working_days_between(since, hours):
    """Counted the slow way, hour by hour."""
    until, at_work = NOTHING_SAID.later(since, hours * HOUR), timedelta(0)
    moment = since
    while moment < until:
        at_work += HOUR * NOTHING_SAID.works((moment + 8 * HOUR).date())
        moment += HOUR
    assert at_work == hours * HOUR


@pytest.mark.parametrize("day", [date(2026, 2, 13) + number * DAY for number in range(30)])
def test_the_last_day_whose_time_is_over_is_found_backwards(day):
    last = NOTHING_SAID.last_past(day, 10)
    assert NOTHING_SAID.after(last, 10) < day <= NOTHING_SAID.after(last + DAY, 10)


# What is overdue


def test_what_waits_for_the_hall_rests_over_the_festival_and_what_waits_for_the_post_does_not(hall):
    patient = with_settings(hall, patience={**hall.settings.patience, View.TO_PACK: 8 * HOUR})
    evening = shanghai("2026-02-14", 20)
    assert due(patient, evening, View.TO_PACK) == shanghai("2026-02-24", 4)
    for seen in (View.TO_BOOK, View.BOOKING, View.IN_DOUBT, View.CANCELLING, View.HANDED_OVER, View.IN_TRANSIT):
        assert due(patient, evening, seen) == evening + DAY


def test_where_windows_are_open_daily_nothing_rests(post):
    evening = shanghai("2026-02-14", 20)
    assert due(post.world, evening, View.TO_PACK) == evening + DAY


def test_the_watch_wakes_over_the_festival_and_waits_again_until_the_hall_had_its_time(hall, decided, drain):
    """It wakes at the plain time: shown then, the whole desk would be overdue on the first day of each holiday."""
    Road(hall, drain).lodge(decided("A"))
    moved_at = shanghai("2026-02-14", 15)
    with hall.begin() as session:
        [shipment] = session.scalars(select(Shipment))
        assert shipment.view is View.TO_PRINT
        shipment.moved_at = moved_at
    look_at(at(hall, shanghai("2026-02-16", 9)))
    assert reasons(hall) == []
    assert timedelta(days=8) < waits(hall, WATCH) < timedelta(days=9), "until Tuesday week at three"
    look_at(at(hall, shanghai("2026-02-24", 15, 1)))
    assert reasons(hall) == [Reason.DEADLINE_NEAR]


def look_at(world):
    """The watch looks now."""
    with world.begin() as session:
        session.execute(update(Job).where(Job.name == WATCH, Job.done_at.is_(None)).values(next_at=jobs.func.now()))
    [mine] = claim(world, WATCH, 1)
    watch(world, mine)


def reasons(world):
    with world.reading() as session:
        return [Reason(one) for one in session.scalars(select(Entry.reason).where(Entry.settled_at.is_(None)))]


def waits(world, name):
    """How long until this job is due."""
    with world.reading() as session:
        return session.scalars(
            select(Job.next_at - jobs.func.now()).where(Job.name == name, Job.done_at.is_(None))
        ).one()


def test_a_case_without_an_envelope_is_looked_at_when_the_hall_had_a_working_day(hall, decided):
    eve = at(hall, shanghai("2026-02-14", 15))
    lodge(eve, decided("A"), "审批系统")
    assert timedelta(days=9, hours=23) < waits(hall, CASE_WATCH) <= timedelta(days=10)


def test_the_lists_call_overdue_what_the_watch_does(hall, decided, drain):
    road = Road(hall, drain)
    road.lodge(decided("A"))
    road.lodge(decided("B", paper_ready=False, slip={"detail": "鹤溪路2号"}))
    eve = shanghai("2026-02-14", 15)
    with hall.begin() as session:
        session.execute(update(Shipment).values(moved_at=eve))
        session.execute(update(Case).values(decided_at=eve))
        [shipment] = session.scalars(select(Shipment))
        worklist.put(at(hall, eve), session, Reason.ADDRESS_UNCLEAR, shipment.subject)
        worklist.put(at(hall, eve), session, Reason.UNREADABLE_PUSH, "push:x")
    for moment, late in ((shanghai("2026-02-23", 23), False), (shanghai("2026-02-24", 15, 1), True)):
        then = at(hall, moment)
        assert [row.overdue for row in look(then, Scope(), Queue.TO_PRINT, Filters()).rows] == [late]
        assert [row.overdue for row in look(then, Scope(), Queue.TO_ISSUE, Filters()).rows] == [late]
        assert [one.overdue for one in on_the_desk(then)] == [late, late]
        assert [one.overdue for one in overview(then, Scope(), "2026-02").standing] == [late]


# The law's limit


def test_ten_working_days_after_the_decision_it_is_late_unless_it_is_in_hand(hall, decided, drain):
    road = Road(hall, drain)
    road.hand_over(decided("A"), decided("B", slip={"detail": "鹤溪路2号"}))
    road.lodge(decided("C", paper_ready=False, slip={"detail": "鹤溪路3号"}))
    with hall.begin() as session:
        session.execute(update(Case).values(decided_at=shanghai("2026-02-13", 23, 59)))
        ids = {case.case_no: case.id for case in session.scalars(select(Case))}
    last, past = at(hall, shanghai("2026-03-05", 23, 59)), at(hall, shanghai("2026-03-06"))
    assert limit_of(last, ids["A"]).by == date(2026, 3, 5)
    assert [limit_of(last, one).over for one in ids.values()] == [False, False, False]
    assert overview(last, Scope(), "2026-03").late == 0
    assert [limit_of(past, one).over for one in ids.values()] == [True, True, True]
    road.deliver("A")
    assert road.shipment("A").stage == Stage.CLOSED
    assert [limit_of(past, ids[one]).over for one in "ABC"] == [False, True, True]
    assert overview(past, Scope(), "2026-03").late == 2
    assert overview(past, Scope(frozenset({"县医保局"})), "2026-03").late == 0


def test_how_many_days_the_law_gives_is_a_setting(hall, decided):
    lodge(hall, decided("A"), "审批系统")
    with hall.begin() as session:
        case = session.scalars(select(Case)).one()
        case.decided_at = shanghai("2026-02-13", 10)
    assert limit_of(with_settings(hall, delivery_working_days=5), case.id).by == date(2026, 2, 27)


# A year that is missing


def test_a_year_that_nobody_knows_is_told_and_stops_nothing(hall):
    assert not NOTHING_SAID.knows(2099)
    assert NOTHING_SAID.after(date(2099, 1, 1), 1) == date(2099, 1, 2), "a Friday: reckoned Monday to Friday"
    then = at(hall, shanghai("2099-06-01", 9))
    assert due(then, shanghai("2099-06-05", 9), View.TO_PACK) == shanghai("2099-06-08", 9), "over a weekend"
    told = overview(then, Scope(), "2099-06").house.calendar
    assert (told.until, told.left, told.short) == (None, 0, True)


@pytest.mark.parametrize(("day", "left", "short"), [("11-30", 31, False), ("12-01", 30, True)])
def test_that_the_known_calendar_ends_is_told_from_thirty_days_before(hall, day, left, short):
    last = max(PUBLISHED)  # whatever the library comes to know
    with hall.reading() as session:
        known = how_far(session, shanghai(f"{last}-{day}", 9))
    assert (known.until, known.left, known.short) == (date(last, 12, 31), left, short)


def test_the_doctor_warns_of_a_year_that_is_missing_and_says_what_to_do(hall, monkeypatch):
    monkeypatch.setattr("zhuandi.doctor.now", lambda: shanghai("2099-06-01", 9))
    with hall.reading() as session:
        found = _calendar(session)
    assert (found.level.value, found.part) == ("注意", "工作日历")
    assert "zhuandi calendar import" in found.remedy


# What an operator says


def test_the_arrangement_of_a_year_is_entered_whole_and_noted(hall):
    assert take_arrangement(hall, ARRANGED_2099, CLERK) == (2099, 9)
    with hall.reading() as session:
        found = calendar(session)
        assert found.knows(2099)
        assert how_far(session, shanghai("2099-01-02")).until == date(2099, 12, 31)
        noted = session.scalars(select(AuditEntry)).one()
    assert (noted.deed, noted.subject, noted.by) == (Deed.SETTING, "calendar:2099", CLERK)
    assert found.after(date(2099, 1, 19), 1) == date(2099, 1, 24)
    shown = {one.day: one for one in show_year(hall, 2099).days}
    assert (shown[date(2099, 1, 24)].works, shown[date(2099, 1, 24)].note) == (True, "春节调休")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("day,works,note\n2099-01-01,no,元旦\n", "不全"),
        ("day,works,note\n", "一年"),
        (ARRANGED_2099 + "2098-01-01,no,元旦\n", "一年"),
        (ARRANGED_2099 + "2099-10-02,yes,调休\n", "两次"),
        (ARRANGED_2099 + "2099-02-30,no,春节\n", "第 11 行"),
        (ARRANGED_2099 + "2099-10-05,maybe,国庆节\n", "第 11 行"),
        (ARRANGED_2099 + "2099-10-05,no,\n", "依据"),
        (ARRANGED_2099.replace("day,", "日期,"), "第一行"),
        ("", "第一行"),
        (ARRANGED_2099 + "\n".join(["2099-10-05,no,x"] * 400), "400"),
    ],
)
def test_an_arrangement_that_is_not_whole_is_not_taken_at_all(hall, lines, said):
    with pytest.raises(NotAllowedError, match=said):
        take_arrangement(hall, lines, CLERK)
    with hall.reading() as session:
        assert calendar(session).said == {}


def test_a_day_that_is_said_anew_holds_at_once_where_it_was_said_and_soon_for_every_process(hall, monkeypatch):
    """No process goes on for ever with a calendar of its own."""
    other = dataclasses.replace(
        hall, sessions=sessions(connect(hall.sessions.kw["bind"].url.render_as_string(False)))
    )
    evening, next_day = shanghai("2026-08-31", 20), shanghai("2026-09-01", 20)
    assert due(other, evening, View.TO_PRINT) == due(hall, evening, View.TO_PRINT) == next_day
    say_day(hall, date(2026, 9, 1), "台风停工", CLERK, works=False)
    assert due(hall, evening, View.TO_PRINT) == next_day + DAY
    monkeypatch.setattr(working_days, "RECENT_SECONDS", 0.0)
    assert due(other, evening, View.TO_PRINT) == next_day + DAY
    say_day(hall, date(2026, 9, 1), "台风解除", CLERK, works=True)
    assert due(hall, evening, View.TO_PRINT) == next_day
    with hall.reading() as session:
        assert len(list(session.scalars(select(AuditEntry)))) == 2
    other.sessions.kw["bind"].dispose()


def test_the_commands_show_set_and_import(hall, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "open_world", lambda: as_given(hall))
    console = CliRunner()
    assert "2026-02-14" in console.invoke(command.app, ["show", "2026"]).output
    told = console.invoke(command.app, ["set", "2026-09-01", "--off", "--note", "台风停工"])
    assert told.output.strip() == "2026-09-01 休息。"
    assert "台风停工" in console.invoke(command.app, ["show", "2026"]).output
    file = tmp_path / "2099.csv"
    file.write_bytes(ARRANGED_2099.encode("gb18030"))
    assert "已录入：9 天" in console.invoke(command.app, ["import", str(file)]).output
    file.write_bytes(b"day,works,note\n2098-01-01,no,x\n")
    refused = console.invoke(command.app, ["import", str(file)])
    assert refused.exit_code == 1
