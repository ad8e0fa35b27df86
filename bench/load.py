"""Mixed traffic over 64 connections against `zhuandi up --sandbox`: `make load MINUTES=5`; the last line is JSON.

Posts push news of parcels that are with them, citizens look at their pages, the approval system posts cases and
asks what became of them, clerks look through the console; at the desk they are printed, packed and handed over. Exit
code 1 at any answer but success or a deliberate refusal (429, and 503 with the request to come again).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from bench.rig.cases import case
from bench.rig.clerk import clerks_cookies
from bench.rig.knock import NUMBER, Stream, mix, write_requests
from bench.rig.parcels import SOURCE, OnTheWay, envelope, hand_over, story
from bench.rig.site import quiet
from dispatch.client import add_client
from dispatch.errors import ZhuandiError
from dispatch.queues.queue import Queue
from dispatch.world import World
from dispatch.zero_visits.outcomes import count_outcomes
from tests.engines.county import environment
from tests.engines.servers import wait_until
from tests.leftovers import remove_postgres
from zhuandi.context import open_world
from zhuandi.demo import Desk
from zhuandi.serve import papers_folder

CONNECTIONS = {"pushes": 24, "pages": 24, "intake": 4, "cases": 8, "console": 4}
"""64 together."""
PAUSES = {"pushes": 0.0, "pages": 0.0, "intake": 0.5, "cases": 0.05, "console": 0.5}
PARCELS, LINES = 400, 7
AT_ONCE = 5  # cases in one call
BODIES = 50
GOOD, REFUSED = frozenset({"200", "201"}), frozenset({"429", "503"})
REFUSED_MOST = 0.1
"""Of a stream's answers; who refuses more serves nobody, however deliberately."""
PAUSE_AT_THE_DESK, WIDTH = 0.5, 110
STARTED, PATIENCE = "政务专递已启动", 120
log = structlog.get_logger()


def traffic(world: World, parcels: int = PARCELS) -> dict[str, Stream]:
    """The streams of a service whose posts have so many parcels on their way."""
    home, made = world.settings.home, hand_over(world, parcels)
    events = [event for parcel in made for event in story(parcel, LINES)]
    plain = {"Content-Type": "application/json"}
    known = {"Authorization": f"Bearer {add_client(world, SOURCE)}", **plain}
    requests = {
        "pushes": [("POST", "/pushes/ems", envelope(world, event, NUMBER)) for event in events],
        "pages": [("GET", f"/t/{parcel.token}", "") for parcel in made],
        "intake": [("POST", "/api/v1/cases", _new_cases(number)) for number in range(BODIES)],
        "cases": [("GET", f"/api/v1/cases/{parcel.case_no}", "") for parcel in made],
        "console": [("GET", f"/console/{page}", "") for page in _looked_at(made)],
    }
    clerk = {"Cookie": "; ".join(f"{name}={value}" for name, value in clerks_cookies(world).items())}
    headers = {"pushes": plain, "pages": {}, "intake": known, "cases": known, "console": clerk}
    return {
        name: Stream(
            write_requests(home / f"{name}.txt", asked), CONNECTIONS[name], headers[name], pause=PAUSES[name]
        )
        for name, asked in requests.items()
    }


def _looked_at(parcels: Sequence[OnTheWay]) -> Iterator[str]:
    """Each queue in turn, and between them one case after the other."""
    for parcel, queue in zip(parcels, cycle(Queue), strict=False):
        yield f"queue/{queue}"
        yield f"case/{parcel.case_no}"


def _new_cases(number: int) -> str:
    """Cases that are new each time they are sent, because their numbers are."""
    some = [case(700_000_000 + number * AT_ONCE + place) for place in range(AT_ONCE)]
    for place, one in enumerate(some):
        one["case_no"] = f"{place}-{NUMBER}"
    return json.dumps({"cases": some}, ensure_ascii=False)


@contextmanager
def at_the_desk(world: World) -> Iterator[None]:
    """Within the block somebody prints, packs and hands over whatever waits."""
    desk, leave = Desk(world, papers_folder(world.settings.home)), threading.Event()

    def work() -> None:
        while not leave.wait(PAUSE_AT_THE_DESK):
            try:
                desk.work()
            except (SQLAlchemyError, ZhuandiError) as error:  # a crowded database: the next round comes
                log.warning("desk.interrupted", error=type(error).__name__)

    clerk = threading.Thread(target=work)
    clerk.start()
    try:
        yield
    finally:
        leave.set()
        clerk.join()


@contextmanager
def house(folder: Path) -> Iterator[World]:
    """`zhuandi up --sandbox` in this folder, and this process beside it; stopped as by Ctrl-C."""
    home = folder / "home"
    told = {"ZHUANDI_HOME": str(home), "ZHUANDI_ITEM_RELEASE": "at_once", "ZHUANDI_ITEM_GROUPING": "PT0S"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ZHUANDI_", "DATABASE_URL"))}
    with (folder / "up.log").open("wb") as out:
        command = [str(Path(sys.executable).with_name("zhuandi")), "up", "--sandbox"]
        process = subprocess.Popen(command, env=clean | told, stdout=out, stderr=out)
    try:
        wait_until(lambda: STARTED in (folder / "up.log").read_text(), "the house to open", PATIENCE)
        with environment(told), open_world() as world:
            yield world
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        remove_postgres(home)


def faults(found: Mapping[str, Any]) -> list[str]:
    """Whatever was neither a success nor a deliberate refusal, and streams that were refused too often."""
    told = [f"{found['unanswered']} requests without an answer"] if found["unanswered"] else []
    for name, stream in found["streams"].items():
        strange = {code: count for code, count in stream["statuses"].items() if code not in GOOD | REFUSED}
        told += [f"{name}: {count} × {code}" for code, count in strange.items()]
        if (refused := _refused(stream)) > REFUSED_MOST * stream["requests"]:
            told.append(f"{name}: {refused} of {stream['requests']} refused")
        told += [f"{name}: {stream['broken']} broken connections"] if stream["broken"] else []
    return told


def _refused(stream: Mapping[str, Any]) -> int:
    return sum(count for code, count in stream["statuses"].items() if code in REFUSED)


def show(found: Mapping[str, Any]) -> None:
    """The table of latencies."""
    table = Table("traffic", "connections", "requests", "a second", "refused", "p50 ms", "p90", "p99", "greatest")
    for name, stream in found["streams"].items():
        times = (f"{stream.get(key, 0):.1f}" for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))
        count = stream["requests"]
        rate = f"{count / found['seconds']:.0f}"
        table.add_row(name, str(CONNECTIONS[name]), f"{count:,}", rate, str(_refused(stream)), *times)
    Console(width=WIDTH).print(table)


def load(folder: Path, minutes: float, parcels: int = PARCELS) -> dict[str, Any]:
    """The whole: what came of each stream, and what came of the cases."""
    with house(folder) as world:
        streams = traffic(world, parcels)
        with at_the_desk(world):
            found = mix(world.settings.listen_port, streams, minutes * 60)
        with world.reading() as session:
            counted = count_outcomes(session)
    return found | {"minutes": minutes, "cases": counted.cases, "closed": counted.closed}


def main() -> None:
    """Exit code 1 at a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--parcels", type=int, default=PARCELS, help="so many are with the post")
    told = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        found = load(Path(folder), told.minutes, told.parcels)
    show(found)
    broken = faults(found)
    print(json.dumps(found | {"faults": broken}, ensure_ascii=False))
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
