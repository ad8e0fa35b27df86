"""A second step at the door: no session before both, a code counts once, and guessing is slowed like passwords."""

import dataclasses
import re
from datetime import timedelta

import numpy as np
import pyotp
import pytest
import zxingcpp
from sqlalchemy import text

from dispatch.errors import NotAllowedError
from dispatch.staff.member import add_member, change_password, find_member, reset_password
from dispatch.staff.role import Role
from dispatch.staff.sign_in import HalfIn, StaleTicketError, give_code, sign_in
from dispatch.staff.totp import WrongCodeError, confirm_code, offer_code, offered, remove_code
from tests.console.conftest import ORIGIN, PASSWORD

STEP = timedelta(seconds=30)


@pytest.fixture
def steady(world):
    """A world whose clock stands, in the middle of a half minute."""
    at = world.now().replace(second=15, microsecond=0)
    return dataclasses.replace(world, now=lambda: at)


def _later(world, wait):
    return dataclasses.replace(world, now=lambda: world.now() + wait)


def _with_code(world, login="li"):
    add_member(world, login, "李", Role.WINDOW, None, "test")
    change_password(world, login, PASSWORD)
    offer_code(world, login)
    with world.reading() as session:
        secret, _ = offered(world, find_member(session, login))
    totp = pyotp.TOTP(secret)
    confirm_code(world, login, PASSWORD, totp.at(world.now()))
    return totp


def test_after_the_password_the_code_is_asked_for_and_only_then_there_is_a_session(world, site, person):
    clerk = person(Role.DISPATCH)
    clerk.post("/console/code/offer")
    page = clerk.get("/console/code").text
    secret = re.search(r'<output class="secret">([A-Z2-7 ]+)</output>', page)[1].replace(" ", "")
    assert "<svg" in page
    now = pyotp.TOTP(secret).now()
    assert clerk.post("/console/code/confirm", {"code": now, "password": PASSWORD}).status_code == 303
    assert secret not in clerk.get("/console/code").text.replace(" ", "")

    asked = {"login": "dispatch", "password": PASSWORD, "back": "/console/queue/to_pack"}
    half = site.post("/console/sign-in", data=asked, headers=ORIGIN)
    assert half.headers["location"] == "/console/sign-in/code?back=/console/queue/to_pack"
    assert "zhuandi_session" not in half.headers["set-cookie"]
    assert site.get("/console/queue/to_pack").headers["location"].startswith("/console/sign-in")
    wrong = site.post("/console/sign-in/code", data={"code": "000000"}, headers=ORIGIN)
    assert (wrong.status_code, "验证码不对" in wrong.text) == (401, True)
    used = site.post("/console/sign-in/code", data={"code": now}, headers=ORIGIN)
    assert used.status_code == 401
    after = pyotp.TOTP(secret).at(world.now(), counter_offset=1)
    came = site.post("/console/sign-in/code", data={"code": after, "back": "/console/queue/to_pack"}, headers=ORIGIN)
    assert came.headers["location"] == "/console/queue/to_pack"
    assert site.get("/console/queue/to_pack").status_code == 200


def test_without_a_ticket_there_is_no_second_step(site):
    assert site.get("/console/sign-in/code").headers["location"] == "/console/sign-in"
    assert site.post("/console/sign-in/code", data={"code": "123456"}, headers=ORIGIN).status_code == 401


def test_a_code_of_the_half_minute_before_or_after_counts_and_one_further_off_does_not(steady):
    totp = _with_code(steady)
    for off, counts in ((-2, False), (2, False), (1, True)):
        at = _later(steady, 4 * STEP)  # none of these was used before
        ticket = sign_in(at, "li", PASSWORD).ticket
        code = totp.at(at.now() + off * STEP)
        if counts:
            assert give_code(at, ticket, code).token
        else:
            with pytest.raises(WrongCodeError):
                give_code(at, ticket, code)


def test_a_code_counts_once_and_none_before_it_counts_any_more(steady):
    totp = _with_code(steady)
    at = _later(steady, 4 * STEP)
    ticket = sign_in(at, "li", PASSWORD).ticket
    assert give_code(at, ticket, totp.at(at.now())).token
    for off in (0, -1):
        with pytest.raises(WrongCodeError):
            give_code(at, ticket, totp.at(at.now() + off * STEP))


