"""`make conformance`: runs the contract and prints a table, case by adapter; every cell `pass` or a reason."""

import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("test_conformance.py")
PASS, FAIL, MISSING = "pass", "FAIL", "not run"


class Results:
    """What became of each cell, as pytest tells it."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], str] = {}  # by adapter and case
        self.reasons: list[str] = []
        self.faults: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.cells = {cell: MISSING for item in session.items if all(cell := _cell(item.nodeid))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cell = _cell(report.nodeid)
        if report.failed:
            self.faults.append(f"{report.nodeid.rpartition('::')[2]} ({report.when})\n{report.longreprtext}")
            self.cells[cell] = FAIL
        elif report.skipped:
            self.cells[cell] = self._footnote(report.longrepr[2].removeprefix("Skipped: "))
        elif report.when == "call" and all(cell):
            self.cells[cell] = PASS

    def _footnote(self, reason: str) -> str:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return str(self.reasons.index(reason) + 1)


def _cell(nodeid: str) -> tuple[str, str]:
    """Adapter and case; empty for a test that is no cell."""
    adapter, _, case = nodeid.partition("[")[2].removesuffix("]").partition("-")
    return adapter, case


def table(results: Results) -> str:
    """Cases down, adapters across, the reasons below."""
    adapters, cases = (list(dict.fromkeys(cell[side] for cell in results.cells)) for side in (0, 1))
    titles = {case: case.replace("_", " ") for case in cases}
    first = max(map(len, titles.values()))
    widths = {name: max(len(name), len(MISSING)) for name in adapters}
    lines = [" | ".join((" " * first, *(name.ljust(widths[name]) for name in adapters)))]
    lines.append("-+-".join(("-" * first, *("-" * width for width in widths.values()))))
    for case, title in titles.items():
        cells = (results.cells.get((name, case), MISSING).ljust(widths[name]) for name in adapters)
        lines.append(" | ".join((title.ljust(first), *cells)).rstrip())
    notes = (f"{number:2}  {reason}" for number, reason in enumerate(results.reasons, 1))
    return "\n".join((*lines, "", *notes))


def main() -> int:
    """The exit status: 0 only where every cell passed or says why it does not apply."""
    results = Results()
    status = pytest.main([str(SUITE), "-p", "no:terminal"], plugins=[results])
    if not results.cells:
        return 1
    print(*results.faults, table(results), sep="\n\n")
    failed = {FAIL, MISSING}.intersection(results.cells.values())
    return 1 if failed or status != pytest.ExitCode.OK else 0


if __name__ == "__main__":
    sys.exit(main())
