"""Accounts, for the administrator."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotAllowedError
from dispatch.queues.choices import choices
from dispatch.queues.queue import Scope
from dispatch.staff.bind import bind_subject, unbind_subject
from dispatch.staff.member import (
    Made,
    add_member,
    change_member,
    close_member,
    find_member,
    members,
    reopen_member,
    reset_password,
)
from dispatch.staff.role import ROLE_WORDS, Right, Role
from dispatch.staff.totp import has_code, remove_code

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Administrator = Annotated[Desk, needs(Right.STAFF)]
HERE = "/console/staff"
ONE = HERE + "/member/{login}"
Text = Annotated[str, Form()]
Box = Annotated[bool, Form()]


@router.get(HERE)
def staff_page(desk: Administrator) -> Response:
    """Every account, and the form for a new one."""
    with desk.world.reading() as session:
        found = members(session)
    return desk.page("staff.html", 200, members=found, **_told(desk))


def _told(desk: Desk) -> dict[str, object]:
    known = choices(desk.world, Scope()).departments
    return {"roles": ROLE_WORDS, "known": known, "has_code": has_code, "now": desk.world.now(), "Role": Role}


@router.post(HERE)
def new_member(
    desk: Administrator,
    role: Annotated[Role, Form()],
    login: Text = "",
    name: Text = "",
    departments: Text = "",
    everywhere: Box = False,  # noqa: FBT002 - a form's box
) -> Response:
    """A new account; its first password is shown on the page that answers, and nowhere again."""
    seen = _departments(departments, everywhere=everywhere)
    return _once(desk, add_member(desk.world, login.strip().lower(), name, role, seen, desk.by))


def _once(desk: Desk, made: Made) -> Response:
    _ = gettext_in(desk.language)
    said = _("账号 {login} 的密码，首次登录后须改：").format(login=made.login)
    return desk.page("shown_once.html", title=_("一次性密码"), words=said, secret=made.password, back=HERE)


def _departments(told: str, *, everywhere: bool) -> list[str] | None:
    """One in a line. Raises NotAllowedError: an empty field does not mean everything."""
    if everywhere:
        return None
    named = [line.strip() for line in told.splitlines() if line.strip()]
    if not named:
        raise NotAllowedError("请填写可以看哪些部门，或勾选“全部部门”。")
    return named


@router.get(ONE)
def member_page(desk: Administrator, login: str) -> Response:
    """One account, and everything that can be done with it."""
    with desk.world.reading() as session:
        found = find_member(session, login)
    service = desk.world.identity.title if desk.world.identity else ""
    return desk.page("member.html", 200, member=found, service=service, **_told(desk))


@router.post(ONE)
def other_member(
    desk: Administrator,
    login: str,
    role: Annotated[Role, Form()],
    name: Text = "",
    departments: Text = "",
    everywhere: Box = False,  # noqa: FBT002
    shown: Text = "",
) -> Response:
    """Another name, role or other departments."""
    seen = _departments(departments, everywhere=everywhere)
    change_member(desk.world, login, name, role, seen, desk.by, shown)
    return desk.to(_one(login), gettext_in(desk.language)("已改。角色或部门变了的，本人须重新登录。"))


@router.post(ONE + "/reset")
def reset(desk: Administrator, login: str) -> Response:
    """A new first password, shown this once."""
    return _once(desk, reset_password(desk.world, login, desk.by))


@router.post(ONE + "/close")
def close(desk: Administrator, login: str) -> Response:
    """Nobody comes in with it."""
    close_member(desk.world, login, desk.by)
    return desk.to(_one(login), gettext_in(desk.language)("账号已停用。"))


@router.post(ONE + "/reopen")
def reopen(desk: Administrator, login: str) -> Response:
    """It may come in again."""
    reopen_member(desk.world, login, desk.by)
    return desk.to(_one(login), gettext_in(desk.language)("账号已恢复。"))


@router.post(ONE + "/code/remove")
def without_code(desk: Administrator, login: str) -> Response:
    """The telephone is lost: only the password is asked for, until a code is set up anew."""
    remove_code(desk.world, login, desk.by)
    return desk.to(_one(login), gettext_in(desk.language)("动态验证码已取消。"))


@router.post(ONE + "/bind")
def bind(desk: Administrator, login: str, subject: Text = "", only: Box = False) -> Response:  # noqa: FBT002
    """Single sign-on for it."""
    bind_subject(desk.world, login, subject, desk.by, only=only)
    return desk.to(_one(login), gettext_in(desk.language)("统一身份已绑定。"))


@router.post(ONE + "/unbind")
def unbind(desk: Administrator, login: str) -> Response:
    """No single sign-on any more."""
    unbind_subject(desk.world, login, desk.by)
    return desk.to(_one(login), gettext_in(desk.language)("统一身份已解除。"))


def _one(login: str) -> str:
    return ONE.format(login=login)
