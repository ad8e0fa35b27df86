"""`make storm`: one storm for each seed, in a process and a home of its own; the last line is their sum, as JSON."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.leftovers import remove_postgres

SEEDS = (1, 2, 3, 4, 5)
LIMIT_SECONDS = 3600
MUST_BE_NOUGHT = (
    "double_bookings",
    "missing_bookings",
    "lost_sightings",
    "wrong_ends",
    "untrue_reasons",
    "unseen",
)


def main() -> None:
    """Run the seeds one after the other; exit 1 where anything is lost, doubled, wrong or unseen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--shipments", type=int, default=500)
    told = parser.parse_args()
    counts = [_one(seed, told.shipments) for seed in told.seeds]
    total = {"seeds": list(told.seeds)} | {
        key: round(sum(one[key] for one in counts), 1) for key in counts[0] if isinstance(counts[0][key], int | float)
    }
    total["worklist"] = _summed([one["worklist"] for one in counts])
    total["carriers"] = _by_carrier([one["carriers"] for one in counts])
    del total["seed"]
    print(json.dumps(total, ensure_ascii=False))
    sys.exit(any(total[key] for key in MUST_BE_NOUGHT))


def _one(seed: int, shipments: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        home = Path(folder)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.storm.run", str(seed), str(shipments)],
                env={**os.environ, "ZHUANDI_HOME": str(home)},
                stdout=subprocess.PIPE,
                timeout=LIMIT_SECONDS,
                check=True,
                text=True,
            )
        finally:
            remove_postgres(home)
    line = done.stdout.strip().splitlines()[-1]
    print(line, flush=True)
    return json.loads(line)


def _summed(parts: list[dict[str, int]]) -> dict[str, int]:
    return {key: sum(part.get(key, 0) for part in parts) for key in sorted({key for part in parts for key in part})}


def _by_carrier(parts: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    return {name: _summed([part[name] for part in parts]) for name in sorted(parts[0])}


if __name__ == "__main__":
    main()
