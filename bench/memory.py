"""Memory of an API and a worker process under an hour's load: `python -m bench.memory` (MEMORY_MINUTES, default 1).

The load is that of `bench.load`. Growth is what the last quarter of the time has more than the second: in the first
everything is loaded for the first time.
"""

import os
import statistics
import threading
from collections import defaultdict
from collections.abc import Sequence

import psutil

from bench.load import PARCELS, at_the_desk, traffic
from bench.rig.knock import mix
from bench.rig.measure import Row, at_most, summed
from bench.rig.site import Bench, Site, alone

WHAT = "memory of a process under load"
MINUTES, SHORT = float(os.environ.get("MEMORY_MINUTES", "1")), 0.05
LOOKS = 60
MOST_MB, NOISE_MB = 150, 5
PARTS = ("api", "worker")


def measure(bench: Bench) -> list[Row]:
    """One row, in MB; a look is a round."""
    seconds = (SHORT if bench.small else MINUTES) * 60
    with bench.site() as site, site.at_work(), site.world() as world:
        streams = traffic(world, bench.size(PARCELS, 5))
        looks = _Looks(site, seconds / LOOKS)
        with looks, at_the_desk(world):
            mix(site.settings.listen_port, streams, seconds)
    measures, aims = [], []
    for part in PARTS:
        found = looks.of(part)
        measures.append(summed(part, "MB", [{"value": value} for value in found]))
        aims += [at_most(f"{part}: MB", max(found), MOST_MB), at_most(f"{part}: MB more", growth(found), NOISE_MB)]
    return [Row(WHAT, measures, aims, {"minutes": seconds / 60})]


def growth(found: Sequence[float]) -> float:
    """The median of the last quarter less that of the second."""
    quarter = max(1, len(found) // 4)
    return statistics.median(found[-quarter:]) - statistics.median(found[quarter : 2 * quarter] or found[:1])


class _Looks(threading.Thread):
    """Looks at what each process holds in memory (RSS), until the end of the block; of twins the greater counts."""

    def __init__(self, site: Site, pause: float) -> None:
        super().__init__(daemon=True)
        self._processes = [(name, psutil.Process(pid)) for name, pid in site.parts if name in PARTS]
        self._pause, self._leave = pause, threading.Event()
        self._found: list[dict[str, float]] = []

    def of(self, part: str) -> list[float]:
        """MB at each look."""
        return [look[part] for look in self._found]

    def run(self) -> None:
        while True:
            look: dict[str, float] = defaultdict(float)
            for name, process in self._processes:
                look[name] = max(look[name], process.memory_info().rss / 2**20)
            self._found.append(look)
            if self._leave.wait(self._pause):
                return

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self.join()


if __name__ == "__main__":
    alone(measure)