def test_guessing_codes_locks_the_account_though_the_password_is_right_each_time(steady):
    totp = _with_code(steady)
    for _ in range(5):
        ticket = sign_in(steady, "li", PASSWORD).ticket
        with pytest.raises(WrongCodeError):
            give_code(steady, ticket, "000000")
    with pytest.raises(NotAllowedError, match="暂时锁定"):
        give_code(steady, ticket, totp.at(steady.now() + STEP))
    with pytest.raises(NotAllowedError, match="暂时锁定"):
        sign_in(steady, "li", PASSWORD)


def test_a_ticket_grows_old_and_dies_with_the_password(steady):
    totp = _with_code(steady)
    half = sign_in(steady, "li", PASSWORD)
    assert isinstance(half, HalfIn), "a password alone began a session"
    ticket = half.ticket
    old = _later(steady, timedelta(minutes=6))
    with pytest.raises(StaleTicketError):
        give_code(old, ticket, totp.at(old.now()))
    reset_password(steady, "li", "test")
    with pytest.raises(StaleTicketError):
        give_code(steady, ticket, totp.at(steady.now() + STEP))


def test_a_ticket_that_was_made_up_or_made_out_to_another_is_nobody_s(steady):
    _with_code(steady)
    _with_code(steady, "wang")
    ticket = sign_in(steady, "li", PASSWORD).ticket
    _, ends, digest = ticket.split(":")
    for false in (
        *(f"wang:{ends}:{digest}", f"li:{int(ends) + 1}:{digest}", f"li:{'9' * 30}:{digest}", f"li:{ends}:"),
        *("", "li", "::", "nobody:1:1", "li:é:é"),
    ):
        with pytest.raises(StaleTicketError):
            give_code(steady, false, "000000")


def test_nothing_is_asked_for_until_a_first_code_proves_the_telephone(steady):
    add_member(steady, "li", "李", Role.WINDOW, None, "test")
    change_password(steady, "li", PASSWORD)
    offer_code(steady, "li")
    with pytest.raises(NotAllowedError, match="验证码不对"):
        confirm_code(steady, "li", PASSWORD, "000000")
    with pytest.raises(NotAllowedError, match="密码不对"):
        confirm_code(steady, "li", "wrong wrong", "000000")
    assert not isinstance(sign_in(steady, "li", PASSWORD), HalfIn)


def test_one_in_use_is_not_replaced_without_the_administrator(steady, person):
    _with_code(steady)
    with pytest.raises(NotAllowedError, match="管理员"):
        offer_code(steady, "li")
    boss = person(Role.ADMINISTRATOR)
    assert boss.post("/console/staff/member/li/code/remove").status_code == 303
    assert not isinstance(sign_in(steady, "li", PASSWORD), HalfIn)
    offer_code(steady, "li")


def test_the_secret_is_sealed_and_bound_to_its_row(steady):
    totp = _with_code(steady)
    with steady.reading() as session:
        sealed = session.execute(text("SELECT totp_secret FROM staff")).scalar_one()
    assert totp.secret.encode() not in bytes(sealed)
    remove_code(steady, "li", "test")
    with steady.reading() as session:
        assert session.execute(text("SELECT totp_secret IS NULL AND totp_offered IS NULL FROM staff")).scalar_one()


def test_the_picture_on_the_page_is_read_by_a_telephone(person):
    """By another reader than the one that drew it."""
    clerk = person(Role.WINDOW)
    clerk.post("/console/code/offer")
    page = clerk.get("/console/code").text
    side = int(re.search(r'viewBox="0 0 (\d+) ', page)[1])
    light = np.full((side, side), 255, dtype=np.uint8)
    for left, top, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", page):
        light[int(top), int(left) : int(left) + int(width)] = 0
    [read] = zxingcpp.read_barcodes(np.kron(light, np.ones((4, 4), dtype=np.uint8)))
    secret = re.search(r'<output class="secret">([A-Z2-7 ]+)</output>', page)[1].replace(" ", "")
    assert read.text.startswith("otpauth://totp/")
    assert f"secret={secret}" in read.text
