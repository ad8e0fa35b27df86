"""One's own one-time code: set up with the telephone's camera, proved by a first code."""

from typing import Annotated

import qrcode
from fastapi import APIRouter, Form
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M
from starlette.responses import Response

from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.label.qr import svg
from dispatch.staff.totp import confirm_code, has_code, offer_code, offered

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
AnyDesk = Annotated[Desk, needs()]
HERE = "/console/code"


@router.get(HERE)
def code_page(desk: AnyDesk) -> Response:
    """Whether it is in use; where it is being set up, the picture for the telephone and the secret as text."""
    told = offered(desk.world, desk.member)
    secret, picture = (told[0], _picture(told[1])) if told else ("", "")
    spaced = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    in_use = has_code(desk.member)
    return desk.page("code.html", in_use=in_use, secret=spaced, picture=picture, asks=bool(desk.member.password))


@router.post(f"{HERE}/offer")
def begin(desk: AnyDesk) -> Response:
    """A new secret."""
    offer_code(desk.world, desk.by)
    return desk.to(HERE)


@router.post(f"{HERE}/confirm")
def prove(desk: AnyDesk, code: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """The password and a first code: from now on it is asked for."""
    confirm_code(desk.world, desk.by, password, code)
    return desk.to(HERE, gettext_in(desk.language)("动态验证码已开通，下次登录起会问。"))


def _picture(address: str) -> Markup:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(address)
    code.make()
    return Markup(svg(tuple(tuple(bool(dark) for dark in row) for row in code.get_matrix())))  # noqa: S704 - ours
