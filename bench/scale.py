"""Every row of the database at 10 thousand and at SCALE shipments, side by side: `python -m bench.scale` (SCALE).

Then one round of each, and the looks of the desk, are written down by PostgreSQL, and every statement is planned on
the greater database: no plan may read a growing table whole.
"""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict

import httpx2

from bench import intake, news, page, push_door, road
from bench.fill import fill, tables_filled
from bench.rig.clerk import cookies_of
from bench.rig.measure import OURS, Measure, Row, at_most, interleave
from bench.rig.plans import plans
from bench.rig.site import Bench, Ours, alone
from bench.rig.statements import Told, heard, written_down
from dispatch.api.case_view import look_at
from dispatch.approval.case import waiting_for_release
from dispatch.console.guard import DOORS
from dispatch.db import connect
from dispatch.errors import NotFoundError
from dispatch.label.print_sheets import to_print
from dispatch.measured.overview import this_month
from dispatch.packing.hand_over import not_collected
from dispatch.packing.pack import to_pack
from dispatch.queues.queue import ON_THE_DESK, Queue
from dispatch.shipment import find_order
from dispatch.staff.role import RIGHTS, Right, Role
from dispatch.vault import VaultError
from dispatch.waybill import find_live_number
from dispatch.world import World
from dispatch.zero_visits.desk import on_the_desk
from dispatch.zero_visits.story import story
from dispatch.zero_visits.trips.to_rule import over_in, to_rule
from zhuandi import migrate

SCALE, FEW = int(os.environ.get("SCALE", "1000000")), 2_000
BEFORE, SMALL = 10_000, 500
SLOWER, LEAST = 1.2, 0.001  # a page may take longer than its round
ROWS: Mapping[str, Ours] = {
    push_door.WHAT: push_door.ours,
    news.WHAT: news.ours,
    road.WHAT: road.ours,
    "batch intake, structured": intake.ours,
    "batch intake, free line": intake.ours_in_a_line,
    page.WHAT: page.ours,
}
"""What touches the database: labels are drawn without it. The value of each is a rate."""
SIZE = "SELECT pg_database_size(current_database())"
OF_ONE_CASE = ("/console/case/FILL-1", "/console/find?q=FILL-1", "/console/find?q=1140000000001")
BESIDE = {
    Right.HAND_OVER: ("/console/hand-over/lists", "/console/hand-over/compare"),
    Right.AUDIT: ("/console/audit?subject=FILL-1", "/console/audit?subject=1140000000001"),
}
"""What no door leads to, and looks up something of its own."""
DEPARTMENT = "县市场监督管理局"
ONE = page.WHAT
"""All that is done where little is to be done: one row beside itself, and its statements."""


