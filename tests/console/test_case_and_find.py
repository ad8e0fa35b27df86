"""One case on one page, found by a number; whose data they are is shown once, with a reason, and noted."""

import re

import pytest
from sqlalchemy import select

from dispatch.approval.case import find_case
from dispatch.audit import AuditEntry, Deed
from dispatch.label.pages import tracking_url
from dispatch.personal.erase import erase
from dispatch.reveal import Reveal, reason_of
from dispatch.staff.role import Role
from dispatch.waybill import live_waybill
from tests.rooms.on_the_road import Road

NAME, PHONE, DETAIL, ID_NO = "蓝小雨", "13900000001", "团结西路8号2幢301室", "332529199003071234"
OTHER = "县人力资源和社会保障局"
CASE = "331127202611220001"


@pytest.fixture
def road(post, drain, decided):
    road = Road(post.world, drain)
    road.hand_over(decided(CASE, applicant_id_no=ID_NO))
    road.tell(CASE, "203", text=f"已收寄，寄件人{NAME}")
    road.tell(CASE, "Z99")
    return road


def test_the_whole_story_is_on_one_page_and_masked(road, person):
    page = person(Role.DISPATCH).get(f"/console/case/{CASE}").text
    for told in (
        "食品经营许可",
        f"{CASE}-1",
        "寄递企业（",
        road.number(CASE),
        "已收寄",
        "未知代码",
        "网上办理",
        "取得邮件号",
    ):
        assert told in page, told
    assert "020003" in page  # a call to the post, by its operation
    assert "<svg" in page
    for secret in (NAME, PHONE, DETAIL, ID_NO, "2幢301"):
        assert secret not in page
    assert "蓝**" in page


def test_whose_data_they_are_is_shown_in_one_answer_and_noted_with_the_reason(road, person):
    clerk = person(Role.WINDOW)
    asked = clerk.post(f"/console/case/{CASE}/reveal", {"reason": "电话联系本人"})
    for shown in (NAME, PHONE, DETAIL, ID_NO):
        assert shown in asked.text
    assert f"原文：已收寄，寄件人{NAME}" in asked.text
    assert asked.headers["cache-control"] == "no-store"
    assert NAME not in clerk.get(f"/console/case/{CASE}").text
    with road.world.reading() as session:
        [noted] = session.scalars(select(Reveal))
        [audited] = session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.REVEAL))
    assert (noted.by, reason_of(road.world, noted), audited.subject) == ("window", "电话联系本人", noted.subject)


def test_without_a_reason_nothing_is_shown(road, person):
    refused = person(Role.WINDOW).post(f"/console/case/{CASE}/reveal", {"reason": " "})
    assert (refused.status_code, NAME in refused.text) == (409, False)


def test_a_case_whose_people_are_forgotten_says_so_and_offers_nothing_to_be_typed(road, person):
    """Every form stood there as before, and what was typed into it was never erased again."""
    clerk, supervisor = person(Role.DISPATCH), person(Role.SUPERVISOR)
    offered = ("/slip", "/call", "/window", "/reveal", "/testimony", "/hold")
    before = clerk.get(f"/console/case/{CASE}").text
    assert {one for one in offered if f"{CASE}{one}" not in before} <= {"/testimony", "/window"}, "other roles' forms"
    with road.world.begin() as session:
        erase(road.world, session, [find_case(session, CASE).id], [])
    for page in (clerk.get(f"/console/case/{CASE}").text, supervisor.get(f"/console/case/{CASE}").text):
        assert "保存期限已满，个人信息已于" in page
        assert [one for one in offered if f"{CASE}{one}" in page] == []
    refused = supervisor.post(f"/console/case/{CASE}/reveal", {"reason": "蓝小雨来电"})
    assert (refused.status_code, "到期清除" in refused.text) == (409, True)


def test_another_departments_case_is_not_there(road, person):
    """Forced browsing."""
    clerk = person(Role.DISPATCH, departments=[OTHER])
    assert clerk.get(f"/console/case/{CASE}").status_code == 404
    assert clerk.post(f"/console/case/{CASE}/reveal", {"reason": "x"}).status_code == 404
    assert clerk.post(f"/console/case/{CASE}/hold", {"reason": "x"}).status_code == 404
    assert clerk.get("/console/find", params={"q": CASE}).status_code == 200  # nothing found


def test_only_who_supervises_sees_who_did_what(road, person):
    person(Role.WINDOW).post(f"/console/case/{CASE}/reveal", {"reason": "核对地址"})
    assert "审计记录" in person(Role.SUPERVISOR).get(f"/console/case/{CASE}").text
    assert "审计记录" not in person(Role.DISPATCH).get(f"/console/case/{CASE}").text


def test_the_posts_clerk_has_no_way_to_a_case(road, person):
    clerk = person(Role.POST)
    for url in (f"/console/case/{CASE}", f"/console/find?q={CASE}", "/console/queue/needs_a_person"):
        assert clerk.get(url).status_code == 403, url


def test_every_number_leads_to_its_case(road, person):
    clerk = person(Role.DISPATCH)
    shipment = road.shipment(CASE)
    for number in (CASE, road.number(CASE), shipment.order_no, f"{CASE}-1", f" {CASE}\n", shipment.order_no.lower()):
        found = clerk.get("/console/find", params={"q": number})
        assert (found.status_code, found.headers["location"]) == (303, f"/console/case/{CASE}"), number


def test_the_beginning_of_a_number_that_several_have_shows_them_all(road, person, decided):
    road.lodge(decided("331127202611220002", slip={"detail": "鹤溪路2号"}))
    clerk = person(Role.DISPATCH)
    page = clerk.get("/console/find", params={"q": "33112720261122000"}).text
    assert re.findall(r'href="/console/case/(\d+)"', page) == [CASE, "331127202611220002"]
    assert "没有号码" in clerk.get("/console/find", params={"q": "331"}).text  # too short to be of use
    assert clerk.get("/console/find", params={"q": NAME}).headers["location"] == "/console/find"  # without the name
    assert "只按编号查" in clerk.get("/console/find").text
    assert "没有号码" in clerk.get("/console/find", params={"q": "%_%_%"}).text


def test_the_qr_code_of_a_waybill_leads_to_its_case_and_to_no_others(road, person, decided):
    """A parcel that came back was in the hand, and the search box knew nothing of what its code says."""
    with road.world.reading() as session:
        link = tracking_url(road.world, live_waybill(session, road.shipment(CASE).id))
    clerk = person(Role.DISPATCH)
    for scanned in (
        link,
        link.upper(),
        f" {link}\n",
        link.replace("http://127.0.0.1:8080", "https://ems.example/zd"),
    ):
        found = clerk.get("/console/find", params={"q": scanned})
        assert (found.status_code, found.headers.get("location")) == (303, f"/console/case/{CASE}"), scanned
    elsewhere = person(Role.DISPATCH, "other", departments=[OTHER]).get("/console/find", params={"q": link})
    assert (elsewhere.status_code, CASE in elsewhere.text) == (200, False)
    unknown = clerk.get("/console/find", params={"q": f"{link[:-3]}AAA"})
    assert (unknown.status_code, CASE in unknown.text) == (200, False)


def test_a_name_in_the_search_box_stands_in_no_page_as_script(road, person):
    page = person(Role.DISPATCH).get("/console/find", params={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
