"""Around every door: safe headers, one shape for everything that goes wrong, and nothing of anybody in it."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from uuid_utils.compat import uuid7

from dispatch.api.batch import DoorBusyError
from dispatch.db import DATABASE_AWAY
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError, ZhuandiError
from dispatch.tracing import span
from dispatch.vault import VaultError

log = structlog.get_logger()

WATCHERS = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds: no line of the log for each
RETRY_SECONDS = "5"
AWAY = "系统暂时繁忙，请求没有办成。请稍后原样再试一次。"
HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Answer(JSONResponse):
    """JSON as UTF-8. Half a surrogate pair, which UTF-8 cannot carry, goes out as the escape it came in as."""

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


class RefusedError(ZhuandiError):
    """The door says no, in HTTP's terms and in people's words."""

    def __init__(self, status: int, code: str, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.code, self.headers = status, code, headers


def error_answer(
    status: int, code: str, words: str, *, headers: Mapping[str, str] | None = None, **more: Sequence[object]
) -> Answer:
    """The one shape of every error: `{"error": {"code", "words", …}}`."""
    return Answer({"error": {"code": code, "words": words, **more}}, status, headers=dict(headers or {}))


def database_away() -> Answer:
    """503: not done, and not acknowledged."""
    return error_answer(503, "away", AWAY, headers={"Retry-After": RETRY_SECONDS})


def put_handlers(app: FastAPI) -> None:
    """Every error that a door may let through becomes an answer."""
    for away in DATABASE_AWAY:
        app.add_exception_handler(away, _on_database_away)
    app.add_exception_handler(ZhuandiError, _on_own)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_gone)


def _on_database_away(request: Request, error: Exception) -> Response:
    # Only the kind: the text of a database error may quote values.
    log.warning("door.database_away", door=_door(request.scope), error=type(error).__name__)
    return database_away()


def _on_own(request: Request, error: Exception) -> Response:
    match error:
        case RefusedError():
            return error_answer(error.status, error.code, str(error), headers=error.headers)
        case NotFoundError():
            return error_answer(404, "not_found", str(error))
        case ConflictError():
            return error_answer(409, "conflict", str(error), differs=error.differs)
        case NotAllowedError():
            return error_answer(409, "not_allowed", str(error))
        case VaultError():  # its words name tables and rows: for the operator, not for whoever asks
            return _failed(request.scope, error)
        case _:
            return error_answer(422, "refused", str(error))


NAMED = {404: ("not_found", "没有这个地址。"), 405: ("method_not_allowed", "这个地址不接受这种请求方法。")}


def on_http(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
    """An address or a method that there is not."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    code, words = NAMED.get(status, ("refused", "请求不合要求。"))
    return error_answer(status, code, words, headers=headers)


def _on_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return error_answer(422, "refused", "地址中的参数不合要求。")


def _on_gone(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=400)  # whoever asked has hung up


def _failed(scope: Scope, error: Exception) -> Answer:
    """500. Kind and place go to the log; the text and the local values may hold personal data."""
    log.error("door.failed", door=_door(scope), error=type(error).__name__, place=_place(error))
    return error_answer(500, "failed", "系统出错，请求没有办成。请联系政务服务中心。")


def _place(error: Exception) -> str:
    step, place = error.__traceback__, ""
    while step is not None:
        place = f"{step.tb_frame.f_code.co_name}:{step.tb_lineno}"
        step = step.tb_next
    return place


def _door(scope: Scope) -> str:
    """The door's pattern; never the path itself: it may hold the token of a tracking page."""
    return str(getattr(scope.get("route"), "path", "?"))


def answer_to(scope: Scope, error: Exception) -> Response:
    """What a door before the framework answers to any error: as `put_handlers` and `Shell` would."""
    request = Request(scope)
    match error:
        case _ if isinstance(error, (*DATABASE_AWAY, DoorBusyError)):
            return _on_database_away(request, error)
        case ZhuandiError():
            return _on_own(request, error)
        case ClientDisconnect():
            return _on_gone(request, error)
        case _:
            return _failed(scope, error)


Met = Callable[[str, str, int, float], None]
"""Told of each answered request: method, the door's pattern, status, seconds until the answer began."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
"""What is taken over from a caller: printable, short, and no room for anything else. Else one is made."""


def request_id(scope: Scope) -> str:
    """The caller's own id of this request where it is well-formed; else one is made."""
    told = dict(scope["headers"]).get(b"x-request-id", b"")
    return told.decode() if REQUEST_ID.fullmatch(told) else str(uuid7())


class Shell:
    """The outermost layer: headers on every answer, one id for a request, and a last answer for the unforeseen."""

    def __init__(self, app: ASGIApp, met: Met) -> None:
        self._app = app
        self._met = met

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; add what is missing."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named, began, started = request_id(scope), time.monotonic(), False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = named
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                self._tell(scope, message["status"], time.monotonic() - began, late)
            await send(message)

        with bound_contextvars(request_id=named), span("request", request_id=named) as late:
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as error:
                if started:
                    raise
                await _failed(scope, error)(scope, receive, send_with_headers)

    def _tell(self, scope: Scope, status: int, seconds: float, late: dict[str, str]) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"  # anybody may invent one
        self._met(method, _door(scope), status, seconds)
        late.update(method=method, door=_door(scope), status=str(status))
        if _door(scope) not in WATCHERS:
            log.info("door.answered", method=method, door=_door(scope), status=status, ms=round(seconds * 1000))
