"""The console's lists with 2,000 envelopes under way, as a clerk's browser asks for them: `python -m bench.console`.

Behind them lies what a county has after years. The API process alone; one clerk asks for one page after the other, so
that the time is that of drawing it, with the counts of all queues that every page shows.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import httpx2

from bench.fill import fill
from bench.rig.cases import TOWNS, case
from bench.rig.cases import numbers as case_numbers
from bench.rig.clerk import LOGIN, clerks_cookies
from bench.rig.measure import Round, Row, at_most, interleave
from bench.rig.parcels import hand_over
from bench.rig.site import Bench, Site, alone
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import lodge_all
from dispatch.console.guard import DOORS
from dispatch.db import connect
from dispatch.queues.queue import Queue
from dispatch.staff.role import RIGHTS, Role
from dispatch.world import World
from zhuandi import migrate

WHAT = "console's lists, {count:,} envelopes open"
OPEN, FEW = 2_000, 20
BEFORE, LITTLE = 20_000, 100
"""Closed long ago."""
WAITING = 8  # a case without an envelope for so many with one
ASKED = 5  # times in a round
AIM_MS = 150
SPREAD = """
    UPDATE worklist SET settled_at = opened_at, settled_by = 'system' WHERE settled_at IS NULL;
    UPDATE shipments SET stage = 'closed', moved_at = created_at - interval '2 days' WHERE order_no LIKE 'ZDFILL%';
    UPDATE paper_issues SET taken_at = taken_at - interval '2 days';
    UPDATE shipments AS s SET stage = (ARRAY['booked', 'printed', 'packed', 'handed_over', 'closed'])[1 + n % 5],
        moved_at = now() - interval '1 minute' * n
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM shipments WHERE order_no NOT LIKE 'ZDFILL%') AS told
    WHERE told.id = s.id;
    INSERT INTO worklist (id, reason, subject, cause, opened_at)
    SELECT gen_random_uuid(), 'stalled', 'shipment:' || id, 'bench', moved_at
    FROM shipments WHERE stage = 'handed_over';
    VACUUM ANALYZE
"""
"""What lies with the post is spread over the desk; what was filled in cannot be opened, and is over."""


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Mapping[str, Callable[[], Round]]]:
    """A round for each page."""
    engine = connect(site.database_url)
    migrate.run(engine)
    engine.dispose()
    fill(site.database_url, bench.size(BEFORE, LITTLE))
    with site.open(("api",)), site.world() as world:
        site.await_doors()
        cookies = _furnish(world, bench.size(OPEN, FEW))
        for statement in SPREAD.split(";"):
            site.administer(statement)
        with httpx2.Client(base_url=site.url, cookies=cookies, trust_env=False, timeout=60) as clerk:
            yield {name: partial(_ask, clerk, url) for name, url in _pages().items()}


def _furnish(world: World, count: int) -> dict[str, str]:
    hand_over(world, count + count // 4)  # a fifth is closed today
    for way in ({"paper_ready": False}, {"hold": "原证未收回"}):
        waiting = [case(next(case_numbers)) | way for _ in range(count // WAITING)]
        lodge_all(world, [DecidedCase.model_validate_json(json.dumps(one)) for one in waiting], LOGIN)
    return clerks_cookies(world)


def _pages() -> dict[str, str]:
    lists = {queue.value: f"/console/queue/{queue}" for queue in Queue}
    some = {
        "to_print, page 2": "/console/queue/to_print?page=2",
        "to_print, of a town": f"/console/queue/to_print?town={TOWNS[0]}",
    }
    doors = {url.rpartition("/")[2]: url for url, _, right in DOORS if right in RIGHTS[Role.DISPATCH]}
    return lists | some | doors


def _ask(clerk: httpx2.Client, url: str) -> Round:
    taken = []
    for _ in range(ASKED):
        began = time.perf_counter()
        clerk.get(url).raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return {"value": statistics.median(taken)}


def measure(bench: Bench) -> list[Row]:
    """One row: milliseconds for each page, the slowest against the aim."""
    with bench.site() as site, ours(bench, site) as pages:
        for ask in pages.values():
            ask()  # warm
        measures = interleave(pages, bench.rounds, "ms")
    aims = [at_most(f"{one.name}: ms", one.median, AIM_MS) for one in measures]
    return [Row(WHAT.format(count=bench.size(OPEN, FEW)), measures, aims)]


if __name__ == "__main__":
    alone(measure)
