"""Wrong passwords lock nobody out who comes by the identity service; the door tells nobody who has no password."""

import dataclasses
import re
from datetime import timedelta

import pyotp
import pytest
from starlette.testclient import TestClient

from dispatch.audit import Deed
from dispatch.auditing.look import Sought, look_through
from dispatch.console.guard import COOKIE
from dispatch.errors import NotAllowedError
from dispatch.staff.bind import bind_subject
from dispatch.staff.failures import FREE
from dispatch.staff.member import add_member, change_password, find_member
from dispatch.staff.role import Role
from dispatch.staff.sign_in import CameIn, give_code, sign_in, sign_in_as
from dispatch.staff.totp import WrongCodeError, confirm_code, offer_code, offered
from tests.console.conftest import ORIGIN, PASSWORD


@pytest.fixture
def steady(world):
    """A world whose clock stands in the middle of a half minute; 李娜 has no password, 王强 has one as well."""
    at = world.now().replace(second=15, microsecond=0)
    steady = dataclasses.replace(world, now=lambda: at)
    for login, only in (("li.na", True), ("wang.qiang", False)):
        add_member(steady, login, "测试员", Role.WINDOW, None, "test")
        change_password(steady, login, PASSWORD)
        bind_subject(steady, login, f"zj-{login}", "test", only=only)
    return steady


def _later(world, wait):
    return dataclasses.replace(world, now=lambda: world.now() + wait)


def _tried(world, login, password=""):
    with pytest.raises(NotAllowedError) as told:
        sign_in(world, login, password)
    return str(told.value)


def _with_code(world, login, password=""):
    offer_code(world, login)
    with world.reading() as session:
        secret, _ = offered(world, find_member(session, login))
    confirm_code(world, login, password, pyotp.TOTP(secret).at(world.now()))
    return pyotp.TOTP(secret)


@pytest.mark.parametrize("login", ["li.na", "wang.qiang"])
def test_whoever_knows_a_login_locks_nobody_out_who_comes_by_the_service(steady, login):
    """Five passwords that it had not got, and the account was locked for the service's own word too."""
    for _ in range(FREE):
        _tried(steady, login)
    assert "暂时锁定" in _tried(steady, login)
    assert isinstance(sign_in_as(steady, f"zj-{login}"), CameIn)


def test_who_came_by_the_service_frees_the_way_for_no_guesser(steady):
    for _ in range(FREE):
        _tried(steady, "wang.qiang")
    sign_in_as(steady, "zj-wang.qiang")
    assert "暂时锁定" in _tried(steady, "wang.qiang", PASSWORD)


def test_the_door_answers_alike_whether_there_is_a_password_or_none(steady):
    """Else a few wrong ones would tell which accounts have none."""
    told = {login: [] for login in ("li.na", "wang.qiang")}
    for minutes in (0, 0, 0, 0, 0, 0, 1, 1, 3, 4, 8, 40):
        world = _later(steady, timedelta(minutes=minutes, seconds=1 if minutes else 0))
        for login, answers in told.items():
            answers.append(_tried(world, login))
    assert told["li.na"] == told["wang.qiang"]
    assert {"暂时锁定" in one for one in told["li.na"]} == {True, False}
    noted = look_through(steady, Sought(deed=Deed.SIGN_IN_FAILED)).lines
    of = {login: [one.detail for one in noted if one.subject == f"staff:{login}"] for login in told}
    assert of["li.na"] == of["wang.qiang"]


@pytest.mark.parametrize(("login", "password"), [("li.na", ""), ("wang.qiang", PASSWORD)])
def test_after_the_service_wrong_codes_lock_and_wrong_passwords_do_not(steady, login, password):
    totp = _with_code(steady, login, password)
    for _ in range(FREE):
        _tried(steady, login)
    for _ in range(FREE):
        ticket = sign_in_as(steady, f"zj-{login}").ticket
        with pytest.raises(WrongCodeError):
            give_code(steady, ticket, "000000")
    with pytest.raises(NotAllowedError, match="暂时锁定"):
        give_code(steady, ticket, totp.at(steady.now() + timedelta(seconds=30)))
    later = _later(steady, timedelta(seconds=61))
    assert give_code(later, ticket, totp.at(later.now())).token


def test_where_there_is_no_password_none_is_asked_for_and_none_is_wrong(steady, site):
    """改密码 asked for the present one, and five tries at it locked the account."""
    with TestClient(site.app, follow_redirects=False) as browser:
        browser.cookies.set(COOKIE, sign_in_as(steady, "zj-li.na").token, path="/console")
        page = browser.get("/console/password").text
        assert ('name="old"' in page, "没有密码" in page) == (False, True)
        csrf = re.search(r"[0-9a-f]{32}", page)[0]
        for url, told in (
            ("/console/password", {"old": "x", "new": "another-harbour-77", "again": "another-harbour-77"}),
            ("/console/locked", {"password": "x"}),
        ):
            refused = browser.post(url, data={"csrf": csrf, **told}, headers=ORIGIN)
            assert "没有密码" in refused.text
    assert look_through(steady, Sought(deed=Deed.SIGN_IN_FAILED)).lines == []
