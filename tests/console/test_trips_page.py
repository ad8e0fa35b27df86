"""What applicants say of their trips, at the desk: who may note it, who rules, and where it is seen."""

import re

import pytest
from sqlalchemy import select

from dispatch import ledger
from dispatch.approval.case import find_case
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.label.print_sheets import to_print
from dispatch.ledger import Count, what_stands
from dispatch.measured.overview import overview, this_month
from dispatch.queues.queue import Scope
from dispatch.staff.role import Role
from tests.rooms.on_the_road import Road

CASE = "331127202611220001"
SAYS = {"way": "telephone", "office_trips": "1", "trips": "2", "note": "蓝小雨说去过窗口"}


@pytest.fixture
def road(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided(CASE, decided_at=road.world.now().replace(microsecond=0).isoformat()))
    road.deliver(CASE)
    return road


def stands(road) -> tuple[Count, bool]:
    with road.world.reading() as session:
        found = what_stands(session, find_case(session, CASE).matter_id)
    return found.count, found.differs_since is not None


def test_a_clerk_notes_it_on_the_page_of_the_case_and_the_supervisor_rules_in_the_list(road, person):
    clerk, supervisor = person(Role.WINDOW), person(Role.SUPERVISOR)
    assert clerk.post(f"/console/case/{CASE}/testimony", SAYS).status_code == 303
    page = clerk.get(f"/console/case/{CASE}").text
    assert "与记录不一致，待督查裁定" in page
    assert "上门 1 次，跑动 2 次" in page
    assert "蓝小雨" not in page
    assert 'name="stands"' not in page, "who notes does not rule"
    listed = supervisor.get("/console/rulings").text
    assert "待裁定 1 件事" in listed
    assert "承诺不符" in listed
    basis = re.search(r'name="shown" value="([0-9a-f]{16})"', listed)[1]
    told = {"stands": "record", "reason": "查过监控", "shown": basis}
    assert supervisor.post(f"/console/case/{CASE}/rule", told).status_code == 303
    assert stands(road) == (Count(0, 0), False)
    assert "没有待裁定的" in supervisor.get("/console/rulings").text
    assert "查过监控" in clerk.get(f"/console/case/{CASE}").text


def test_what_an_applicant_said_is_noted_once_however_often_it_is_sent(road, person):
    clerk, page = person(Role.WINDOW), f"/console/case/{CASE}"
    key = re.search(r'/testimony".*?name="form_key" value="([0-9a-f-]{36})"', clerk.get(page).text, re.S)[1]
    sent = [clerk.post(f"{page}/testimony", SAYS | {"form_key": key}).status_code for _ in range(2)]
    assert sent == [303, 303]
    with road.world.reading() as session:
        assert len(session.scalars(select(ledger.Testimony)).all()) == 1
    assert clerk.post(f"{page}/testimony", SAYS | {"form_key": key, "trips": "3"}).status_code == 409


def test_two_supervisors_at_one_matter_rule_once_and_the_second_is_told(road, person):
    person(Role.DISPATCH).post(f"/console/case/{CASE}/testimony", SAYS)
    first, second = person(Role.SUPERVISOR), person(Role.SUPERVISOR, "second")
    basis = re.search(r'name="shown" value="([0-9a-f]{16})"', second.get("/console/rulings").text)[1]
    first.post(f"/console/case/{CASE}/rule", {"stands": "record", "reason": "查过", "shown": basis})
    refused = second.post(f"/console/case/{CASE}/rule", {"stands": "record", "reason": "查过", "shown": basis})
    assert refused.status_code == 409
    assert re.search(rf"{first.login} 于 [\d-]+ [\d:]+ 已裁定，以记录为准：上门 0 次，跑动 0 次", refused.text)


def test_a_sample_is_the_supervisors_own_question(road, person):
    sample = SAYS | {"way": "sample"}
    clerk, supervisor = person(Role.DISPATCH), person(Role.SUPERVISOR)
    assert clerk.post(f"/console/case/{CASE}/testimony", sample).status_code == 403
    assert '<option value="sample">' not in clerk.get(f"/console/case/{CASE}").text
    assert '<option value="sample">' in supervisor.get(f"/console/case/{CASE}").text
    assert supervisor.post(f"/console/case/{CASE}/testimony", sample).status_code == 303
    with road.world.reading() as session:
        assert [one.way for one in session.scalars(select(ledger.Testimony))] == ["sample"]
    assert str(overview(road.world, Scope(), this_month(road.world)).total.figures.agreeing) == "0/1 0.0%"


