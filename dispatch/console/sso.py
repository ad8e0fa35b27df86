"""Single sign-on: off to the identity service, and back with its word for who somebody is."""

import base64
import json
from dataclasses import asdict
from datetime import timedelta
from hmac import compare_digest

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dispatch.api.who import TheWorld
from dispatch.console.guard import ConsoleRoute
from dispatch.console.language import language_of
from dispatch.console.page import HEADERS, draw, html, same_site
from dispatch.console.sign_in import after, count_try, keep, sign_in_again
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.identity import CALLBACK, Asked, IdentityService
from dispatch.staff.sign_in import STALE, sign_in_as
from dispatch.world import World

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
START = "/console/sso"
COOKIE = "zhuandi_sso"
"""What the browser was sent off with, signed: only the browser that asked can bring an answer."""
LIVES = timedelta(minutes=10)


@router.get(START)
def off(request: Request, world: TheWorld, back: str = "/console") -> Response:
    """To the service, with a question that nobody else can answer."""
    service = _service(world)
    count_try(request)
    try:
        asked = service.ask()
    except NotAllowedError as error:
        return sign_in_again(world, request, str(error), 503)
    answer = RedirectResponse(asked.url, 303, headers=HEADERS)
    secure = world.settings.public_url.startswith("https:")
    # Lax, because the browser comes back from another site; it opens nothing by itself.
    kept, seconds = _seal(world, asked, same_site(back)), int(LIVES.total_seconds())
    answer.set_cookie(COOKIE, kept, seconds, path=START, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get(CALLBACK)
def back_again(request: Request, world: TheWorld) -> Response:
    """Back from the service. A session begins only for an account that an administrator bound."""
    service = _service(world)
    count_try(request)
    try:
        asked, back = _open(world, request.cookies.get(COOKIE, ""))
        came = sign_in_as(world, service.told(asked, dict(request.query_params)))
    except NotAllowedError as error:
        return _used(sign_in_again(world, request, str(error)))
    # A page, not a redirect: the strict cookie is sent only with what a page of ours asks for.
    page = draw("sso_in.html", language_of(request), desk=None, csrf="", said=[], url=after(came, back))
    return _used(keep(world, came, html(page)))


def _service(world: World) -> IdentityService:
    if world.identity is None:
        raise NotFoundError("没有开通统一身份认证。请用登录名和密码登录。")
    return world.identity


def _used(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, path=START)
    return answer


def _seal(world: World, asked: Asked, back: str) -> str:
    told = {**asdict(asked), "url": "", "back": back, "until": (world.now() + LIVES).timestamp()}
    body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
    return f"{body}.{world.vault.digest('sso', body).hex()}"


def _open(world: World, kept: str) -> tuple[Asked, str]:
    """What was sealed. Raises NotAllowedError where it is not ours, or too old."""
    body, _, digest = kept.rpartition(".")
    if not compare_digest(digest.encode(), world.vault.digest("sso", body).hex().encode()):
        raise NotAllowedError(STALE)
    told = json.loads(base64.urlsafe_b64decode(body))
    back, until = told.pop("back"), told.pop("until")
    if world.now().timestamp() >= until:
        raise NotAllowedError(STALE)
    return Asked(**told), back
