"""Who may come in: every route of the console asks here, and says which right it wants."""

import hmac
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Form, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dispatch.api.shell import RefusedError
from dispatch.api.who import TheWorld
from dispatch.console.incoming import MOST_OF_A_FORM, Incoming
from dispatch.console.language import language_of
from dispatch.console.page import HEADERS, draw, header_url, html, same_site
from dispatch.console.wrong import PersonSoughtError, SignInNeededError, tell
from dispatch.queues.look import counts
from dispatch.queues.no_person import names_a_person
from dispatch.queues.queue import ON_THE_DESK, QUEUE_WORDS, Queue, Scope
from dispatch.staff.member import Member
from dispatch.staff.role import ROLE_WORDS, Right, Role
from dispatch.staff.session import SignedIn, csrf_of, find_session, hear, say
from dispatch.world import World

COOKIE = "zhuandi_session"
SIGN_IN, LOCKED, CHANGE = "/console/sign-in", "/console/locked", "/console/password"
IDLE = "已锁屏，没有办。填的都还在：请在新标签页解锁，再回到这里点一次。"
OVER = "登录已到时，没有办。填的都还在这一页上，请先抄下；在新标签页登录后，再刷新这一页。"
LOOKED_FOR = ("q", "subject")
"""What is looked for, in an address."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLL = "x-zhuandi-poll"
"""Sent with what a page asks by itself: it keeps no session awake."""


DOORS: Sequence[tuple[str, str, Right]] = (
    ("/console/import", "导入清单", Right.IMPORT),
    ("/console/issue", "出证登记", Right.ISSUE),
    ("/console/batches", "批次", Right.PRINT),
    ("/console/reprint", "补打", Right.PRINT),
    ("/console/pack", "双扫封装", Right.PACK),
    ("/console/hand-over", "交寄", Right.HAND_OVER),
    ("/console/overview", "概览", Right.OVERVIEW),
    ("/console/rulings", "跑动裁定", Right.RULE),
    ("/console/audit", "审计日志", Right.AUDIT),
    ("/console/staff", "账号", Right.STAFF),
    ("/console/clients", "对接系统", Right.CLIENTS),
    ("/console/printers", "打印机", Right.PRINTERS),
    ("/console/calendar", "工作日历", Right.CALENDAR),
)
"""Pages beside the queues: address, title, and the right that shows them."""


FormKey = Annotated[UUID | None, Form()]
"""Of a form whose repetition would do something twice (`dispatch/once.py`); the template draws it anew each time."""


@dataclass(frozen=True)
class Desk:
    """A signed-in member, the world behind the desk, and what was asked."""

    world: World
    request: Request
    signed: SignedIn
    language: str

    @property
    def member(self) -> Member:
        """Who it is."""
        return self.signed.member

    @property
    def role(self) -> str:
        """The word for what it is."""
        return ROLE_WORDS[Role(self.member.role)]

    @property
    def by(self) -> str:
        """How the acts of this desk are signed."""
        return self.signed.member.login

    @property
    def scope(self) -> Scope:
        """What may be seen."""
        departments = self.member.departments
        return Scope(frozenset(departments) if departments is not None else None, today_only=not self.may(Right.SEE))

    def may(self, right: Right) -> bool:
        """Whether a button is shown at all; its route asks for the right once more."""
        return self.member.may(right)

    @property
    def doors(self) -> Sequence[tuple[str, str, Right]]:
        """Where else one may go from here."""
        return DOORS

    @property
    def queues(self) -> Sequence[Queue]:
        """The queues that this desk sees."""
        return tuple(Queue) if self.may(Right.SEE) else ON_THE_DESK if self.may(Right.SEE_TODAY) else ()

    def draw(self, name: str, **values: object) -> str:
        """A page or a part, with whatever every page knows."""
        return draw(name, self.language, desk=self, csrf=self.signed.csrf, Right=Right, **self._nav(), **values)

    def _nav(self) -> dict[str, object]:
        counted = counts(self.world, self.scope, self.queues) if self.queues and not self.signed.locked else {}
        return {"queues": [(queue, QUEUE_WORDS[queue], count) for queue, count in counted.items()]}

    def page(self, name: str, status: int = 200, **values: object) -> Response:
        """A whole page; what was left for it is told once."""
        told = hear(self.world, self.signed.session_id)
        return html(self.draw(name, said=told, **values), status)

    def part(self, name: str, status: int = 200, **values: object) -> Response:
        """A part of a page, for htmx."""
        return html(self.draw(name, **values), status)

    def to(self, url: str, said: str = "", kind: str = "done") -> Response:
        """Done: on to another page, which tells what was done."""
        if said:
            say(self.world, self.signed.session_id, kind, said)
        if self.request.headers.get("hx-request"):
            return Response(status_code=204, headers={**HEADERS, "HX-Redirect": header_url(url)})
        return RedirectResponse(header_url(url), 303, headers=HEADERS)

    def back(self, said: str = "", kind: str = "done") -> Response:
        """Done: to the page that was left."""
        return self.to(same_site(self.request.headers.get("referer", "")), said, kind)


def check_origin(request: Request) -> None:
    """An act must come from a page of ours. Raises RefusedError."""
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site not in {None, "same-origin"} or (origin and urlsplit(origin).netloc != request.headers.get("host")):
        raise RefusedError(403, "foreign_page", "这个请求不是从本系统的页面发出的，没有办。")
    if site is None and origin is None:
        raise RefusedError(403, "foreign_page", "请求没有写明从哪个页面发出，没有办。请换用较新的浏览器。")


async def _check_csrf(request: Request, world: World, token: str) -> None:
    if request.method in SAFE:
        return
    given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(given.encode(), csrf_of(world, token).encode()):
        raise RefusedError(403, "stale_form", "这张表单已经失效，没有办。请刷新页面再试。")


def needs(*rights: Right, locked_too: bool = False) -> Any:
    """A dependency: whoever asks is signed in, not locked, and has one of these rights (none: everybody has)."""

    async def desk(request: Request, world: TheWorld) -> Desk:
        check_origin(request)
        token = request.cookies.get(COOKIE, "")
        active = POLL not in request.headers
        signed = await run_in_threadpool(find_session, world, token, active=active) if token else None
        if signed is None:
            raise SignInNeededError(SIGN_IN, OVER)
        await _check_csrf(request, world, token)
        made = Desk(world, request, signed, language_of(request))
        request.state.desk = made
        if signed.locked and not locked_too:
            raise SignInNeededError(LOCKED, IDLE)
        if signed.must_change and not locked_too:
            raise SignInNeededError(CHANGE)
        if any(names_a_person(request.query_params.get(name, "")) for name in LOOKED_FOR):
            raise PersonSoughtError
        if rights and not any(signed.member.may(right) for right in rights):
            raise RefusedError(403, "not_yours", "您的角色不办这件事。需要的话，请找管理员调整。")
        return made

    desk.rights = rights  # type: ignore[attr-defined] # for the test that walks every route
    return Depends(desk)


AnyDesk = Annotated[Desk, needs()]


class ConsoleRoute(APIRoute):
    """Errors become pages, or the part of a page that tells them; nothing typed into a form is lost. `most`: so many
    bytes a body may have."""

    most: ClassVar[int] = MOST_OF_A_FORM

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler around ours."""
        answer, most = super().get_route_handler(), self.most

        async def told(request: Request) -> Response:
            incoming = Incoming(request, most)
            try:
                incoming.check()
                return await answer(incoming)
            except Exception as error:  # noqa: BLE001 - every error is told by a page
                return await run_in_threadpool(tell, request, error)
            finally:
                await incoming.close()

        return told
