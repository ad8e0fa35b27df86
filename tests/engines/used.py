"""The closing lines of a run: the engines that its tests were on, and what to start for those that were left out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.external import NoServerError, find_server

EXTERNAL, EMBEDDED = "external PostgreSQL", "embedded PostgreSQL"
OUTPUT = "engines"
"""Where a process of a shared run leaves its part."""


@dataclass
class Engines:
    """By its name: the version of each that was used, and how to get each that could not be started."""

    used: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Nothing where no test needed any."""
        if self.used:
            yield "engines used: " + ", ".join(f"{name} {version}" for name, version in sorted(self.used.items()))
        if EMBEDDED in self.used:
            yield _external()
        for name, remedy in sorted(self.left_out.items()):
            yield f"{name} is not installed, its tests were left out: {remedy}"


ENGINES = Engines()
"""Of this process."""


def _external() -> str:
    try:
        _, version = find_server()
    except NoServerError as reason:
        return f"{EXTERNAL} was not used: {reason}"
    return f"{EXTERNAL} {version // 10_000} answers on this machine: `make external` is on it"


class ClosingLines:
    """A plugin: what each process of a shared run has used is told once, at the end."""

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[OUTPUT] = (ENGINES.used, ENGINES.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        used, left_out = getattr(node, "workeroutput", {}).get(OUTPUT, ({}, {}))
        ENGINES.used.update(used)
        ENGINES.left_out.update(left_out)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in ENGINES.lines():
            terminalreporter.write_line(line)