def test_the_overview_tells_of_both_alarms_and_leads_the_supervisor_to_them(road, person):
    person(Role.WINDOW).post(f"/console/case/{CASE}/testimony", SAYS)
    page = person(Role.SUPERVISOR).get("/console/overview").text
    assert "跑动次数待裁定 1 件事" in page
    assert "1/1 <b>100.0%</b>" in page
    assert 'href="/console/rulings?month=' in page
    assert 'href="/console/rulings' not in person(Role.DISPATCH).get("/console/overview").text
    assert overview(road.world, Scope(frozenset({"县公安局"})), this_month(road.world)).to_rule == 0
    exported = person(Role.SUPERVISOR, "second").post("/console/overview.csv", {}).content.decode("utf-8-sig")
    assert "承诺不符率%" in exported


def test_the_published_number_is_changed_in_the_list(road, person):
    supervisor = person(Role.SUPERVISOR)
    person(Role.WINDOW).post(f"/console/case/{CASE}/testimony", SAYS)
    item = re.search(r'name="item" value="([^"]+)"', supervisor.get("/console/rulings").text)[1]
    assert supervisor.post("/console/rulings/published", {"item": item, "trips": "1"}).status_code == 303
    assert "这个月没有承诺不符的" in supervisor.get("/console/rulings").text


def test_who_publishes_a_number_that_is_another_by_now_is_told_who_was_first(road, person):
    """The last writer won, silently."""
    first, second = person(Role.SUPERVISOR), person(Role.SUPERVISOR, "second")
    page = second.get("/console/rulings").text
    item, shown = re.search(
        r'name="item" value="([^"]+)"><input type="hidden" name="shown" value="(\d)"', page
    ).groups()
    told = {"item": item, "shown": shown}
    assert first.post("/console/rulings/published", told | {"trips": "1"}).status_code == 303
    refused = second.post("/console/rulings/published", told | {"trips": "2"})
    assert refused.status_code == 409
    assert re.search(rf"{first.login} 于 [\d-]+ [\d:]+ 已改过：事项 \S+ 公布的到办事现场次数：0 → 1", refused.text)
    assert second.post("/console/rulings/published", told | {"shown": "1", "trips": "2"}).status_code == 303


def test_another_departments_case_is_neither_listed_nor_noted_nor_ruled_on(road, person):
    person(Role.WINDOW).post(f"/console/case/{CASE}/testimony", SAYS)
    elsewhere = person(Role.SUPERVISOR, "elsewhere", ["县公安局"])
    assert CASE not in elsewhere.get("/console/rulings").text
    assert elsewhere.post(f"/console/case/{CASE}/testimony", SAYS).status_code == 404
    told = {"stands": "record", "reason": "查过"}
    assert elsewhere.post(f"/console/case/{CASE}/rule", told).status_code == 404
    assert stands(road) == (Count(1, 2), True)


def test_a_waybill_is_printed_again_from_the_page_of_its_case(post, drain, decided, person):
    """With the envelope's own number: whoever prints need type nothing."""
    road = Road(post.world, drain)
    road.lodge(decided(CASE))
    clerk = person(Role.DISPATCH)
    assert 'action="/console/reprint"' not in clerk.get(f"/console/case/{CASE}").text
    with road.world.reading() as session:
        chosen = to_print(session)
    clerk.post("/console/print", {"id": [str(one) for one in chosen]})
    page = clerk.get(f"/console/case/{CASE}").text
    order = re.search(r'name="number" value="(ZD[^"]+)"', page)[1]
    done = clerk.post("/console/reprint", {"number": order, "reason": "卡纸"})
    assert done.headers["location"].startswith("/console/batch/")
    assert road.shipment(CASE).prints == 2


def test_a_registration_is_taken_back_from_the_register_and_from_the_case(world, decided, person):
    lodge(world, decided(CASE, paper_ready=False), "test")
    clerk = person(Role.WINDOW)
    for page in ("/console/issue", f"/console/case/{CASE}"):
        register_paper(world, CASE, Paper("李科员"), "window")
        assert f'action="/console/case/{CASE}/paper-back"' in clerk.get(page).text
        assert clerk.post(f"/console/case/{CASE}/paper-back", {"why": "拿错了"}).status_code == 303
        assert f'action="/console/case/{CASE}/paper-back"' not in clerk.get(page).text
    assert "拿错了" in clerk.get("/console/issue").text
    assert person(Role.SUPERVISOR).post(f"/console/case/{CASE}/paper-back", {"why": "x"}).status_code == 403
