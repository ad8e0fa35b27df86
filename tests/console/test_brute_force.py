"""Guessing: whoever tries from one address waits, and so does whoever tries at one account from many."""

import pytest
from starlette.testclient import TestClient

from dispatch.audit import Deed
from dispatch.auditing.look import Sought, look_through
from dispatch.console.sign_in import TRIES
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN, PASSWORD

CODE, DOOR = "/console/sign-in/code", "/console/sign-in"


def _from(site, address):
    return TestClient(site.app, follow_redirects=False, client=(address, 4711))


def _use_up(browser):
    """Each way in counts; this one costs least."""
    for _ in range(TRIES.amount):
        assert browser.post(CODE, data={"code": "1"}, headers=ORIGIN).status_code == 401


@pytest.fixture
def clerk(world):
    add_member(world, "li", "李", Role.WINDOW, None, "test")
    change_password(world, "li", PASSWORD)
    return {"login": "li", "password": PASSWORD}


def test_one_address_may_try_so_often_in_a_minute_and_no_oftener(site, clerk):
    with _from(site, "203.0.113.9") as guessing, _from(site, "203.0.113.10") as clerk_s:
        _use_up(guessing)
        refused = guessing.post(DOOR, data=clerk, headers=ORIGIN)
        assert (refused.status_code, "太频繁" in refused.text) == (429, True)
        assert clerk_s.post(DOOR, data=clerk, headers=ORIGIN).status_code == 303


def test_a_whole_ipv6_network_counts_as_one(site, clerk):
    with _from(site, "2001:db8:1:2::1") as first, _from(site, "2001:db8:1:2:ffff::9") as neighbour:
        _use_up(first)
        assert neighbour.post(DOOR, data=clerk, headers=ORIGIN).status_code == 429


def test_one_account_guessed_at_from_many_addresses_is_locked_and_every_try_is_noted(world, site, clerk):
    for last in range(1, 6):
        with _from(site, f"203.0.113.{last}") as guessing:
            wrong = {"login": "li", "password": f"guess number {last}"}
            assert guessing.post(DOOR, data=wrong, headers=ORIGIN).status_code == 401
    with _from(site, "203.0.113.99") as right:
        locked = right.post(DOOR, data=clerk, headers=ORIGIN)
        assert (locked.status_code, "暂时锁定" in locked.text) == (401, True)
    failed = look_through(world, Sought(deed=Deed.SIGN_IN_FAILED)).lines
    assert [line.subject for line in failed] == ["staff:li"] * 5
    assert "guess number" not in str(failed)


def test_a_password_in_the_field_for_the_login_is_not_written_down(world, site):
    """It stood in the log as it was typed, for whoever may read or take that out."""
    with _from(site, "203.0.113.7") as hurried:
        for login in (PASSWORD, PASSWORD, "x"):
            assert hurried.post(DOOR, data={"login": login, "password": ""}, headers=ORIGIN).status_code in {401, 422}
            assert hurried.post(DOOR, data={"login": login, "password": "y"}, headers=ORIGIN).status_code == 401
    told = [line.detail for line in look_through(world, Sought(deed=Deed.SIGN_IN_FAILED)).lines]
    assert told
    assert PASSWORD[:3] not in "".join(told)
    assert {one[:14] for one in told} == {"没有这个登录名：ev…，20", "没有这个登录名：x…，1 字"}
    assert len(set(told)) == 2  # the same again is known


def test_an_unlocked_desk_is_no_place_to_guess_the_password_at(world, person):
    clerk = person(Role.WINDOW)
    for guess in range(5):
        told = {"old": f"guess number {guess}", "new": "another-harbour-77", "again": "another-harbour-77"}
        assert "原密码不对" in clerk.post("/console/password", told).text
    right = {"old": PASSWORD, "new": "another-harbour-77", "again": "another-harbour-77"}
    assert "暂时锁定" in clerk.post("/console/password", right).text
