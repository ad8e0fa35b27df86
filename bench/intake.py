"""Batch intake over the API, 500 cases a call, addresses in parts or in one free line: `python -m bench.intake`.

Beside it one-row inserts of the same PostgreSQL, each committed alone, by as many clients as there are callers.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

import httpx2

from bench.rig.cases import batches
from bench.rig.commits import commits, who
from bench.rig.measure import LIMIT, OURS, Round, Row, at_least, interleave
from bench.rig.site import Bench, Site, alone
from dispatch.client import add_client

AT_ONCE, FEW = 500, 4
CALLERS = 2
KINDS = {"structured": 2_000, "free line": 400}
"""Cases in a round: of those that are read in a Python library, fewer do."""
SECONDS = 2.0


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """The API alone: nobody does meanwhile what the cases make necessary."""
    with _doors(site) as http:
        yield _posting(bench, http, "structured")


@contextmanager
def ours_in_a_line(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """The same, where each address is to be read."""
    with _doors(site) as http:
        yield _posting(bench, http, "free line")


@contextmanager
def _doors(site: Site) -> Iterator[httpx2.Client]:
    with site.open(("api",)), site.world() as world:
        site.await_doors()
        with httpx2.Client(base_url=site.url, timeout=120, trust_env=False) as http:
            key = add_client(world, f"approval {secrets.token_hex(4)}")
            http.headers |= {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            yield http


def _posting(bench: Bench, http: httpx2.Client, kind: str) -> Callable[[], Round]:
    _post(http, FEW, kind)  # warm: what reads addresses is loaded with the first
    return lambda: _post(http, bench.size(KINDS[kind], FEW), kind)


def _post(http: httpx2.Client, count: int, kind: str) -> Round:
    at_once = min(AT_ONCE, max(1, count // CALLERS))
    bodies = list(batches(count, at_once, free_line=kind == "free line"))
    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(lambda body: http.post("/api/v1/cases", content=body), bodies))
    took = time.monotonic() - began
    results = [one for answer in answers for one in answer.raise_for_status().json()["results"]]
    if others := [one for one in results if one["outcome"] != "accepted"]:
        raise SystemExit(f"{len(others)} of {count} cases were not accepted, the first of them: {others[0]}")
    return {"value": count / took}


def measure(bench: Bench) -> list[Row]:
    """Two rows, in cases a second."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site())
        http = stack.enter_context(_doors(site))
        mine, read = (_posting(bench, http, kind) for kind in KINDS)
        seconds = 1.0 if bench.small else SECONDS
        limit = partial(commits, site.database_url, CALLERS, seconds, bench.folder)
        measures = interleave({OURS: mine, "free line": read, LIMIT: limit}, bench.rounds, "cases/s")
    structured, free_line, inserts = measures
    told = {"limit": f"{who()}: one-row inserts at {CALLERS} clients", "callers": CALLERS, "at_once": AT_ONCE}
    aims = [at_least("cases/s", structured.median, 2_000)], [at_least("cases/s", free_line.median, 300)]
    line = replace(free_line, name=OURS)
    return [
        Row(f"batch intake, {AT_ONCE} a call", [structured, inserts], aims[0], told),
        Row("batch intake, one free line to parse", [line, inserts], aims[1], told),
    ]


if __name__ == "__main__":
    alone(measure)
