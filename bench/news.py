"""News applied: push row → sightings → state → closure: `python -m bench.news`.

Pushes are stored while the workers stand still; a round begins when they go on and ends when every push is read,
every envelope weighed and closed. Beside it pgbench's one-row commits at 8 clients on the same PostgreSQL.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psutil

from bench.rig.commits import commits, who
from bench.rig.measure import LIMIT, OURS, Round, Row, at_least, at_most, interleave
from bench.rig.parcels import hand_over, push, story
from bench.rig.site import Bench, Site, alone
from dispatch.shipment import WEIGH
from dispatch.tracking.push import READ
from dispatch.world import World

WHAT = "news applied: push row → sightings → state → closure"
FLAT = "news applied: cost of a sighting, at so many of a parcel"
LINES = 7  # of a parcel that is delivered at the first attempt but one
PARCELS, FEW = 60, 3
TOTAL = 400  # sightings in a round, however many of a parcel
OF_A_PARCEL = (1, 10, 50, 200)
CLIENTS, SECONDS = 8, 3.0
LOOK_SECONDS, PATIENCE = 0.02, 300.0
OPEN = "SELECT count(*) FROM jobs WHERE done_at IS NULL AND name IN (:read, :weigh)"
CLOSED = "SELECT count(*) FROM closures"


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """Two workers and the clock; a round is of so many parcels with a usual story each."""
    with _applied(site) as apply:
        apply(bench.size(10, 1), LINES)  # warm
        yield lambda: apply(bench.size(PARCELS, FEW), LINES)


@contextmanager
def _applied(site: Site) -> Iterator[Callable[[int, int], Round]]:
    with site.at_work(), site.world() as world:
        yield partial(_apply, site, world)


def _apply(site: Site, world: World, parcels: int, lines: int) -> Round:
    """`lines` sightings of each of so many parcels; sightings a second."""
    made, closed = hand_over(world, parcels), site.scalar(CLOSED)
    with standing_still(site):
        push(world, [event for parcel in made for event in story(parcel, lines)])
    began = time.monotonic()
    _await(site)
    took = time.monotonic() - began
    if (found := site.scalar(CLOSED) - closed) != parcels:
        raise SystemExit(f"{parcels} cases were to be closed, and {found} are")
    return {"value": parcels * lines / took, "ms_a_sighting": took * 1000 / (parcels * lines)}


@contextmanager
def standing_still(site: Site) -> Iterator[None]:
    """Workers and clock are frozen within the block."""
    frozen = [psutil.Process(pid) for name in ("worker", "clock") for pid in site.pids(name)]
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)


def _await(site: Site) -> None:
    deadline = time.monotonic() + PATIENCE
    while site.scalar(OPEN, read=READ, weigh=WEIGH):
        if time.monotonic() > deadline:
            raise SystemExit(f"news not applied after {PATIENCE:g} s: {site.open_jobs()[:20]}")
        time.sleep(LOOK_SECONDS)


def measure(bench: Bench) -> list[Row]:
    """Two rows: sightings a second, and what a sighting costs at 1, 10, 50, 200 of a parcel."""
    with bench.site() as site, _applied(site) as apply:
        apply(bench.size(10, 1), LINES)  # warm
        seconds = 1.0 if bench.small else SECONDS
        limit = partial(commits, site.database_url, CLIENTS, seconds, bench.folder)
        mine = partial(apply, bench.size(PARCELS, FEW), LINES)
        measures = interleave({OURS: mine, LIMIT: limit}, bench.rounds, "/s")
        told = {"limit": f"{who()}: one-row commits at {CLIENTS} clients", "sightings_of_a_parcel": LINES}
        row = Row(WHAT, measures, [at_least("sightings/s", measures[0].median, 1000)], told)
        return [row, _flat(bench, apply)]


def _flat(bench: Bench, apply: Callable[[int, int], Round]) -> Row:
    total, many = bench.size(TOTAL, 4), OF_A_PARCEL if not bench.small else (1, 4)

    def cost(lines: int) -> Round:
        return {"value": apply(total // lines, lines)["ms_a_sighting"]}

    measures = interleave({f"{lines} of a parcel": partial(cost, lines) for lines in many}, bench.rounds, "ms")
    alone_, *together = measures
    worst = max(one.median for one in together) / alone_.median
    return Row(FLAT, measures, [at_most("× the cost at 1, at the worst", worst, 1.2)], {"sightings": total})


if __name__ == "__main__":
    alone(measure)
