"""What every measurement returns, and how several are taken side by side so that noise meets all alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Round = Mapping[str, float]
"""What one round of one candidate gave: `value`, in its unit, and `p99_ms` where latency was measured."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: a candidate's rounds. `low` and `high` are its worst and best round; plain data for `asdict`."""

    name: str
    unit: str
    rounds: int
    median: float
    low: float
    high: float
    p99_ms: float | None = None  # the median of the rounds'


def interleave(candidates: Mapping[str, Callable[[], Round]], rounds: int, unit: str) -> list[Measure]:
    """Every candidate once, then every one once more, and so on; in turn forwards and backwards."""
    taken: dict[str, list[Round]] = {name: [] for name in candidates}
    for turn in range(rounds):
        order = list(candidates) if turn % 2 == 0 else list(reversed(candidates))
        for name in order:
            taken[name].append(candidates[name]())
    return [_measure(name, unit, found) for name, found in taken.items()]


def _measure(name: str, unit: str, found: Sequence[Round]) -> Measure:
    values = [one["value"] for one in found]
    tails = [one["p99_ms"] for one in found if "p99_ms" in one]
    p99 = statistics.median(tails) if tails else None
    return Measure(name, unit, len(values), statistics.median(values), min(values), max(values), p99)
