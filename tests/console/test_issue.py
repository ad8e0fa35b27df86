"""出证登记: who gave what to whom is written down, once, and from then on the case goes."""

import csv
import io
import re

import pytest
from sqlalchemy import select, text

from dispatch.approval.case import Case
from dispatch.approval.issue import Paper, PaperIssue, register_all, register_paper
from dispatch.approval.lodge import lodge
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.queues import look
from dispatch.staff.role import Role
from tests.rooms.road_steps import at_once, shipments
from workers.run import run_due

NUMBERS = [f"331127-2026-00000{n}" for n in (1, 2, 3)]
GIVEN = Paper("李科员", licence_no="JY13311270001234", originals=1, copies=2, enclosures="核准通知书")


@pytest.fixture
def waiting(world, decided):
    """Three cases without paper, the last of another department."""
    for number, department in zip(NUMBERS, ["县市场监督管理局"] * 2 + ["县公安局"], strict=True):
        lodge(world, decided(case_no=number, department=department, paper_ready=False), "test")
    return world


def ids(world) -> list[str]:
    with world.reading() as session:
        return [str(one) for one in session.scalars(select(Case.id).order_by(Case.case_no))]


def given(**more: object) -> dict[str, object]:
    return {"number": NUMBERS[0], "given_by": "李科员", **more}


def test_a_registered_paper_stands_in_the_register_and_its_case_goes_on(waiting, person):
    clerk = person(Role.WINDOW)
    run_due(waiting, "case.gather")
    assert shipments(waiting) == []
    done = clerk.post("/console/issue", given(licence_no="JY13311270001234", originals="1", copies="2"))
    assert done.headers["location"] == "/console/issue"
    page = clerk.get("/console/issue").text
    for told in (NUMBERS[0], "JY13311270001234", "李科员", "window", "蓝**"):
        assert told in page
    assert "蓝小雨" not in page
    run_due(waiting, "case.gather")
    assert len(shipments(waiting)) == 1


def test_what_was_typed_of_a_person_is_masked_in_the_register_and_in_its_export(waiting, person):
    """Enclosures and the reason of a taking back were shown as typed, beside a masked applicant."""
    clerk, called = person(Role.WINDOW), "蓝小雨来电13900003301"
    clerk.post("/console/issue", given(enclosures=f"{called}的委托书"))
    clerk.post(f"/console/case/{NUMBERS[0]}/paper-back", {"why": f"{called}要求退回"})
    exported = person(Role.SUPERVISOR).post("/console/issue/export").content.decode("utf-8-sig")
    for told in (clerk.get("/console/issue").text, exported):
        assert "蓝**来电139******01的委托书" in told
        assert "蓝**来电139******01要求退回" in told
        assert "蓝小雨" not in told
        assert "13900003301" not in told


def test_the_code_on_a_document_will_do_as_well_as_the_number(waiting):
    assert register_paper(waiting, f"{NUMBERS[1]}-1", GIVEN, "clerk").case_no == NUMBERS[1]


def test_registering_twice_is_told_with_who_and_when_and_changes_nothing(waiting, person):
    clerk, other = person(Role.WINDOW), person(Role.DISPATCH)
    clerk.post("/console/issue", given())
    second = other.post("/console/issue", given(given_by="王科员"))
    assert second.status_code == 409
    assert "由 window 登记" in second.text
    with waiting.reading() as session:
        [row] = session.scalars(select(PaperIssue))
    assert waiting.vault.open(row, "given_by") == "李科员"


def test_of_two_who_register_at_the_same_moment_one_is_told(waiting):
    def register(by: str) -> str:
        try:
            return register_paper(waiting, NUMBERS[0], GIVEN, by).case_no
        except ConflictError as error:
            return str(error)

    told = at_once([lambda: register("a"), lambda: register("b")])
    assert sorted("登记" in str(one) for one in told) == [False, True]


def test_the_ticked_rows_are_registered_from_one_hand_and_a_bad_one_stops_no_other(waiting, person):
    clerk = person(Role.WINDOW)
    register_paper(waiting, NUMBERS[0], GIVEN, "clerk")
    done = clerk.post("/console/issue/chosen", {"id": ids(waiting), "given_by": "李科员"})
    assert done.status_code == 303
    page = clerk.get("/console/queue/to_issue").text
    assert "已登记出证 2 件" in page
    assert "由 clerk 登记" in page


