"""All doors together, for one world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from dispatch.api import cases, errands, health, metrics, track
from dispatch.api.push_schema import PUSH_PATHS
from dispatch.api.pushes import PREFIX, PushDoor
from dispatch.api.shell import Shell, put_handlers
from dispatch.world import World

VERSION = "1"


class Doors(FastAPI):
    """FastAPI, with the models of the bodies that are read raw; posts' pushes never come to it."""

    def __init__(self, world: World) -> None:
        # /docs is off: FastAPI's page fetches its scripts from the Internet.
        super().__init__(
            title="政务专递",
            version=VERSION,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=Doors._lives,
        )
        self.state.world = world
        self.state.tracking = track.make_pages(world.settings)
        self.state.looks = track.make_looks(world, self.state.tracking)
        self.state.meter = metrics.Meter(world)
        self._pushes = PushDoor(world, self.state.meter.met)

    @asynccontextmanager
    async def _lives(self) -> AsyncIterator[None]:
        yield
        await self._pushes.close()
        await asyncio.to_thread(self.state.looks.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A push goes to its own door, any other request to the framework."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._pushes(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The description for partners, made once."""
        if not self.openapi_schema:
            schema = super().openapi()
            schema["paths"].update(PUSH_PATHS)
            schema.setdefault("components", {}).setdefault("schemas", {}).update(cases.body_schemas())
        return super().openapi()


def make_app(world: World) -> Doors:
    """The web application."""
    app = Doors(world)
    app.add_middleware(Shell, met=app.state.meter.met)
    put_handlers(app)
    for router in (cases.router, errands.router, track.router, health.router, metrics.router):
        app.include_router(router)
    return app
