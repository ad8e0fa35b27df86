"""All doors together, and the counter: what `zhuandi api` serves."""

from fastapi import APIRouter

from dispatch.api.app import Doors, make_app
from dispatch.console import assets, case, overview, person, queues, sign_in
from dispatch.world import World

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    sign_in.router,
    person.router,  # before the queues, of which it has one to itself
    queues.router,
    case.router,
    overview.router,
)


def make_site(world: World) -> Doors:
    """The web application with its console."""
    site = make_app(world)
    for router in ROUTERS:
        site.include_router(router)
    return site
