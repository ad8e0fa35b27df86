"""The administrator's calendar of working days, and what the law's limit looks like at the counter."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from dispatch import working_days
from dispatch.approval.case import Case
from dispatch.approval.lodge import lodge
from dispatch.arrangement import show_year
from dispatch.audit import AuditEntry, Deed
from dispatch.console.page import case_url
from dispatch.staff.role import Role

CALENDAR = "/console/calendar"
YEAR = """day,works,note
2099-01-01,休息,元旦
2099-01-21,休息,春节
2099-05-01,休息,劳动节
2099-10-01,休息,国庆节
2099-10-02,休息,国庆节
"""


def test_the_year_is_shown_with_its_holidays_and_the_weekends_that_are_worked(person):
    page = person(Role.ADMINISTRATOR).get(f"{CALENDAR}?year=2026").text
    rows = {
        line.split('datetime="')[1][:10]: line
        for line in page.splitlines()
        if "<tr><th" in line and "datetime" in line
    }
    assert "上班" in rows["2026-02-14"]
    assert ("休息" in rows["2026-02-16"], "春节" in rows["2026-02-16"]) == (True, True)
    assert "2026-02-15" not in rows, "a Sunday is off without being said"
    assert "还没有录入" not in page


def test_a_day_that_is_changed_is_noted_with_who_said_it(world, person):
    boss = person(Role.ADMINISTRATOR)
    boss.post(CALENDAR, {"day": "2026-09-01", "works": "false", "note": "台风停工"})
    [one] = [one for one in show_year(world, 2026).days if one.by]
    assert (str(one.day), one.works, one.note) == ("2026-09-01", False, "台风停工")
    with world.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.SETTING)).one()
    assert (noted.subject, noted.by) == ("calendar:2026", one.by)
    for wrong in ({"day": "2026-02-30", "works": "true", "note": "x"}, {"day": "2026-09-02", "note": "x"}):
        assert boss.post(CALENDAR, wrong).status_code == 409


def test_a_year_is_entered_whole_or_not_at_all(world, person):
    boss = person(Role.ADMINISTRATOR)
    assert "还没有录入" in boss.get(f"{CALENDAR}?year=2099").text
    refused = boss.post(f"{CALENDAR}/year", {"lines": YEAR.replace("休息,春节", "上班,春节")})
    assert (refused.status_code, "不全" in refused.text) == (409, True)
    assert show_year(world, 2099).days == []
    taken = boss.post(f"{CALENDAR}/year", {"lines": YEAR})
    assert (taken.status_code, taken.headers["location"]) == (303, f"{CALENDAR}?year=2099")
    page = boss.get(f"{CALENDAR}?year=2099").text
    assert ("安排已录入：5 天" in page, "还没有录入" in page) == (True, False)
    assert boss.get(f"{CALENDAR}?year=99999").status_code == 409


@pytest.mark.parametrize("role", [Role.DISPATCH, Role.SUPERVISOR, Role.AUDITOR])
def test_nobody_else_changes_the_calendar(world, person, role):
    assert person(role).post(CALENDAR, {"day": "2026-09-01", "works": "false", "note": "x"}).status_code == 403
    assert not [one for one in show_year(world, 2026).days if one.by]


def test_the_case_says_by_which_day_it_must_be_in_hand_and_the_overview_how_many_are_past_it(world, person, decided):
    lodge(world, decided("A", paper_ready=False), "审批系统")
    lodge(world, decided("B", paper_ready=False), "审批系统")
    with world.begin() as session:
        long_ago = datetime(2026, 2, 13, 2, tzinfo=UTC)
        session.execute(update(Case).where(Case.case_no == "A").values(decided_at=long_ago))
        session.execute(update(Case).where(Case.case_no == "B").values(decided_at=world.now()))
    supervisor = person(Role.SUPERVISOR)
    late, early = (supervisor.get(case_url(one)).text for one in "AB")
    assert "2026-03-05" in late
    assert ("已超期" in late, "已超期" in early) == (True, False)
    assert "超过法定送达期限还没送达 1 件" in supervisor.get("/console/overview").text


def test_the_overview_and_the_calendar_say_that_this_year_is_missing(person, monkeypatch):
    """A program that was not updated, at a centre that entered nothing."""
    monkeypatch.setattr(working_days, "PUBLISHED", range(2004, 2005))
    assert "工作日历没有今年的安排，请管理员录入" in person(Role.SUPERVISOR).get("/console/overview").text
    assert "工作日历没有今年的安排，请录入" in person(Role.ADMINISTRATOR).get(CALENDAR).text
