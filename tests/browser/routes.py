"""Every page of the console that can be asked for, found in the table of routes, with a role that may see it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute

from dispatch.console.assets import PREFIX
from dispatch.console.page import case_url
from dispatch.console.site import ROUTERS
from dispatch.queues.queue import Queue
from dispatch.staff.role import RIGHTS, Role
from dispatch.zero_visits.desk import on_the_desk
from tests.browser.counter import Counter

PREFERRED = (Role.DISPATCH, Role.SUPERVISOR, Role.WINDOW, Role.ADMINISTRATOR, Role.AUDITOR, Role.POST)
"""Who looks at a page: the first of these who may."""
LISTS = [queue for queue in Queue if queue is not Queue.NEEDS_A_PERSON]
"""待处理 has a page of its own."""

Urls = Callable[[Counter], Collection[str]]
WITH_IDS: Mapping[str, Urls] = {
    "/console/queue/{name}": lambda _: [
        *(f"/console/queue/{queue}" for queue in LISTS),
        "/console/queue/to_print?department=县公安局",
        "/console/queue/to_print?q=nothing-begins-so",
    ],
    "/console/staff/member/{login}": lambda _: ["/console/staff/member/window"],
    "/console/find": lambda _: ["/console/find?q=nothing-begins-so"],
    "/console/case/{case_no}": lambda counter: [case_url(cases[0]) for cases in counter.cases.values()],
    "/console/case/{case_no}/call": lambda counter: [f"/console/case/{counter.cases['on_the_way'][0]}/call"],
    "/console/case/{case_no}/window": lambda counter: [f"/console/case/{counter.cases['to_pack'][0]}/window"],
    "/console/case/{case_no}/slip": lambda counter: [
        f"/console/case/{counter.cases[point][0]}/slip" for point in ("to_release", "long_named")
    ],
    "/console/import/{import_id}": lambda counter: [
        f"/console/import/{one}" for one in counter.found("SELECT id FROM imports WHERE state = 'checked'")
    ],
    "/console/import/{import_id}/columns": lambda counter: [
        f"/console/import/{one}/columns" for one in counter.found("SELECT id FROM imports WHERE state = 'columns'")
    ],
    "/console/batch/{batch_id}": lambda counter: [
        f"/console/batch/{one}" for one in counter.found("SELECT id FROM batches ORDER BY made_at DESC LIMIT 1")
    ],
    "/console/printers/{printer_id}": lambda counter: [
        f"/console/printers/{one}" for one in counter.found("SELECT id FROM printers WHERE removed_at IS NULL")
    ],
    "/console/hand-over/{carrier}": lambda _: ["/console/hand-over/ems"],
    "/console/hand-over/list/{number}/sign": lambda counter: [
        f"/console/hand-over/list/{one}/sign" for one in counter.found("SELECT number FROM hand_overs LIMIT 1")
    ],
    "/console/picture/{picture_id}": lambda counter: [
        f"/console/picture/{one}" for one in counter.found("SELECT id FROM pictures LIMIT 1")
    ],
    "/console/entry/{number}": lambda counter: [f"/console/entry/{one.number}" for one in on_the_desk(counter.world)],
}
"""Real addresses for each route that needs something told; one with a parameter that is not here fails the test."""
FILE = re.compile(r"\.[\w{}]+$")
"""At the end of the path of what is downloaded."""
NO_PAGE: Mapping[str, str] = {
    "/console": "leads to another",
    "/console/counts": "a part of every page",
    "/console/import/template": "a file",
    "/console/batch/{batch_id}/progress": "a part of the batch's page",
    "/console/sso": "leads to the identity service",
    "/console/sso/back": "comes from the identity service",
}
"""Routes that draw no page of their own, and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """A page, and who looks at it."""

    path: str
    role: Role | None


def routes() -> Iterator[APIRoute]:
    """Every route of the console that answers GET."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in route.methods and not _file(route.path):
                yield route


def _file(path: str) -> bool:
    return path.startswith(PREFIX) or FILE.search(path) is not None


def unknown() -> list[str]:
    """Routes with parameters that nobody has given real addresses, or told to be no page."""
    return [route.path for route in routes() if "{" in route.path and not _known(route.path)]


def _known(path: str) -> bool:
    return path in WITH_IDS or path in NO_PAGE


def pages(counter: Counter) -> list[Address]:
    """Every page, by its address."""
    found = []
    for route in routes():
        if route.path not in NO_PAGE:
            urls = WITH_IDS.get(route.path, lambda _, path=route.path: [path])
            found += [Address(url, looker(route)) for url in urls(counter)]
    return found


def looker(route: APIRoute) -> Role | None:
    """Who may see it; None: it asks nobody who they are."""
    rights = _rights(route)
    if rights is None:
        return None
    return next(role for role in PREFERRED if not rights or RIGHTS[role] & set(rights))


def _rights(route: APIRoute) -> Collection[Any] | None:
    for dependency in route.dependant.dependencies:
        if (rights := getattr(dependency.call, "rights", None)) is not None:
            return tuple(rights)
    return None
