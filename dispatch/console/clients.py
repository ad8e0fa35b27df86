"""Client systems and their keys, for the administrator."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.client import (
    LONGEST_OVERLAP,
    SCOPE_WORDS,
    ClientScope,
    add_client,
    change_scopes,
    clients,
    close_client,
    revoke_key,
    rotate_key,
)
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Administrator = Annotated[Desk, needs(Right.CLIENTS)]
HERE = "/console/clients"
Name = Annotated[str, Form()]
Scopes = Annotated[list[ClientScope] | None, Form()]
WEEK = 7


@router.get(HERE)
def clients_page(desk: Administrator) -> Response:
    """Every client system with its keys, and the form for a new one."""
    with desk.world.reading() as session:
        found = clients(session)
    told = {"scopes": SCOPE_WORDS, "now": desk.world.now(), "week": WEEK, "longest": LONGEST_OVERLAP.days}
    return desk.page("clients.html", 200, clients=found, **told)


@router.post(HERE)
def new_client(desk: Administrator, name: Name = "", scope: Scopes = None) -> Response:
    """A new one; its key is shown on the page that answers, and nowhere again."""
    return _once(desk, name, add_client(desk.world, name, scope or (), desk.by))


@router.post(HERE + "/rotate")
def rotate(
    desk: Administrator, name: Name = "", days: Annotated[int, Form(ge=0, le=LONGEST_OVERLAP.days)] = WEEK
) -> Response:
    """A new key; those before it go on for some days."""
    return _once(desk, name, rotate_key(desk.world, name, timedelta(days=days), desk.by))


def _once(desk: Desk, name: str, key: str) -> Response:
    _ = gettext_in(desk.language)
    said = _("对接系统“{name}”的密钥：").format(name=name)
    return desk.page("shown_once.html", title=_("新密钥"), words=said, secret=key, back=HERE)


@router.post(HERE + "/scopes")
def scopes(desk: Administrator, name: Name = "", scope: Scopes = None, shown: Name = "") -> Response:
    """What its keys open."""
    change_scopes(desk.world, name, scope or (), desk.by, shown)
    return desk.to(HERE, gettext_in(desk.language)("权限已改。"))


@router.post(HERE + "/revoke")
def revoke(desk: Administrator, key: Annotated[UUID, Form()], name: Name = "") -> Response:
    """One key opens nothing any more."""
    revoke_key(desk.world, name, key, desk.by)
    return desk.to(HERE, gettext_in(desk.language)("密钥已停用。"))


@router.post(HERE + "/close")
def close(desk: Administrator, name: Name = "") -> Response:
    """None of its keys opens anything any more."""
    close_client(desk.world, name, desk.by)
    return desk.to(HERE, gettext_in(desk.language)("对接系统已停用。"))
