"""`make bench`: every row beside its peer and its limit; the table, and `bench/results/latest.json`.

`python -m bench [ROW…]`: only these, shown and not kept.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from bench import console as lists
from bench import intake, labels, memory, news, page, push_door, road, scale, seals, up
from bench.rig.measure import Row
from bench.rig.readme import write_readme
from bench.rig.site import Bench, open_bench
from bench.rig.table import RESULTS, keep, machine, show

ROWS: Mapping[str, Callable[[Bench], Sequence[Row]]] = {
    "push_door": push_door.measure,
    "news": news.measure,
    "road": road.measure,
    "intake": intake.measure,
    "labels": labels.measure,
    "page": page.measure,
    "console": lists.measure,
    "seals": seals.measure,
    "scale": scale.measure,
    "memory": memory.measure,
    "up": up.measure,
}
console = Console(stderr=True)


def main() -> None:
    """Measure, show, keep. Exit code 1 where a row could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; none: all")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", "5")))
    parser.add_argument(
        "--small", action="store_true", help="everything runs, little is done: no figure is worth reading"
    )
    parser.add_argument("--out", type=Path, help=f"where the results go; all rows: {RESULTS.name}, some: nowhere")
    told = parser.parse_args()
    if strange := set(told.rows) - ROWS.keys():
        parser.error(f"no rows: {', '.join(sorted(strange))}")
    before, began = machine(), time.monotonic()
    with open_bench(told.rounds, small=told.small) as bench:
        rows, seconds, failed = _measured(bench, told.rows or list(ROWS))
    show(rows)
    out = told.out or (None if told.rows or told.small else RESULTS)
    if out is not None:
        how = {"rounds": told.rounds, "scale": scale.SCALE, "memory_minutes": memory.MINUTES, "small": told.small}
        took = {"seconds": round(time.monotonic() - began), "seconds_by_row": seconds}
        keep(rows, before, how | took, out)
        if out == RESULTS:
            write_readme()
    sys.exit(f"not measured: {', '.join(failed)}" if failed else 0)


def _measured(bench: Bench, names: Sequence[str]) -> tuple[list[Row], dict[str, int], list[str]]:
    """The rows, the seconds that each took, and the names of those that could not be measured."""
    rows, seconds, failed = [], {}, []
    for name in names:
        started = time.monotonic()
        try:
            rows += ROWS[name](bench)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the others took their time, and are kept
            console.print_exception()
            rows.append(Row(name, [], unmeasured=[f"{type(error).__name__}: {str(error)[:200]}"]))
            failed.append(name)
        seconds[name] = round(time.monotonic() - started)
        console.print(f"{name}: {seconds[name]} s")
    return rows, seconds, failed


if __name__ == "__main__":
    main()
