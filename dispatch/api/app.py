"""All doors together, for one world."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from dispatch.api import cases, errands, health, metrics, pushes, track
from dispatch.api.front import FrontDoor
from dispatch.api.push_schema import PUSH_PATHS
from dispatch.api.shell import Shell, put_handlers
from dispatch.world import World

VERSION = "1"


class Doors(FastAPI):
    """FastAPI, with the models of the bodies that are read raw; posts' pushes and tracking pages never come to it."""

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
        self.state.meter = metrics.Meter(world)
        self._front: dict[str, FrontDoor] = {
            pushes.PREFIX: pushes.PushDoor(world, self.state.meter.met),
            track.PREFIX: track.TrackDoor(world, self.state.meter.met),
        }

    @asynccontextmanager
    async def _lives(self) -> AsyncIterator[None]:
        yield
        for door in self._front.values():
            await door.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the door before the framework that the path belongs to, else to the framework."""
        if scope["type"] == "http":
            for prefix, door in self._front.items():
                if scope["path"].startswith(prefix):
                    await door(scope, receive, send)
                    return
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
    for router in (cases.router, errands.router, health.router, metrics.router):
        app.include_router(router)
    return app
