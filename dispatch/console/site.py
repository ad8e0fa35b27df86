"""All doors together, and the counter: what `zhuandi api` serves."""

from fastapi import APIRouter
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dispatch.api.app import Doors, make_app
from dispatch.console import (
    assets,
    audit,
    batches,
    calendar,
    call,
    case,
    clients,
    code,
    dispatching,
    enter,
    hand_over,
    imports,
    issue,
    overview,
    pack,
    person,
    printers,
    printing,
    queues,
    sign_in,
    slip,
    sso,
    staff,
    trips,
    window,
)
from dispatch.console.wrong import put_pages
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
    imports.router,
    enter.router,
    issue.router,
    slip.router,
    overview.router,
    dispatching.router,
    batches.router,
    printing.router,
    printers.router,
    calendar.router,
    hand_over.router,
    window.router,
    call.router,
    trips.router,
)


def make_site(world: World) -> Doors:
    """The web application with its console."""
    site = make_app(world)
    site.state.sign_ins = MovingWindowRateLimiter(MemoryStorage())
    for router in ROUTERS:
        site.include_router(router)
    put_pages(site)
    return site
