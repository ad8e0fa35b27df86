"""The door for posts: a push is vouched for, stored and acknowledged in the carrier's own words, or not at all."""

import asyncio
from functools import partial

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from dispatch.api.batch import Batch
from dispatch.api.body import read_most
from dispatch.api.front import HANG_UP, FrontDoor, Said, safe_headers
from dispatch.api.shell import Met
from dispatch.api.who import address
from dispatch.carrier import Knock
from dispatch.crash import Point, reach
from dispatch.errors import NotFoundError
from dispatch.tracking.push import RAW_MOST, Arrival, judge, store
from dispatch.world import World

PREFIX = "/pushes/"
LONG = 65_536
"""Bytes; what is longer is opened in a thread, so that the others do not wait for it."""


class PushDoor(FrontDoor):
    """Every call below /pushes/."""

    pattern = "/pushes/{carrier}"
    methods = frozenset({"POST"})

    def __init__(self, world: World, met: Met) -> None:
        super().__init__(met)
        self._world = world
        self._batch = Batch(partial(store, world), weigh=lambda arrival: arrival.size)

    async def close(self) -> None:
        """What waits is committed."""
        await asyncio.to_thread(self._batch.close)

    async def said(self, scope: Scope, receive: Receive) -> Said:
        """One push: 2xx only after its commit."""
        arrival, whole = await self._heard(scope, receive)
        reply = await self._batch.do(arrival)
        reach(Point.PUSH_ACKNOWLEDGED)
        headers = safe_headers(reply.content_type)
        return Said(reply.status, headers if whole else [*headers, HANG_UP], reply.text.encode())

    async def _heard(self, scope: Scope, receive: Receive) -> tuple[Arrival, bool]:
        """What came, judged, and whether all of it was read. One that is too long is cut and turned away."""
        carrier, cut, secret = scope["path"].removeprefix(PREFIX).partition("/")
        if not carrier or "/" in secret or (cut and not secret):
            raise NotFoundError("没有这个地址。")
        door = self._world.door(carrier)
        if door is None:
            raise NotFoundError("没有对接这个寄递企业。请核对推送地址。")
        raw = await read_most(receive, RAW_MOST)
        headers = Headers(raw=scope["headers"])
        knock = Knock(raw, headers.get("content-type", ""), address(scope), secret, headers.get("x-signature", ""))
        if len(raw) <= LONG:
            return judge(self._world, door, knock), True
        return await asyncio.to_thread(judge, self._world, door, knock), len(raw) <= RAW_MOST
