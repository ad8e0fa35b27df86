"""The overview counts what the rows say, draws it with the table beside, and goes out as a file that is noted."""

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from dispatch.approval.case import Case
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry, Deed
from dispatch.label.printer import PrinterAsked, add_printer
from dispatch.measured.export import HEADINGS, export_overview
from dispatch.measured.overview import overview, this_month
from dispatch.queues.queue import Scope
from dispatch.staff.role import Role
from dispatch.zero_visits.at_window import give, pull
from dispatch.zero_visits.who_came import Given
from tests.console.conftest import ORIGIN
from tests.rooms.on_the_road import Road

OTHER = "=cmd|'/c calc'!A1"
"""A department that a spreadsheet would reckon with."""
AT_WINDOW = "县民政局"


@pytest.fixture
def road(post, drain, decided):
    road = Road(post.world, drain)
    decided_at = road.world.now().replace(microsecond=0).isoformat()
    road.hand_over(
        decided("A", decided_at=decided_at),
        decided("B", decided_at=decided_at, slip={"detail": "鹤溪路2号"}),
        decided("C", decided_at=decided_at, department=OTHER, slip={"detail": "鹤溪路3号"}),
    )
    road.deliver("A")
    road.tell("B", "203")
    road.tell("B", "711")
    return road


def test_it_counts_what_was_decided_sent_and_delivered(road):
    told = overview(road.world, Scope(), this_month(road.world))
    assert (told.total.figures.decided, told.total.sent, told.total.delivered) == (3, 3, 1)
    assert str(told.total.figures.zero_visits) == "1/3 33.3%"
    assert (told.total.timed, 0 <= told.total.hours < 1) == (1, True)
    assert (told.today.decided, told.today.sent, told.today.delivered) == (3, 3, 1)
    assert sum(one.sent for one in told.days) == 3
    assert [(one.words, one.count) for one in told.stuck] == [("退件已到", 1)]
    assert {one.view: one.count for one in told.standing} == {"returned": 1, "handed_over": 1}
    assert [one.carrier for one in told.house.posts] == ["ems"]


def test_today_is_reckoned_over_what_came_into_hand_today(road, person):
    """It was always "—", although a letter had been signed for."""
    told = overview(road.world, Scope(), this_month(road.world)).in_hand
    assert (str(told.zero_visits), told.timed, 0 <= told.hours < 1) == ("1/1 100.0%", 1, True)
    nobody = overview(road.world, Scope(frozenset({OTHER})), this_month(road.world)).in_hand
    assert (str(nobody.zero_visits), nobody.timed, nobody.hours) == ("—", 0, None)
    page = person(Role.SUPERVISOR).get("/console/overview").text
    [today] = [line for line in page.splitlines() if '<th scope="row">今天' in line]
    assert "1/1 <b>100.0%</b>" in today


def test_what_was_given_out_at_the_window_is_in_hand_and_took_its_hours(road, decided):
    """It came in no envelope, and a join with envelopes lost it: delivered 0, hours none."""
    five_hours_ago = (road.world.now() - timedelta(hours=5)).isoformat()
    road.lodge(decided("W", decided_at=five_hours_ago, paper_ready=False, department=AT_WINDOW))
    pull(road.world, "W", "wu.min")
    register_paper(road.world, "W", Paper("李科员"), "wu.min")
    give(road.world, "W", Given(id_no="331127199003071238", on_paper=True), "wu.min")
    told = overview(road.world, Scope(frozenset({AT_WINDOW})), this_month(road.world))
    assert (told.today.delivered, told.total.delivered, sum(day.delivered for day in told.days)) == (1, 1, 1)
    assert (str(told.in_hand.zero_visits), told.in_hand.timed, round(told.in_hand.hours)) == ("0/1 0.0%", 1, 5)
    assert round(next(one.hours for one in told.departments)) == 5
    file = export_overview(road.world, Scope(frozenset({AT_WINDOW})), this_month(road.world), "supervisor")
    [line] = [row for row in csv.reader(io.StringIO(file.decode("utf-8-sig"))) if row and row[0] == AT_WINDOW]
    assert dict(zip(HEADINGS, line, strict=True))["送达办件"] == "1"


def test_whoever_sees_one_department_sees_its_figures_alone(road):
    told = overview(road.world, Scope(frozenset({OTHER})), this_month(road.world))
    assert (told.total.figures.decided, told.total.sent, told.total.delivered) == (1, 1, 0)
    assert [one.department for one in told.departments] == [OTHER]
    assert told.stuck == []
    assert (told.today.decided, told.total.hours) == (1, None)


def test_the_page_draws_charts_with_the_table_beside_and_no_style_of_its_own(road, person):
    page = person(Role.SUPERVISOR).get("/console/overview").text
    assert len(re.findall(r'<svg class="chart', page)) == 3
    assert "1/3 <b>33.3%</b>" in page
    assert "退件已到" in page
    assert " style=" not in page
    assert "/console/overview" in person(Role.DISPATCH).get("/console/queue/to_print").text  # a door in the side menu


def test_printers_stand_beside_posts_and_queues_with_what_they_did_not_take(road, person):
    add_printer(road.world, PrinterAsked("一号机", "127.0.0.1"), "admin")
    page = person(Role.SUPERVISOR).get("/console/overview").text
    [row] = [line for line in page.splitlines() if "一号机" in line]
    assert "从未" in row
    assert row.count("<td>0</td>") == 3


def test_a_month_is_chosen_in_the_url_and_one_that_is_none_is_told_so(road, person):
    supervisor = person(Role.SUPERVISOR)
    assert "概览 2026-01" in supervisor.get("/console/overview?month=2026-01").text
    assert supervisor.get("/console/overview?month=2026-13").status_code == 404
    assert person(Role.WINDOW).get("/console/overview").status_code == 403


def test_the_file_holds_the_same_and_no_formula_and_that_it_went_out_is_noted(road, person):
    supervisor = person(Role.SUPERVISOR)
    assert supervisor.get("/console/overview.csv").status_code == 405  # an act, not a look: no link leads to it
    assert supervisor.browser.post("/console/overview.csv", headers=ORIGIN).status_code == 403
    answer = supervisor.post("/console/overview.csv", {"month": this_month(road.world)})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[:2] for row in rows[1:4]] == [[f"'{OTHER}", "1"], ["县市场监督管理局", "2"], ["合计", "3"]]
    with road.world.reading() as session:
        [noted] = session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.EXPORT))
    assert (noted.by, noted.subject) == ("supervisor", f"overview:{this_month(road.world)}")


@pytest.mark.parametrize("name", ["＝1+1", "＋1", "－1", "＠SUM(A1)", "\n=1", " =1"])
def test_a_department_whose_name_a_spreadsheet_would_reckon_with_stays_a_text(world, decided, name):
    """As in all other tables that leave the house: full-width signs and what hides behind a break too."""
    lodge(world, decided("A", decided_at=world.now().replace(microsecond=0).isoformat()), "test")
    with world.begin() as session:
        session.execute(update(Case).values(department=name))
    told = export_overview(world, Scope(), this_month(world), "supervisor").decode("utf-8-sig")
    assert f"'{name}" in {row[0] for row in csv.reader(io.StringIO(told, newline="")) if row}
