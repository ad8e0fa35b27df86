"""All doors together, and the counter: what `zhuandi api` serves."""

from fastapi import APIRouter

from dispatch.api.app import Doors, make_app
from dispatch.console import assets, imports, issue, queues, sign_in, slip
from dispatch.world import World

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    sign_in.router,
    queues.router,
    imports.router,
    issue.router,
    slip.router,
)


def make_site(world: World) -> Doors:
    """The web application with its console."""
    site = make_app(world)
    for router in ROUTERS:
        site.include_router(router)
    return site
