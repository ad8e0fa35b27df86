"""One case entered by hand: the rules of a list's row, and nothing twice."""

from sqlalchemy import select

from dispatch.approval.case import Case
from dispatch.staff.role import Role
from tests.rooms.approval_files import CELLS


def stored(world) -> list[str]:
    with world.reading() as session:
        return list(session.scalars(select(Case.case_no)))


def test_a_case_is_entered_once_and_the_page_goes_on_to_it(world, person):
    clerk = person(Role.WINDOW)
    for _ in range(2):
        done = clerk.post("/console/enter", CELLS)
        assert done.headers["location"] == f"/console/case/{CELLS['case_no']}"
    assert stored(world) == [CELLS["case_no"]]
    other = clerk.post("/console/enter", CELLS | {"slip.phone": "13900000999"})
    assert other.status_code == 409
    assert "内容不同" in other.text


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_stored(world, person):
    refused = person(Role.WINDOW).post("/console/enter", CELLS | {"slip.phone": "1", "item_name": ""})
    assert refused.status_code == 409
    assert "收件人电话" in refused.text
    assert "事项名称" in refused.text
    assert stored(world) == []


def test_only_cases_of_ones_own_departments_are_entered(world, person):
    police = person(Role.WINDOW, departments=["县公安局"])
    assert police.post("/console/enter", CELLS).status_code == 409
    assert stored(world) == []
    assert person(Role.POST).get("/console/enter").status_code == 403
    assert "决定日期" in police.get("/console/enter").text
