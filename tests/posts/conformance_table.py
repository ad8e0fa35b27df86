"""`make conformance`: runs the contract and prints a table, case by adapter; every cell `pass` or a reason."""

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SUITE = Path(__file__).with_name("test_conformance.py")
PASS, FAIL, MISSING = "pass", "FAIL", "not run"
RUN = frozenset({PASS, FAIL, MISSING})
EXPLAINED = "({})"
"""A case that does not apply, by the number of its reason."""


class Cell(NamedTuple):
    """One case of one part of the contract, at one adapter; all empty for a test that is no cell."""

    part: str
    case: str
    adapter: str


class Results:
    """What became of each cell, as pytest tells it."""

    def __init__(self) -> None:
        self.cells: dict[Cell, str] = {}  # in the order of the table; a word of `RUN`, or why it does not apply
        self.titles: dict[str, str] = {}  # of adapters
        self.faults: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        found = [cell for item in session.items if all(cell := _cell(item.nodeid))]
        cases, adapters = dict.fromkeys(cell[:2] for cell in found), dict.fromkeys(cell.adapter for cell in found)
        self.cells = {Cell(*case, adapter): MISSING for case in cases for adapter in adapters}
        self.titles = {name: adapter.title for item in session.items for name, adapter in item.module.BENCHES.items()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cell = _cell(report.nodeid)
        if report.failed:
            self.faults.append(f"{report.nodeid.rpartition('::')[2]} ({report.when})\n{report.longreprtext}")
        if not all(cell):
            return
        if report.failed:
            self.cells[cell] = FAIL
        elif report.skipped:
            self.cells[cell] = report.longrepr[2].removeprefix("Skipped: ")
        elif report.when == "call":
            self.cells[cell] = PASS

    @property
    def reasons(self) -> dict[str, str]:
        """Why cases do not apply, each with what stands for it in the table."""
        told = dict.fromkeys(word for word in self.cells.values() if word not in RUN)
        return {reason: EXPLAINED.format(number) for number, reason in enumerate(told, 1)}


def _cell(nodeid: str) -> Cell:
    titled, _, adapter = nodeid.partition("[")[2].removesuffix("]").rpartition("-")
    part, _, case = titled.partition("/")
    return Cell(part, case, adapter)


def table(results: Results) -> str:
    """Cases down, under the heads of the contract's parts; adapters across; the reasons below."""
    adapters, reasons = list(dict.fromkeys(cell.adapter for cell in results.cells)), results.reasons
    first = max(len(_title(cell.case)) for cell in results.cells)
    widths = [max(len(name), len(MISSING)) for name in adapters]
    rule = "-+-".join(("-" * first, *("-" * width for width in widths)))
    lines = [*(f"{name:9} {results.titles[name]}" for name in adapters), "", _row(" " * first, adapters, widths)]
    for part, cells in itertools.groupby(results.cells, key=lambda cell: cell.part):
        lines += [rule, part.upper()]
        for case, row in itertools.groupby(cells, key=lambda cell: cell.case):
            told = [reasons.get(results.cells[cell], results.cells[cell]) for cell in row]
            lines.append(_row(_title(case).ljust(first), told, widths))
    return "\n".join((*lines, rule, "", *_notes(results)))


def _row(title: str, cells: list[str], widths: list[int]) -> str:
    told = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return " | ".join((title, *told)).rstrip()


def _title(case: str) -> str:
    return case.replace("_", " ")


def _notes(results: Results) -> Iterator[str]:
    if results.reasons:
        yield "Why a case does not apply; each reason was checked at the adapter and at its sandbox:"
    for reason, mark in results.reasons.items():
        yield f"{mark:>5} {reason}"


def counts(results: Results) -> str:
    """The closing line."""
    found = Counter(results.cells.values())
    explained = len(results.cells) - sum(found[word] for word in RUN)
    cases, adapters = ({getattr(cell, side) for cell in results.cells} for side in ("case", "adapter"))
    return (
        f"{len(cases)} cases x {len(adapters)} columns = {len(results.cells)} cells: {found[PASS]} pass, "
        f"{explained} do not apply for {len(results.reasons)} checked reasons, "
        f"{found[FAIL]} failed, {found[MISSING]} not run"
    )


def main() -> int:
    """The exit status: 0 only where every cell passed or says why it does not apply."""
    results = Results()
    status = pytest.main([str(SUITE), "-p", "no:terminal"], plugins=[results])
    if not results.cells:
        return 1
    print(*results.faults, table(results), counts(results), sep="\n\n")
    failed = {FAIL, MISSING}.intersection(results.cells.values())
    return 1 if failed or status != pytest.ExitCode.OK else 0


if __name__ == "__main__":
    sys.exit(main())
