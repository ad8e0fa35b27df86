"""The administrator's page: passwords are shown once, and whatever changes what somebody may ends their sessions."""

import re

import pytest

from dispatch.errors import ConflictError, NotAllowedError
from dispatch.staff.bind import bind_subject
from dispatch.staff.member import add_member, change_member, change_password, find_member, reset_password
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session, find_session
from tests.console.conftest import ORIGIN

NEW = {"login": "li.na", "name": "李娜", "role": "window", "departments": "市场监督管理局"}


def _secret(page):
    return re.search(r'<output class="secret">([^<]+)</output>', page)[1]


def test_a_new_account_comes_in_with_the_password_that_was_shown_once(site, person):
    boss = person(Role.ADMINISTRATOR)
    made = boss.post("/console/staff", NEW)
    password = _secret(made.text)
    assert password not in boss.get("/console/staff").text
    assert password not in boss.get("/console/staff/member/li.na").text
    came = site.post("/console/sign-in", data={"login": "li.na", "password": password}, headers=ORIGIN)
    assert came.headers["location"] == "/console/password"


def test_the_list_and_the_page_of_one_say_what_stands(person):
    boss = person(Role.ADMINISTRATOR)
    boss.post("/console/staff", NEW)
    listed = boss.get("/console/staff").text
    assert "李娜" in listed
    assert "窗口人员" in listed
    assert "市场监督管理局" in boss.get("/console/staff/member/li.na").text


def test_who_changes_an_account_second_is_told_who_was_first_and_what_changed(world, person):
    """Of two administrators at one account the second undid what the first had just done, and neither knew."""
    boss, other = person(Role.ADMINISTRATOR), person(Role.ADMINISTRATOR, "zheng")
    boss.post("/console/staff", NEW)
    page = "/console/staff/member/li.na"
    shown = re.search(r'name="shown" value="(\w+)"', boss.get(page).text)[1]
    more = {"name": "李娜", "role": "window", "departments": "民政局", "shown": shown}
    assert other.post(page, more).status_code == 303
    late = boss.post(page, more | {"role": "auditor", "departments": "市场监督管理局"})
    assert (late.status_code, "zheng 于" in late.text, "改为 李娜，窗口人员，民政局" in late.text) == (
        409,
        True,
        True,
    )
    with world.reading() as session:
        stands = find_member(session, "li.na")
    assert (stands.role, stands.departments) == (Role.WINDOW, ["民政局"])


def test_an_empty_field_does_not_mean_every_department(person):
    refused = person(Role.ADMINISTRATOR).post("/console/staff", {**NEW, "departments": " "})
    assert refused.status_code == 409
    assert "全部部门" in refused.text


def test_an_account_that_is_not_there_is_not_found(person):
    boss = person(Role.ADMINISTRATOR)
    assert boss.get("/console/staff/member/nobody").status_code == 404
    assert boss.post("/console/staff/member/nobody/reset").status_code == 404


def test_closing_puts_whoever_is_in_out_and_reopening_asks_for_the_password_again(person):
    clerk, boss = person(Role.WINDOW), person(Role.ADMINISTRATOR)
    boss.post("/console/staff/member/window/close")
    assert clerk.get("/console/queue/to_issue").headers["location"].startswith("/console/sign-in")
    boss.post("/console/staff/member/window/reopen")
    assert clerk.get("/console/queue/to_issue").headers["location"].startswith("/console/sign-in")


def _session(world, login):
    with world.begin() as session:
        return begin_session(world, session, find_member(session, login))


@pytest.mark.parametrize(
    ("act", "stays"),
    [
        (lambda world: change_member(world, "li", "李", Role.DISPATCH, ["税务局"], "t"), False),
        (lambda world: change_member(world, "li", "李", Role.WINDOW, ["民政局"], "t"), False),
        (lambda world: change_member(world, "li", "李娜", Role.WINDOW, ["税务局"], "t"), True),
        (lambda world: reset_password(world, "li", "t"), False),
        (lambda world: change_password(world, "li", "another-harbour-77"), False),
    ],
    ids=["role", "departments", "name", "reset", "own password elsewhere"],
)
def test_what_changes_somebody_s_rights_ends_their_sessions(world, act, stays):
    add_member(world, "li", "李", Role.WINDOW, ["税务局"], "t")
    token = _session(world, "li")
    act(world)
    assert (find_session(world, token) is not None) == stays


def test_one_s_own_new_password_keeps_the_session_where_it_was_changed(world):
    add_member(world, "li", "李", Role.WINDOW, None, "t")
    here, elsewhere = _session(world, "li"), _session(world, "li")
    change_password(world, "li", "another-harbour-77", find_session(world, here).session_id)
    assert find_session(world, here) is not None
    assert find_session(world, elsewhere) is None


def test_nobody_makes_themselves_somebody_else(person):
    boss = person(Role.ADMINISTRATOR)
    told = {"name": "我", "role": "auditor", "everywhere": "true"}
    assert boss.post("/console/staff/member/administrator", told).status_code == 409
    assert boss.post("/console/staff/member/administrator/close").status_code == 409


def test_a_subject_is_bound_to_one_account_only(world):
    add_member(world, "li", "李", Role.WINDOW, None, "t")
    add_member(world, "wang", "王", Role.WINDOW, None, "t")
    bind_subject(world, "li", "zj-1001", "t", only=False)
    with pytest.raises(ConflictError, match="li"):
        bind_subject(world, "wang", "zj-1001", "t", only=False)
    with pytest.raises(NotAllowedError, match="标识"):
        bind_subject(world, "wang", "  ", "t", only=False)


def test_a_client_s_key_is_shown_once_on_the_page(site, person):
    boss = person(Role.ADMINISTRATOR)
    key = _secret(boss.post("/console/clients", {"name": "审批系统", "scope": ["cases.read"]}).text)
    listed = boss.get("/console/clients").text
    assert "审批系统" in listed
    assert key not in listed
    assert site.get("/api/v1/cases/X", headers={"Authorization": f"Bearer {key}"}).status_code == 404
    newer = _secret(boss.post("/console/clients/rotate", {"name": "审批系统", "days": "0"}).text)
    assert site.get("/api/v1/cases/X", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    found = re.search(r'name="key" value="([0-9a-f-]+)"', boss.get("/console/clients").text)[1]
    boss.post("/console/clients/revoke", {"name": "审批系统", "key": found})
    assert site.get("/api/v1/cases/X", headers={"Authorization": f"Bearer {newer}"}).status_code == 401


def test_scopes_are_changed_and_a_system_closed_on_the_page(site, person):
    boss = person(Role.ADMINISTRATOR)
    key = _secret(boss.post("/console/clients", {"name": "大屏", "scope": ["cases.read"]}).text)
    asked = {"headers": {"Authorization": f"Bearer {key}"}}
    boss.post("/console/clients/scopes", {"name": "大屏", "scope": ["errands"]})
    assert site.get("/api/v1/cases/X", **asked).status_code == 403
    assert site.get("/by-hand/errands", **asked).status_code == 200
    boss.post("/console/clients/close", {"name": "大屏"})
    assert site.get("/by-hand/errands", **asked).status_code == 401