def test_all_that_match_are_registered_and_only_those(waiting, person):
    clerk = person(Role.WINDOW)
    asked = {"all_matching": "yes", "query": "department=县公安局", "given_by": "李科员"}
    clerk.post("/console/issue/chosen", asked)
    with waiting.reading() as session:
        ready = session.scalars(select(Case.case_no).where(Case.paper_ready_at.is_not(None))).all()
    assert ready == [NUMBERS[2]]


def test_papers_of_all_that_match_are_registered_only_where_the_queue_has_shown_them(waiting, person, monkeypatch):
    monkeypatch.setattr(look, "PAGE", 1)
    clerk = person(Role.WINDOW)
    shown = re.search(r'name="shown" value="([^"]+)"', clerk.get("/console/queue/to_issue").text)[1]
    register_paper(waiting, NUMBERS[0], GIVEN, "clerk")
    asked = {"all_matching": "yes", "query": "", "given_by": "李科员", "shown": shown}
    stale = clerk.post("/console/issue/chosen", asked)
    assert (stale.status_code, "没有办" in stale.text) == (409, True)
    with waiting.reading() as session:
        assert session.scalars(select(Case.case_no).where(Case.paper_ready_at.is_not(None))).all() == NUMBERS[:1]


def test_cases_of_another_department_are_neither_registered_nor_shown(waiting, person):
    police = person(Role.WINDOW, departments=["县公安局"])
    assert police.post("/console/issue", given()).status_code == 404
    assert NUMBERS[0] not in police.post("/console/issue/chosen", {"id": ids(waiting), "given_by": "李"}).text
    with waiting.reading() as session:
        assert session.scalars(select(Case.case_no).where(Case.paper_ready_at.is_not(None))).all() == [NUMBERS[2]]
    register_paper(waiting, NUMBERS[0], GIVEN, "clerk")
    assert NUMBERS[0] not in police.get("/console/issue").text
    told = register_all(waiting, [], GIVEN, "clerk", ["县公安局"])
    assert told == []
    with pytest.raises(NotFoundError):
        register_paper(waiting, NUMBERS[1], GIVEN, "clerk", ["县公安局"])


@pytest.mark.parametrize(
    ("paper", "words"),
    [
        (Paper(" "), "交件人：没有填"),
        (Paper("李科员", originals=0, copies=0), "至少一份"),
        (Paper("李科员", originals=-1, copies=3), "份数"),
        (Paper("李科员", licence_no="x" * 201), "证照编号：太长"),
    ],
)
def test_what_cannot_be_is_refused_with_words(waiting, paper, words):
    with pytest.raises(NotAllowedError, match=words):
        register_paper(waiting, NUMBERS[0], paper, "clerk")


def test_without_numbers_each_document_counts_one_original(world, decided):
    body = decided(case_no="D-1", documents=[{"name": "营业执照"}, {"name": "副本", "copies": 3}], paper_ready=False)
    lodge(world, body, "test")
    register_paper(world, "D-1", Paper("李科员"), "clerk")
    with world.reading() as session:
        [row] = session.scalars(select(PaperIssue))
    assert (row.originals, row.copies) == (2, 2)


def test_paper_that_was_said_to_be_there_may_still_be_registered(world, decided):
    lodge(world, decided(case_no="D-1"), "test")
    assert register_paper(world, "D-1", Paper("李科员"), "clerk").wrong == ""


def test_the_register_leaves_the_house_as_text_and_that_is_written_down(waiting, person):
    register_paper(waiting, NUMBERS[0], Paper("=cmd|calc", licence_no="@x"), "clerk")
    clerk = person(Role.DISPATCH)
    saved = clerk.post("/console/issue/export", {"day": ""})
    [head, line] = csv.reader(io.StringIO(saved.content.decode("utf-8-sig")))
    assert (line[head.index("交件人")], line[head.index("证照编号")]) == ("'=cmd|calc", "'@x")
    with waiting.reading() as session:
        deeds = session.execute(text("SELECT deed FROM audit_log WHERE subject LIKE 'register:%'")).scalars().all()
    assert deeds == ["export"]
    assert person(Role.WINDOW).post("/console/issue/export", {"day": ""}).status_code == 403


def test_a_day_that_is_none_is_told(person):
    assert "不是日期" in person(Role.WINDOW).get("/console/issue?day=2026-13-01").text


def test_only_who_may_registers(waiting, person):
    assert person(Role.SUPERVISOR).post("/console/issue", given()).status_code == 403
    assert person(Role.POST).get("/console/issue").status_code == 403
