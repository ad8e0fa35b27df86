"""`make crash-matrix`: every point × broker as a table; the last line is JSON, and any unsound cell is exit 1.

The whole matrix on PostgreSQL; of each other broker a third, which turns with the date (`--turn`), or with FULL=1 all
of it too.
"""

import argparse
import datetime as dt
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.crash.books import SOUND
from tests.crash.brokers import BROKERS, POSTGRESQL, why_not
from tests.crash.house import open_server
from tests.crash.points import listed
from tests.crash.run import Result, run

THIRDS = 3
LEFT_OUT = "–"


def main() -> None:
    """Run them one after the other, on one database server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turn", type=int, default=dt.datetime.now(tz=dt.UTC).toordinal())
    parser.add_argument("--points", nargs="+", choices=list(listed()), metavar="POINT", default=list(listed()))
    parser.add_argument("--brokers", nargs="+", choices=BROKERS, default=list(BROKERS))
    told = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # it says a page of every knock until a server answers
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it leaves nothing behind
    began, full = time.monotonic(), os.environ.get("FULL") == "1"
    chosen = {name: _of(name, told.points, told.turn, full=full) for name in told.brokers if not why_not(name)}
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        results = _run_all(chosen, Path(folder))
    _show(results, told.points)
    for name in told.brokers:
        if name not in chosen:
            print(f"{name}: {why_not(name)}")
    lines = {name: _line(result) for name, result in results.items()}
    print(json.dumps(lines | {"seconds": round(time.monotonic() - began, 1)}, ensure_ascii=False))
    sys.exit(not all(map(_sound, results.values())))


def _of(broker: str, points: Sequence[str], turn: int, *, full: bool) -> Sequence[str]:
    return points if full or broker == POSTGRESQL else points[turn % THIRDS :: THIRDS]


def _run_all(chosen: Mapping[str, Sequence[str]], folder: Path) -> dict[str, Result]:
    results = {}
    with open_server(folder / "server") as server:
        for name, points in chosen.items():
            (folder / name).mkdir()
            results[name] = run(name, points, server, folder / name)
    return results


def _sound(result: Result) -> bool:
    return not result.strange and all(cell == SOUND for cell in result.cells.values())


def _show(results: Mapping[str, Result], points: Sequence[str]) -> None:
    width = max(map(len, points))
    print(f"{'':{width}}  " + "  ".join(f"{name:{len(SOUND)}}" for name in results))
    for point in points:
        cells = [result.cells.get(point, LEFT_OUT) for result in results.values()]
        print(f"{point:{width}}  " + "  ".join(f"{cell:{len(SOUND)}}" for cell in cells))
    for name, result in results.items():
        unsound = [f"{point}: {cell}" for point, cell in result.cells.items() if cell != SOUND]
        for line in (*unsound, *result.strange):
            print(f"{name}: {line}")


def _line(result: Result) -> dict[str, object]:
    sound = sum(cell == SOUND for cell in result.cells.values())
    return {
        "points": len(result.cells),
        "sound": sound,
        "unsound": len(result.cells) - sound,
        "strange": len(result.strange),
        "seconds": result.seconds,
    }


if __name__ == "__main__":
    main()
