"""What every measurement returns, and how several are taken side by side so that noise meets all alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Round = Mapping[str, float]
"""What one round of one candidate gave: `value`, in its unit; `p50_ms` and `p99_ms` where latency was measured; and
whatever else was counted in it."""
NAMED = frozenset({"value", "p50_ms", "p99_ms"})
OURS, PEER, LIMIT = "ours", "peer", "limit"


@dataclass(frozen=True, slots=True)
class Measure:
    """A candidate's rounds. `low` and `high` are its least and greatest; `also`: medians of what else was counted."""

    name: str
    unit: str
    rounds: int
    median: float
    low: float
    high: float
    p50_ms: float | None = None  # medians of the rounds'
    p99_ms: float | None = None
    also: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be reached, what was found, and whether that is enough."""

    words: str
    found: float
    reached: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours first, then whatever stands beside it; `told` is kept with the results.

    `unmeasured`: aims for which nothing could be measured here, and why.
    """

    what: str
    measures: Sequence[Measure]
    aims: Sequence[Aim] = ()
    told: Mapping[str, object] = field(default_factory=dict)
    unmeasured: Sequence[str] = ()

    def ratios(self) -> dict[str, float]:
        """Ours divided by each of the others; nothing where several things of ours stand side by side."""
        if not self.measures or self.measures[0].name != OURS:
            return {}
        ours, *others = self.measures
        return {other.name: ours.median / other.median for other in others if other.median}


def at_least(words: str, found: float, wanted: float) -> Aim:
    """Reached from `wanted` on."""
    return Aim(f"{words} ≥ {wanted:g}", found, found >= wanted)


def at_most(words: str, found: float, wanted: float) -> Aim:
    """Reached up to `wanted`."""
    return Aim(f"{words} ≤ {wanted:g}", found, found <= wanted)


def interleave(candidates: Mapping[str, Callable[[], Round]], rounds: int, unit: str) -> list[Measure]:
    """Every candidate once, then every one once more, and so on; in turn forwards and backwards."""
    taken: dict[str, list[Round]] = {name: [] for name in candidates}
    for turn in range(rounds):
        order = list(candidates) if turn % 2 == 0 else list(reversed(candidates))
        for name in order:
            taken[name].append(candidates[name]())
    return [summed(name, unit, found) for name, found in taken.items()]


def summed(name: str, unit: str, found: Sequence[Round]) -> Measure:
    """The rounds of one candidate together."""
    values = [one["value"] for one in found]
    counted = {
        key: statistics.median(one[key] for one in found if key in one) for key in {k for f in found for k in f}
    }
    return Measure(
        name,
        unit,
        len(values),
        statistics.median(values),
        min(values),
        max(values),
        counted.get("p50_ms"),
        counted.get("p99_ms"),
        {key: counted[key] for key in sorted(counted.keys() - NAMED)},
    )
