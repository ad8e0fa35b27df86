"""Case in → booked → label drawn, sandbox post included: `python -m bench.road [--statements]`.

The service is that of `zhuandi up`: API, two workers, clock, and the sandbox post, each a process; the desk that
prints is this process. Beside it a loop of as many bare dramatiq messages on the same broker. `--statements`: one
round in which PostgreSQL writes down what it is told, grouped by who told it and by the statement's text.
"""

import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import dramatiq
import httpx2
from dramatiq_postgres import PostgresBroker
from sqlalchemy import make_url

from bench.rig.cases import batches
from bench.rig.measure import OURS, PEER, Round, Row, at_least, at_most, interleave
from bench.rig.noop import ACTOR, QUEUE, THREADS
from bench.rig.site import SERVICE, Bench, Site, alone, open_bench
from bench.rig.statements import COMMITS, MARKS, OPENS, PINGS, ROLLS_BACK, Told, heard, written_down
from dispatch.client import add_client
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.label.sheet import SheetSize
from dispatch.world import World
from tests.engines.servers import wait_until

WHAT = "case in → booked → label drawn"
CASES, FEW = 300, 12
AT_ONCE = 50  # cases in one call of the approval system
PRINTED_AT_ONCE = 100  # a clerk prints when so many lie there, or all
LOOK_SECONDS = 0.02
PATIENCE = 300.0
OWN = frozenset({*SERVICE, "desk"})


@contextmanager
def ours(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """A service at work; a round takes new cases in and ends when all their labels are drawn."""
    with site.at_work(), site.world() as world, httpx2.Client(base_url=site.url, timeout=60, trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {add_client(world, f'approval {secrets.token_hex(4)}')}"
        road = _Road(bench, site, world, http)
        road.walk(bench.size(AT_ONCE, 4))  # warm
        yield lambda: road.walk(bench.size(CASES, FEW))


class _Road:
    def __init__(self, bench: Bench, site: Site, world: World, http: httpx2.Client) -> None:
        self.bench, self.site, self.world, self.http = bench, site, world, http

    def walk(self, count: int) -> Round:
        """`count` new cases; cases a second, and the CPU that each part spent on one."""
        bodies = list(batches(count, AT_ONCE))
        before, began = self.bench.cpu(self.site), time.monotonic()
        poster = threading.Thread(target=self._post, args=(bodies,))
        poster.start()
        self._print(count)
        took = time.monotonic() - began
        poster.join()
        after = self.bench.cpu(self.site)
        spent = {name: (after[name] - before[name]) * 1000 / count for name in after}
        told = {f"cpu_ms_{name}": value for name, value in spent.items()}
        return {"value": count / took, "cpu_ms": sum(spent[name] for name in OWN), **told}

    def _post(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            self.http.post("/api/v1/cases", content=body, headers=headers).raise_for_status()

    def _print(self, count: int) -> None:
        drawn, deadline = 0, time.monotonic() + PATIENCE
        while drawn < count:
            with self.world.reading() as session:
                ready = to_print(session)
            if len(ready) >= min(PRINTED_AT_ONCE, count - drawn):
                print_sheets(self.world, ready, SheetSize.TWO_PART, "bench")
                drawn += len(ready)
            elif time.monotonic() > deadline:
                raise SystemExit(f"{drawn} of {count} labels after {PATIENCE:g} s: {self.site.open_jobs()[:20]}")
            else:
                time.sleep(LOOK_SECONDS)


@contextmanager
def messages(bench: Bench, site: Site) -> Iterator[Callable[[], Round]]:
    """The peer: a dramatiq worker of the same broker, and messages to an actor that does nothing."""
    url = make_url(site.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    broker = PostgresBroker(url=url, results=False, middleware=[])
    process = subprocess.Popen([sys.executable, "-m", "bench.rig.noop", url])
    count = bench.size(CASES, FEW)

    def loop() -> Round:
        began = time.monotonic()
        for _ in range(count):
            broker.enqueue(dramatiq.Message(QUEUE, ACTOR, (), {}, {}))
        while broker_holds(broker):
            time.sleep(LOOK_SECONDS)
        return {"value": count / (time.monotonic() - began)}

    try:
        broker.enqueue(dramatiq.Message(QUEUE, ACTOR, (), {}, {}))
        wait_until(lambda: not broker_holds(broker), "the worker that does nothing")
        yield loop
    finally:
        process.terminate()
        process.wait()
        broker.close()


def broker_holds(broker: PostgresBroker) -> bool:
    """Whether a message is not worked off yet."""
    with broker.pool.connection() as connection:
        found = connection.execute("SELECT 1 FROM dramatiq.queue WHERE queue_name = %s LIMIT 1", [QUEUE])
        return found.fetchone() is not None


def measure(bench: Bench) -> list[Row]:
    """One row, in cases a second."""
    with ExitStack() as stack:
        site = stack.enter_context(bench.site())
        mine = stack.enter_context(ours(bench, site))
        peer = stack.enter_context(messages(bench, site))
        measures = interleave({OURS: mine, PEER: peer}, bench.rounds, "cases/s")
    told = statements(bench)
    per_case = _per_case(bench, told)
    found = measures[0]
    aims = [
        at_least("cases/s", found.median, 100),
        at_most("SQL statements a case", per_case["statements"], 25),
        at_most("CPU ms a case", found.also["cpu_ms"], 12),
    ]
    peers = f"a loop of {bench.size(CASES, FEW)} bare dramatiq messages, {THREADS} threads, on the same broker"
    return [Row(WHAT, measures, aims, {"per_case": per_case, "peer": peers})]


def statements(bench: Bench) -> Told:
    """What the database is told in one round."""
    with bench.site() as site, written_down(site), ours(bench, site) as one_round:
        with heard(bench, site) as told:
            one_round()
        return told


def _per_case(bench: Bench, told: Told) -> dict[str, float]:
    count = bench.size(CASES, FEW)
    marks = {"begins": OPENS, "commits": COMMITS, "rollbacks": ROLLS_BACK, "pings": PINGS}
    return {"statements": told.count / count} | {name: told.mark(mark) / count for name, mark in marks.items()}


def print_statements(bench: Bench, told: Told) -> None:
    """A table of the statements, the most frequent first, then what they come to."""
    count = bench.size(CASES, FEW)
    for (name, words), times in told.statements.most_common():
        if times * 50 >= count:  # what is told once in fifty cases is nobody's worry
            print(f"{times / count:7.2f}  {name:8} {words[:180]}")
    for name in sorted({part for part, _ in told.statements}):
        mine = {mark: told.marks[name, mark] / count for mark in MARKS}
        total = sum(times for (part, _), times in told.statements.items() if part == name) / count
        print(f"{name:8} {total:6.1f} statements a case; " + ", ".join(f"{k} {v:.2f}" for k, v in mine.items()))
    print("a case: " + ", ".join(f"{name} {value:.2f}" for name, value in _per_case(bench, told).items()))


def main() -> None:
    """The row alone, or what the database is told."""
    if "--statements" in sys.argv[1:]:
        with open_bench(1) as bench:
            print_statements(bench, statements(bench))
    else:
        alone(measure)


if __name__ == "__main__":
    main()
