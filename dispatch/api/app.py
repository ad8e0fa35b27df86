"""All doors together, for one world."""

from typing import Any

from fastapi import FastAPI

from dispatch.api import cases, errands, health, metrics, pushes, track
from dispatch.api.shell import Shell, put_handlers
from dispatch.world import World

VERSION = "1"


class Doors(FastAPI):
    """FastAPI, with the models of the bodies that are read raw."""

    def openapi(self) -> dict[str, Any]:
        """The description for partners, made once."""
        if not self.openapi_schema:
            schema = super().openapi()
            schema.setdefault("components", {}).setdefault("schemas", {}).update(cases.body_schemas())
        return super().openapi()


def make_app(world: World) -> FastAPI:
    """The web application. /docs is off: FastAPI's page fetches its scripts from the Internet."""
    app = Doors(title="政务专递", version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.world = world
    app.state.tracking = track.make_pages(world.settings)
    app.state.meter = metrics.Meter(world)
    app.add_middleware(Shell, met=app.state.meter.met)
    put_handlers(app)
    for router in (cases.router, pushes.router, errands.router, track.router, health.router, metrics.router):
        app.include_router(router)
    return app
