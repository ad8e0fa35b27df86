"""Signing in and out, the lock, one's own password, the language."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dispatch.api.shell import RefusedError
from dispatch.api.who import TheWorld, caller, neighbourhood
from dispatch.console.guard import (
    CHANGE,
    COOKIE,
    LOCKED,
    SIGN_IN,
    ConsoleRoute,
    Desk,
    check_origin,
    needs,
)
from dispatch.console.language import CHINESE, LANGUAGES, gettext_in, language_of
from dispatch.console.language import COOKIE as LANGUAGE
from dispatch.console.page import HEADERS, draw, header_url, html, same_site, with_back
from dispatch.errors import NotAllowedError
from dispatch.staff.failures import prove
from dispatch.staff.member import change_password
from dispatch.staff.password import LEAST
from dispatch.staff.session import end_session, lock_session
from dispatch.staff.sign_in import CameIn, HalfIn, StaleTicketError, give_code, sign_in, unlock
from dispatch.world import World

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
TRIES = RateLimitItemPerMinute(30)
"""Wrong and right ones of one address together: a hall's whole staff signs in within a minute at most."""
CODE = "/console/sign-in/code"
HALF = "zhuandi_half"
"""The cookie of whoever gave the password and is asked for a code."""
HALF_SECONDS = 300
AnyDesk = Annotated[Desk, needs(locked_too=True)]
YEAR = 365 * 24 * 3600


@router.get(SIGN_IN)
def sign_in_page(request: Request, world: TheWorld, back: str = "/console") -> Response:
    """The form."""
    return _form(world, request, back, "")


@router.post(SIGN_IN)
async def come_in(
    request: Request,
    world: TheWorld,
    login: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/console",
) -> Response:
    """Login and password. The cookie that comes back is a new one, whatever the browser brought."""
    check_origin(request)
    count_try(request)
    try:
        came = await run_in_threadpool(sign_in, world, login.strip().lower(), password)
    except NotAllowedError as error:
        return await run_in_threadpool(_form, world, request, back, str(error), login, 401)
    return keep(world, came, RedirectResponse(header_url(after(came, back)), 303, headers=HEADERS))


def count_try(request: Request) -> None:
    """Whoever tries again and again from one address waits. Raises RefusedError."""
    limiter: MovingWindowRateLimiter = request.app.state.sign_ins
    if not limiter.hit(TRIES, "sign-in", neighbourhood(caller(request))):
        raise RefusedError(429, "slow_down", "登录太频繁，请过一分钟再试。")


def after(came: CameIn | HalfIn, back: str) -> str:
    """Where whoever came so far goes next."""
    if isinstance(came, HalfIn):
        return with_back(CODE, same_site(back))
    return CHANGE if came.must_change else same_site(back)


def keep(world: World, came: CameIn | HalfIn, answer: Response) -> Response:
    """The session goes into its cookie, or the ticket of whoever is not through yet."""
    secure = world.settings.public_url.startswith("https:")
    if isinstance(came, HalfIn):
        answer.set_cookie(HALF, came.ticket, HALF_SECONDS, path=CODE, httponly=True, samesite="strict", secure=secure)
        return answer
    answer.set_cookie(COOKIE, came.token, path="/console", httponly=True, samesite="strict", secure=secure)
    answer.delete_cookie(HALF, path=CODE)
    return answer


def _form(world: World, request: Request, back: str, wrong: str, login: str = "", status: int = 200) -> Response:
    values = {"back": same_site(back), "wrong": wrong, "login": login, "centre": world.settings.centre}
    service = world.identity.title if world.identity else ""
    page = draw("sign_in.html", language_of(request), desk=None, csrf="", said=[], service=service, **values)
    return html(page, status)


def sign_in_again(world: World, request: Request, wrong: str, status: int = 401) -> Response:
    """The form, with what went wrong on another way in."""
    return _form(world, request, "/console", wrong, status=status)


