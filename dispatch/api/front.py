"""Doors before the framework, whose own work for each request is several times that of such a door (FAULTS §6)."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from dispatch.api.shell import HEADERS, Met, RefusedError, answer_to, request_id
from dispatch.tracing import span

log = structlog.get_logger()
Header = tuple[bytes, bytes]
SAFE: Sequence[Header] = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
HANG_UP: Header = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `headers`: whole, but for length and request id."""

    status: int
    headers: Sequence[Header]
    body: bytes


class FrontDoor(ABC):
    """A bare ASGI application that answers as the other doors do: safe headers, one id for a request, errors in one
    shape, counted by its pattern. What goes well is counted and not told line by line."""

    pattern: str
    methods: frozenset[str]

    def __init__(self, met: Met) -> None:
        self._met = met

    @abstractmethod
    async def said(self, scope: Scope, receive: Receive) -> Said:
        """The answer to a request. Raises what `answer_to` turns into one."""

    @abstractmethod
    async def close(self) -> None:
        """What waits is done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began, method = time.monotonic(), scope["method"]
        if method not in self.methods:
            method = "other"  # anybody may invent one
        named = request_id(scope)
        with bound_contextvars(request_id=named), span("request", request_id=named) as late:
            status = await self._answer(scope, receive, send, named)
            late.update(method=method, door=self.pattern, status=str(status))
        self._met(method, self.pattern, status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, named: str) -> int:
        header = (b"x-request-id", named.encode())
        try:
            self._check_method(scope)
            said = await self.said(scope, receive)
        except Exception as error:  # noqa: BLE001 - every error becomes the answer that the other doors give
            answer = answer_to(scope, error)
            answer.raw_headers += [*SAFE, header]
            if isinstance(error, RefusedError):  # the rest of its body is not awaited
                answer.raw_headers.append(HANG_UP)
            await answer(scope, receive, send)
            log.info("door.answered", door=self.pattern, status=answer.status_code)
            return answer.status_code
        length = (b"content-length", b"%d" % len(said.body))
        await send({"type": "http.response.start", "status": said.status, "headers": [*said.headers, header, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else said.body})
        return said.status

    def _check_method(self, scope: Scope) -> None:
        if scope["method"] not in self.methods:
            allowed = {"Allow": ", ".join(sorted(self.methods))}
            raise RefusedError(405, "method_not_allowed", "这个地址不接受这种请求方法。", headers=allowed)


@lru_cache(maxsize=64)
def safe_headers(content_type: str, *more: tuple[str, str]) -> Sequence[Header]:
    """As the framework would write them for this type; the safe ones of every door where nothing else is said."""
    own = Response(media_type=content_type, headers=dict(more)).raw_headers
    named = {name for name, _ in own}
    return [*(one for one in own if one[0] != b"content-length"), *(one for one in SAFE if one[0] not in named)]
