"""Charts as numbers that a template draws as SVG: bars that lie, and lines by day. The table stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, ROW, LABEL, VALUE = 640, 26, 190, 90
TALL, LEFT, BOTTOM = 180, 36, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar that lies, with its words. In units of the drawing."""

    y: int
    width: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars."""

    width: int
    height: int
    left: int
    bars: Sequence[Bar]


def bars(rows: Sequence[tuple[str, float, str]], most: float | None = None) -> Bars:
    """Rows of label, number and the number in words. `most`: the number of a full bar; else the greatest."""
    full = most or max((number for _, number, _ in rows), default=0) or 1
    room = WIDTH - LABEL - VALUE
    drawn = [
        Bar(place * ROW, round(room * number / full, 1), label, words)
        for place, (label, number, words) in enumerate(rows)
    ]
    return Bars(WIDTH, max(ROW, ROW * len(rows)), LABEL, drawn)


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines by day. `paths`: name and points of each; `steps`: height and word of each level."""

    width: int
    height: int
    left: int
    paths: Sequence[tuple[str, str]]
    steps: Sequence[tuple[float, str]]
    days: Sequence[tuple[float, str]]


def lines(labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> Lines:
    """One line for each series; every fifth label is written."""
    top = max((max(numbers, default=0) for _, numbers in series), default=0) or 1
    gap = (WIDTH - LEFT - 10) / max(1, len(labels) - 1)

    def x(place: int) -> float:
        return round(LEFT + gap * place, 1)

    def y(number: float) -> float:
        return round(8 + (TALL - BOTTOM - 8) * (1 - number / top), 1)

    paths = [(name, " ".join(f"{x(at)},{y(one)}" for at, one in enumerate(numbers))) for name, numbers in series]
    steps = [(y(number), str(number)) for number in sorted({0, top // 2, top})]
    days = [(x(at), label) for at, label in enumerate(labels) if at % 5 == 0]
    return Lines(WIDTH, TALL, LEFT, paths, steps, days)
