"""All doors together, and the counter: what `zhuandi api` serves."""

from fastapi import APIRouter

from dispatch.api.app import Doors, make_app
from dispatch.console import assets, call, hand_over, pack, queues, sign_in, window
from dispatch.world import World

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    sign_in.router,
    queues.router,
    pack.router,
    hand_over.router,
    window.router,
    call.router,
)


def make_site(world: World) -> Doors:
    """The web application with its console."""
    site = make_app(world)
    for router in ROUTERS:
        site.include_router(router)
    return site
