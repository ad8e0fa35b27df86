"""`zhuandi up` on an empty data folder until the first case is closed: `python -m bench.up`.

The case is carried by the centre's own people (by_hand): a post's letter would spend seconds on its road that say
nothing of us. It is posted, printed, packed, handed over and reported as any other.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx2
from sqlalchemy import select

from bench.rig.cases import batches
from bench.rig.measure import OURS, Round, Row, at_most, interleave
from bench.rig.site import Bench, alone
from dispatch.booking.route import set_route
from dispatch.client import add_client
from dispatch.errands.report import Report, report
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.by_hand.codes import HANDED
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from tests.engines.county import environment
from tests.engines.servers import free_port, wait_until
from tests.leftovers import remove_postgres
from zhuandi.context import open_world
from zhuandi.serve import await_answer

WHAT = "zhuandi up, empty data folder → first case closed"
BY = "by_hand"
PATIENCE = 120


def measure(bench: Bench) -> list[Row]:
    """One row, in seconds."""
    measures = interleave({OURS: lambda: once(bench.folder)}, bench.rounds, "s")
    return [Row(WHAT, measures, [at_most("s", measures[0].median, 8)], {"carrier": BY})]


def once(folder: Path) -> Round:
    """Everything from nothing, once; the seconds at which each thing had come."""
    home = Path(tempfile.mkdtemp(dir=folder)) / "home"
    watch = _Watch()
    with _started(home) as url:
        if not await_answer(f"{url}/healthz", PATIENCE):
            raise SystemExit(f"no answer: {(home.parent / 'up.log').read_text()[-800:]}")
        watch.note("answers")
        with open_world() as world:
            _close_one(world, url, watch)
    shutil.rmtree(home.parent)
    return {"value": watch.seconds["closed"]} | {f"s_until_{name}": at for name, at in watch.seconds.items()}


@dataclass
class _Watch:
    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, what: str) -> None:
        self.seconds[what] = time.monotonic() - self.began


@contextmanager
def _started(home: Path) -> Iterator[str]:
    """`zhuandi up`, and the same environment in this process; stopped as by Ctrl-C."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    told = {
        "ZHUANDI_HOME": str(home),
        "ZHUANDI_LISTEN_PORT": str(port),
        "ZHUANDI_PUBLIC_URL": url,
        "ZHUANDI_ITEM_RELEASE": "at_once",
        "ZHUANDI_ITEM_GROUPING": "PT0S",
        "ZHUANDI_BY_HAND__KEY": "bench",
        "ZHUANDI_BY_HAND__ENDPOINT": f"{url}/by-hand",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ZHUANDI_", "DATABASE_URL"))}
    with (home.parent / "up.log").open("wb") as log:
        command = [str(Path(sys.executable).with_name("zhuandi")), "up"]
        process = subprocess.Popen(command, env=clean | told, stdout=log, stderr=log)
    try:
        with environment(told):
            yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        remove_postgres(home)


def _close_one(world: World, url: str, watch: _Watch) -> None:
    set_route(world, "", "", BY, BY)
    [body] = batches(1, 1)
    headers = {"Authorization": f"Bearer {add_client(world, BY)}", "Content-Type": "application/json"}
    httpx2.post(f"{url}/api/v1/cases", content=body, headers=headers, trust_env=False).raise_for_status()
    watch.note("accepted")
    wait_until(lambda: bool(_waiting(world)), "its number", PATIENCE)
    watch.note("booked")
    print_sheets(world, _waiting(world), SheetSize.TWO_PART, BY)
    watch.note("printed")
    with world.reading() as session:
        [(document, number)] = to_pack(session)
    pack(world, document, number, BY)
    hand_over(world, BY, BY)
    report(world, Report(number, HANDED, signer="self"), BY)
    watch.note("reported")
    wait_until(lambda: _closed(world), "its closure", PATIENCE)
    watch.note("closed")


def _waiting(world: World) -> list[UUID]:
    with world.reading() as session:
        return to_print(session)


def _closed(world: World) -> bool:
    with world.reading() as session:
        return session.scalar(select(Closure.id).limit(1)) is not None


if __name__ == "__main__":
    alone(measure)
