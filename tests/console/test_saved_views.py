"""Views that are kept hold no person in plain, and nobody is looked for by name, telephone or ID number."""

import re

import pytest
from sqlalchemy import text

from dispatch.audit import Deed
from dispatch.auditing.look import Sought, look_through
from dispatch.queues.no_person import PATTERN, names_a_person
from dispatch.staff.member import close_member, reopen_member
from dispatch.staff.role import Role

NAME, PHONE, ID_NO = "欧阳望舒", "13957886501", "330106199001010018"
VIEWS = "/console/queue/to_print/views"


def _rows(world):
    with world.reading() as session:
        return session.execute(text("SELECT * FROM saved_views")).all()


def _save(clerk, query, title="今天的", **more):
    return clerk.post(VIEWS, {"title": title, "query": query, **more})


def test_what_a_view_is_called_and_looks_for_is_sealed(world, person):
    """The title and the filters lay in the table as they were typed."""
    clerk = person(Role.DISPATCH)
    assert _save(clerk, "q=3311270042&town=鹤溪街道", title=f"{NAME}的件").status_code == 303
    [row] = _rows(world)
    assert not [told for told in (NAME, "鹤溪街道", "3311270042") if told in str(row)]
    shown = clerk.get("/console/queue/to_print").text
    assert f"{NAME}的件" in shown
    assert "q=3311270042&amp;town=" in shown


def test_the_same_name_again_is_the_same_view_and_only_its_owner_removes_it(world, person):
    clerk, other = person(Role.DISPATCH), person(Role.WINDOW)
    for town in ("鹤溪街道", "红星街道"):
        assert _save(clerk, f"town={town}", shared="true").status_code == 303
    assert len(_rows(world)) == 1
    assert "%E7%BA%A2%E6%98%9F" in other.get("/console/queue/to_print").text  # the later one, shared
    refused = other.post(f"{VIEWS}/remove", {"title": "今天的"}, follow_redirects=True)
    assert ("没有删除" in refused.text, "视图已删除" in refused.text) == (True, False)
    assert len(_rows(world)) == 1
    assert "视图已删除" in clerk.post(f"{VIEWS}/remove", {"title": "今天的"}, follow_redirects=True).text
    assert _rows(world) == []


def test_a_shared_view_goes_with_the_account_of_its_owner_and_comes_again_with_it(world, person):
    """It stood in everybody's queue for good: its owner alone may remove it, and never comes in again."""
    clerk, other = person(Role.DISPATCH), person(Role.WINDOW)
    _save(clerk, "town=鹤溪街道", title="离任者的", shared="true")
    close_member(world, clerk.login, "test")
    assert "离任者的" not in other.get("/console/queue/to_print").text
    reopen_member(world, clerk.login, "test")
    assert "离任者的" in other.get("/console/queue/to_print").text


def test_saving_and_removing_are_written_down_without_what_was_typed(world, person):
    clerk = person(Role.DISPATCH)
    _save(clerk, "town=鹤溪街道", title=f"{NAME}的件", shared="true")
    clerk.post(f"{VIEWS}/remove", {"title": f"{NAME}的件"})
    told = [line.detail for line in look_through(world, Sought(deed=Deed.CHANGE)).lines]
    assert told == ["删除视图：待打单", "存视图：待打单，大家共用"]


@pytest.mark.parametrize(
    ("query", "title"),
    [(f"q={PHONE}", "今天的"), (f"q={ID_NO}", "今天的"), (f"q={NAME}", "今天的"), ("q=33", f"找{PHONE}")],
)
def test_a_view_that_looks_for_a_person_is_refused(world, person, query, title):
    clerk = person(Role.DISPATCH)
    answer = _save(clerk, query, title=title)
    assert answer.status_code == 409
    assert PHONE not in str(answer.headers)
    assert _rows(world) == []


@pytest.mark.parametrize("path", ["/console/find", "/console/queue/to_print", "/console/queue/needs_a_person"])
@pytest.mark.parametrize("typed", [PHONE, ID_NO, NAME, f" {PHONE} "])
def test_no_address_goes_on_with_somebodys_number_in_it(person, path, typed):
    """What is looked for stands in the address bar, the history, and whatever writes addresses down."""
    clerk = person(Role.DISPATCH)
    answer = clerk.get(path, params={"q": typed})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = clerk.get(path).text
    assert "只按编号查" in page
    assert typed.strip() not in page


def test_the_browser_does_not_send_it_at_all():
    """The field's own pattern, which is asked without a script too."""
    for typed in (PHONE, ID_NO, NAME, "33010619900101001x"):
        assert names_a_person(typed)
        assert re.fullmatch(PATTERN, typed) is None
    for number in (
        "331127202611230001",
        "1234567890123",
        "12345678901",
        "SF1390000778812",
        "景市监许〔2026〕77号",
        "",
    ):
        assert not names_a_person(number), number
        assert re.fullmatch(PATTERN, number) is not None
