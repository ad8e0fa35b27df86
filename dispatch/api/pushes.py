"""The door for posts: a push is vouched for, stored and acknowledged in the carrier's own words, or not at all.

It stands before the framework, whose own work for each request is several times that of the whole door (FAULTS §6).
"""

import asyncio
import time
from collections.abc import Sequence
from functools import lru_cache, partial

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dispatch.api.batch import Batch
from dispatch.api.body import read_most
from dispatch.api.shell import HEADERS, Met, RefusedError, answer_to, request_id
from dispatch.api.who import address
from dispatch.carrier import Knock, Reply
from dispatch.crash import Point, reach
from dispatch.errors import NotFoundError
from dispatch.tracking.push import RAW_MOST, Arrival, judge, store
from dispatch.world import World

log = structlog.get_logger()

PREFIX = "/pushes/"
PATTERN = "/pushes/{carrier}"
LONG = 65_536
"""Bytes; what is longer is opened in a thread, so that the others do not wait for it."""
Header = tuple[bytes, bytes]
SAFE: Sequence[Header] = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
HANG_UP: Header = (b"connection", b"close")


class PushDoor:
    """Every call below /pushes/, as a bare ASGI application."""

    def __init__(self, world: World, met: Met) -> None:
        self._world = world
        self._met = met
        self._batch = Batch(partial(store, world), weigh=lambda arrival: arrival.size)

    async def close(self) -> None:
        """What waits is committed."""
        await asyncio.to_thread(self._batch.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One push: 2xx only after its commit."""
        began = time.monotonic()
        status = await self._answer(scope, receive, send)
        self._met(
            scope["method"] if scope["method"] == "POST" else "other", PATTERN, status, time.monotonic() - began
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        named = (b"x-request-id", request_id(scope).encode())
        try:
            arrival, whole = await self._heard(scope, receive)
            reply = await self._batch.do(arrival)
        except Exception as error:  # noqa: BLE001 - every error becomes the answer that the other doors give
            answer = answer_to(scope, error)
            answer.raw_headers += [*SAFE, named]
            if isinstance(error, RefusedError):  # the rest of its body is not awaited
                answer.raw_headers.append(HANG_UP)
            await answer(scope, receive, send)
            log.info("door.answered", door=PATTERN, status=answer.status_code, request_id=named[1].decode())
            return answer.status_code
        reach(Point.PUSH_ACKNOWLEDGED)
        await _say(reply, send, named, whole=whole)
        return reply.status

    async def _heard(self, scope: Scope, receive: Receive) -> tuple[Arrival, bool]:
        """What came, judged, and whether all of it was read. One that is too long is cut and turned away."""
        carrier, cut, secret = scope["path"].removeprefix(PREFIX).partition("/")
        if not carrier or "/" in secret or (cut and not secret):
            raise NotFoundError("没有这个地址。")
        if scope["method"] != "POST":
            raise RefusedError(405, "method_not_allowed", "这个地址不接受这种请求方法。", headers={"Allow": "POST"})
        door = self._world.door(carrier)
        if door is None:
            raise NotFoundError("没有对接这个寄递企业。请核对推送地址。")
        raw = await read_most(receive, RAW_MOST)
        headers = Headers(raw=scope["headers"])
        knock = Knock(raw, headers.get("content-type", ""), address(scope), secret, headers.get("x-signature", ""))
        if len(raw) <= LONG:
            return judge(self._world, door, knock), True
        return await asyncio.to_thread(judge, self._world, door, knock), len(raw) <= RAW_MOST


async def _say(reply: Reply, send: Send, named: Header, *, whole: bool) -> None:
    body = reply.text.encode()
    headers = [*_headers(reply.content_type), named, (b"content-length", b"%d" % len(body))]
    if not whole:
        headers.append(HANG_UP)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=16)
def _headers(content_type: str) -> Sequence[Header]:
    """As the framework would write them for this type, and the safe ones of every door."""
    named = [header for header in Response(media_type=content_type).raw_headers if header[0] == b"content-type"]
    return [*named, *SAFE]