@router.get(CODE)
def code_page(request: Request, back: str = "/console") -> Response:
    """The second step, for whoever brought a ticket."""
    if HALF not in request.cookies:
        return RedirectResponse(SIGN_IN, 303, headers=HEADERS)
    return _code_form(request, back, "")


def _code_form(request: Request, back: str, wrong: str, status: int = 200) -> Response:
    values = {"back": same_site(back), "wrong": wrong}
    return html(draw("sign_in_code.html", language_of(request), desk=None, csrf="", said=[], **values), status)


@router.post(CODE)
async def come_in_with_code(
    request: Request, world: TheWorld, code: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/console"
) -> Response:
    """The code. Only now a session begins."""
    check_origin(request)
    count_try(request)
    try:
        came = await run_in_threadpool(give_code, world, request.cookies.get(HALF, ""), code)
    except StaleTicketError as error:
        return await run_in_threadpool(_form, world, request, back, str(error), "", 401)
    except NotAllowedError as error:
        return _code_form(request, back, str(error), 401)
    return keep(world, came, RedirectResponse(header_url(after(came, back)), 303, headers=HEADERS))


@router.post("/console/sign-out")
def leave(desk: AnyDesk) -> Response:
    """Out."""
    end_session(desk.world, desk.signed)
    answer = desk.to(SIGN_IN)
    answer.delete_cookie(COOKIE, path="/console")
    return answer


@router.post("/console/lock")
def lock(desk: AnyDesk) -> Response:
    """Whoever leaves the desk locks it."""
    lock_session(desk.world, desk.signed.session_id)
    return desk.to(with_back(LOCKED, same_site(desk.request.headers.get("referer", ""))))


@router.post("/console/awake")
def awake(desk: Annotated[Desk, needs()]) -> Response:  # noqa: ARG001 - that somebody asked is all
    """Somebody types: that is work, though nothing is sent. What is locked stays locked."""
    return Response(status_code=204, headers=HEADERS)


@router.get(LOCKED)
def locked_page(desk: AnyDesk, back: str = "/console") -> Response:
    """Nothing is shown until the password is given again."""
    return html(desk.draw("locked.html", said=[], back=same_site(back), wrong=""))


@router.post(LOCKED)
def open_again(
    desk: AnyDesk, password: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/console"
) -> Response:
    """The password again, and on where one was."""
    try:
        unlock(desk.world, desk.signed, password)
    except NotAllowedError as error:
        return html(desk.draw("locked.html", said=[], back=same_site(back), wrong=str(error)), 401)
    return desk.to(same_site(back))


@router.get(CHANGE)
def password_page(desk: AnyDesk) -> Response:
    """One's own password."""
    return html(desk.draw("password.html", said=[], least=LEAST, wrong=""))


@router.post(CHANGE)
def new_password(
    desk: AnyDesk,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """The old one, and a new one twice."""
    wrong = _wrong_password(desk, old, new, again)
    if wrong:
        return html(desk.draw("password.html", said=[], least=LEAST, wrong=wrong), 422)
    return desk.to("/console", gettext_in(desk.language)("密码已改。"))


def _wrong_password(desk: Desk, old: str, new: str, again: str) -> str:
    if new != again:
        return "两次填写的新密码不一样。"
    try:
        prove(desk.world, desk.member, old, "原密码不对。")
        change_password(desk.world, desk.by, new, desk.signed.session_id)
    except NotAllowedError as error:
        return str(error)
    return ""


@router.post("/console/language")
def choose_language(request: Request, language: Annotated[str, Form()] = CHINESE) -> Response:
    """Kept in a cookie of its own: it holds for whoever sits at this browser."""
    check_origin(request)
    answer = RedirectResponse(header_url(same_site(request.headers.get("referer", ""))), 303, headers=HEADERS)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE, language, path="/console", max_age=YEAR, httponly=True, samesite="lax")
    return answer
