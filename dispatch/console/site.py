"""All doors together, and the counter: what `zhuandi api` serves."""

from fastapi import APIRouter
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dispatch.api.app import Doors, make_app
from dispatch.console import assets, audit, case, clients, code, pack, person, queues, sign_in, sso, staff
from dispatch.world import World

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    sign_in.router,
    person.router,  # before the queues, of which it has one to itself
    sso.router,
    code.router,
    staff.router,
    clients.router,
    audit.router,
    queues.router,
    case.router,
    pack.router,
)


def make_site(world: World) -> Doors:
    """The web application with its console."""
    site = make_app(world)
    site.state.sign_ins = MovingWindowRateLimiter(MemoryStorage())
    for router in ROUTERS:
        site.include_router(router)
    return site