def measure(bench: Bench) -> list[Row]:
    """A row for each of ROWS, and one for the plans."""
    before, scale = bench.size(BEFORE, SMALL), bench.size(SCALE, FEW)
    with ExitStack() as stack:
        urls = {count: stack.enter_context(bench.database()) for count in (before, scale)}
        filled = {count: _filled(url, count) for count, url in urls.items()}
        sizes = {count: bench.site_at(url).scalar(SIZE) // 1_000_000 for count, url in urls.items()}
        chosen = {ONE: ROWS[ONE]} if bench.small else ROWS
        rows = [_beside(bench, what, ours, urls[scale], urls[before], scale) for what, ours in chosen.items()]
        return [*rows, _plans(bench, urls[scale], {"seconds_to_fill": filled, "megabytes": sizes})]


def _filled(url: str, count: int) -> float:
    began = time.monotonic()
    engine = connect(url)
    migrate.run(engine)
    engine.dispose()
    fill(url, count)
    return round(time.monotonic() - began, 1)


def _beside(bench: Bench, what: str, ours: Ours, great: str, small: str, scale: int) -> Row:
    """Ours at the greater scale, and ours at the smaller one beside it."""
    with ExitStack() as stack:
        sites = {OURS: bench.site_at(great), "at 10 thousand": bench.site_at(small)}
        rounds = {name: stack.enter_context(ours(bench, site)) for name, site in sites.items()}
        for one_round in rounds.values():
            one_round()  # warm
        measures = interleave(rounds, bench.rounds, "/s")
    slower = measures[1].median / max(measures[0].median, LEAST)
    return Row(f"{what}, {scale:,} shipments", measures, [at_most("× the time at 10 thousand", slower, SLOWER)])


def _plans(bench: Bench, url: str, told: Mapping[str, object]) -> Row:
    """Statements of one round of each row and of the desk; ours: how many read a growing table whole."""
    said: dict[str, str] = {}
    for ours in [ROWS[ONE]] if bench.small else ROWS.values():
        site = bench.site_at(url)
        with written_down(site), ours(bench, site) as one_round, heard(bench, site) as words:
            one_round()
        said |= words.texts
    said |= _looks(bench, url).texts | _counter(bench, url).texts
    growing = tables_filled()
    made = plans(url, said.values(), growing)
    whole = [plan for plan in made if plan.whole]
    counted = [Measure(OURS, "statements", 1, len(whole), len(whole), len(whole))]
    return Row(
        f"plans of {len(made)} statements: a growing table read whole",
        counted,
        [at_most("statements", len(whole), 0)],
        {**told, "whole": [asdict(plan) for plan in whole], "plans": [asdict(plan) for plan in made]},
    )


def _looks(bench: Bench, url: str) -> Told:
    """What the desk and whoever asks look up: the lists, and one envelope by each of its numbers."""
    site = bench.site_at(url)
    with written_down(site), site.world() as world, heard(bench, site) as told:
        with world.reading() as session:
            to_print(session), to_pack(session), not_collected(session, "ems"), waiting_for_release(session)
            find_live_number(world, session, "ems", "1140000000001")
            find_order(session, "ems", "ZDFILL1")
        for one in (_worklist, _case, _story, _trips):
            with suppress(VaultError, NotFoundError):  # what was filled in does not open; it was asked for
                one(world)
    return told


def _worklist(world: World) -> None:
    on_the_desk(world)


def _case(world: World) -> None:
    look_at(world, "FILL-1", "fill")


def _trips(world: World) -> None:
    over_in(world, this_month(world))
    to_rule(world)


def _story(world: World) -> None:
    story(world, "FILL-1")


def _counter(bench: Bench, url: str) -> Told:
    """A scrape, and each page of the console, asked for by each role and by an account of a single department.

    Where a page shows what was filled in, it does not come: that cannot be opened. What it looks up is told before.
    """
    site = bench.site_at(url)
    with written_down(site), site.open(("api",)), site.world() as world:
        site.await_doors()
        staff = [(role, cookies_of(world, role, role, None)) for role in Role]
        staff.append((Role.DISPATCH, cookies_of(world, "one-department", Role.DISPATCH, [DEPARTMENT])))
        with heard(bench, site) as told:
            httpx2.get(f"{site.url}/metrics", trust_env=False, timeout=60)
            for role, cookies in staff:
                with httpx2.Client(base_url=site.url, cookies=cookies, trust_env=False, timeout=60) as browser:
                    for page_url in _pages(role):
                        browser.get(page_url)
    return told


def _pages(role: Role) -> list[str]:
    """What this role's pages ask the database for: its queues, whatever stands beside them, one case."""
    rights = RIGHTS[role]
    doors = [url for url, _, right in DOORS if right in rights]
    doors += [url for right, urls in BESIDE.items() if right in rights for url in urls]
    if Right.SEE not in rights:
        return [f"/console/queue/{queue}" for queue in ON_THE_DESK if Right.SEE_TODAY in rights] + doors
    return [f"/console/queue/{queue}" for queue in Queue] + doors + list(OF_ONE_CASE)


if __name__ == "__main__":
    alone(measure)
