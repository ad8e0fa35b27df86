"""Coming in: the cookie is new each time, wrong passwords slow down, an idle desk locks."""

import dataclasses
from datetime import timedelta

import pytest

from dispatch.audit import verify
from dispatch.errors import NotAllowedError
from dispatch.staff.member import add_member, change_password, close_member, find_member
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session, find_session, forget_sessions
from dispatch.staff.sign_in import sign_in
from tests.console.conftest import ORIGIN, PASSWORD


def test_nobody_sees_a_queue_without_signing_in(site):
    answer = site.get("/console/queue/to_print")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?back=/console/queue/to_print"


def test_after_signing_in_one_is_where_one_wanted_to_be(world, site, person):
    person(Role.DISPATCH)
    asked = {"login": "dispatch", "password": PASSWORD, "back": "/console/queue/to_pack"}
    came = site.post("/console/sign-in", data=asked, headers=ORIGIN)
    assert came.headers["location"] == "/console/queue/to_pack"


def test_a_way_back_to_another_host_is_not_followed(site, person):
    person(Role.DISPATCH)
    asked = {"login": "dispatch", "password": PASSWORD, "back": "https://elsewhere.example/console"}
    assert site.post("/console/sign-in", data=asked, headers=ORIGIN).headers["location"] == "/console"


def test_a_session_that_was_planted_in_the_browser_is_not_used_after_signing_in(site, person):
    """Session fixation: the token that comes back is never the one that was brought."""
    person(Role.DISPATCH)
    site.cookies.set("zhuandi_session", "planted", path="/console")
    came = site.post("/console/sign-in", data={"login": "dispatch", "password": PASSWORD}, headers=ORIGIN)
    assert "planted" not in came.headers["set-cookie"]
    assert "HttpOnly" in came.headers["set-cookie"]
    assert "samesite=strict" in came.headers["set-cookie"].lower()


def test_the_password_that_somebody_else_made_must_be_changed_first(world, site):
    made = add_member(world, "new", "新人", Role.WINDOW, None, "test")
    came = site.post("/console/sign-in", data={"login": "new", "password": made.password}, headers=ORIGIN)
    assert came.headers["location"] == "/console/password"
    assert site.get("/console/queue/to_issue").headers["location"].startswith("/console/password")


def test_five_wrong_passwords_lock_the_account_for_everybody_who_tries(world):
    add_member(world, "guess", "某某", Role.WINDOW, None, "test")
    change_password(world, "guess", PASSWORD)
    for _ in range(5):
        with pytest.raises(NotAllowedError, match="登录名或密码不对"):
            sign_in(world, "guess", "wrong wrong wrong")
    with pytest.raises(NotAllowedError, match="暂时锁定"):
        sign_in(world, "guess", PASSWORD)
    later = dataclasses.replace(world, now=lambda: world.now() + timedelta(minutes=2))
    assert sign_in(later, "guess", PASSWORD).token


def test_an_unknown_login_gets_the_same_words_as_a_wrong_password(world):
    with pytest.raises(NotAllowedError, match="登录名或密码不对"):
        sign_in(world, "nobody", "wrong wrong wrong")


def test_an_idle_desk_is_locked_and_opens_with_the_password_where_one_was(world, person):
    clerk = person(Role.DISPATCH)
    clerk.post("/console/lock")
    asked = clerk.get("/console/queue/to_print")
    assert asked.headers["location"] == "/console/locked?back=/console/queue/to_print"
    wrong = clerk.post("/console/locked", {"password": "wrong", "back": "/console/queue/to_print"})
    assert wrong.status_code == 401
    right = clerk.post("/console/locked", {"password": PASSWORD, "back": "/console/queue/to_print"})
    assert right.headers["location"] == "/console/queue/to_print"
    assert clerk.get("/console/queue/to_print").status_code == 200


def test_a_session_locks_after_the_idle_time_and_ends_after_the_longest(world):
    add_member(world, "idle", "某某", Role.WINDOW, None, "test")
    with world.begin() as session:
        token = begin_session(world, session, find_member(session, "idle"))
    idle = dataclasses.replace(world, now=lambda: world.now() + world.settings.session_idle + timedelta(seconds=1))
    assert find_session(idle, token).locked
    over = dataclasses.replace(world, now=lambda: world.now() + world.settings.session_longest + timedelta(seconds=1))
    assert find_session(over, token) is None


def test_a_closed_account_is_out_at_once(world, person):
    clerk = person(Role.DISPATCH)
    close_member(world, "dispatch", "test")
    assert clerk.get("/console/queue/to_print").headers["location"].startswith("/console/sign-in")


def test_a_form_of_another_site_does_nothing(person):
    """CSRF: neither another origin nor a missing token is answered."""
    clerk = person(Role.DISPATCH)
    token = clerk.csrf
    foreign = clerk.browser.post("/console/lock", data={"csrf": token}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    cross = clerk.browser.post("/console/lock", data={"csrf": token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    untold = clerk.browser.post("/console/lock", data={"csrf": token})
    assert untold.status_code == 403
    without = clerk.browser.post("/console/lock", headers=ORIGIN)
    assert without.status_code == 403
    assert clerk.get("/console/queue/to_print").status_code == 200  # not locked


def test_every_coming_and_going_stands_in_the_audit_log(world, person):
    clerk = person(Role.DISPATCH)
    clerk.post("/console/sign-out")
    verdict = verify(world)
    assert verdict.sound
    assert verdict.entries >= 4  # made, own password, in, out


def test_sessions_that_can_never_be_used_again_go_and_the_others_stay(world):
    add_member(world, "old", "某某", Role.WINDOW, None, "test")
    with world.begin() as session:
        token = begin_session(world, session, find_member(session, "old"))
    with world.begin() as session:
        assert forget_sessions(session, world.now() - timedelta(days=1), 10) == 0
    assert find_session(world, token)
    with world.begin() as session:
        assert forget_sessions(session, world.now(), 10) == 1
    assert find_session(world, token) is None


def test_an_account_of_another_centre_opens_nothing_here(world):
    add_member(world, "far", "某某", Role.WINDOW, None, "test")
    with world.begin() as session:
        token = begin_session(world, session, find_member(session, "far"))
        find_member(session, "far").centre = "331126"
    assert find_session(world, token) is None
