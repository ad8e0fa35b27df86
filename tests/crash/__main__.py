"""`make crash-matrix`: every point × broker as a table; the last line is JSON, and any unsound cell is exit 1.

The whole matrix on PostgreSQL; of each other broker that answers a third, which turns with the date (`--turn`), or
with FULL=1 all of it too.
"""

import argparse
import datetime as dt
import json
import logging
import os
import signal
import sys

from tests.crash.books import SOUND
from tests.crash.brokers import Broker, brokers
from tests.crash.points import listed
from tests.crash.run import Result, run

THIRDS = 3
LEFT_OUT = "–"


def main() -> None:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turn", type=int, default=dt.datetime.now(tz=dt.UTC).toordinal())
    parser.add_argument("--points", nargs="+", choices=list(listed()), metavar="POINT", default=list(listed()))
    parser.add_argument("--brokers", nargs="+", metavar="BROKER")
    told = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it leaves nothing behind
    full = os.environ.get("FULL") == "1"
    results: dict[str, Result] = {}
    for broker in brokers():
        if told.brokers and broker.name not in told.brokers:
            continue
        if broker.why_not:
            print(f"{broker.name}: {broker.why_not}")
            continue
        results[broker.name] = run(broker, _chosen(broker, told.points, told.turn, full=full))
    _show(results, told.points)
    sys.exit(not all(_sound(result) for result in results.values()))


def _chosen(broker: Broker, points: list[str], turn: int, *, full: bool) -> list[str]:
    return points if full or broker.url is None else points[turn % THIRDS :: THIRDS]


def _sound(result: Result) -> bool:
    return not result.strange and all(cell == SOUND for cell in result.cells.values())


def _show(results: dict[str, Result], points: list[str]) -> None:
    width = max(map(len, points))
    print(f"{'':{width}}  " + "  ".join(f"{name:{len(SOUND)}}" for name in results))
    for point in points:
        cells = [result.cells.get(point, LEFT_OUT) for result in results.values()]
        print(f"{point:{width}}  " + "  ".join(f"{cell:{len(SOUND)}}" for cell in cells))
    for name, result in results.items():
        for line in result.strange:
            print(f"{name}: {line}")
    print(json.dumps({name: _line(result) for name, result in results.items()}, ensure_ascii=False))


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
