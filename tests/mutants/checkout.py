"""A copy of the checkout that may be spoilt: one mutant at a time, and its tests run in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.external import NAMED_BY
from tests.mutants.table import Edit, Mutant

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".zhuandi", "__pycache__", ".*_cache", ".hypothesis", ".import_linter*"
)
LIMIT_SECONDS = 600
BY_ASSERTION = ("assert", "AssertionError", "Failed:")
"""How a failure begins that a test has found: an assertion, or an error that was awaited and did not come."""


class RottenError(Exception):
    """The table does not fit the code any more."""


class Verdict(StrEnum):
    """What the tests said of a mutant."""

    RED = "red"
    SURVIVED = "survived"
    BROKEN = "broken"  # nothing ran, or it failed otherwise than by an assertion


@dataclass(frozen=True)
class Seen:
    """One run of tests: how many ran, the first words of each that failed, and what was not even begun."""

    ran: int
    failures: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        if self.ran and not self.failures and not self.errors:
            return Verdict.SURVIVED
        found = [words for words in self.failures if words.startswith(BY_ASSERTION)]
        return Verdict.RED if found and not self.errors else Verdict.BROKEN


@dataclass(frozen=True)
class Checkout:
    """The copy, and the database server that all its tests share."""

    path: Path
    server_url: str

    @contextmanager
    def without(self, mutant: Mutant) -> Iterator[None]:
        """What the mutant takes out is out, until the end of the block."""
        whole = {edit.file: (self.path / edit.file).read_text() for edit in mutant.edits}
        try:
            for edit in mutant.edits:
                file = self.path / edit.file
                file.write_text(spoilt(file.read_text(), edit))
            yield
        finally:
            for name, words in whole.items():
                (self.path / name).write_text(words)

    def run(self, tests: Sequence[str]) -> Seen:
        """These tests, in a process of their own. Raises RottenError where one of them does not exist."""
        report = self.path / "mutants.xml"
        report.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHUANDI_")}
        environment |= {
            NAMED_BY: self.server_url,
            "PYTHONPATH": str(self.path),
            "PYTHONDONTWRITEBYTECODE": "1",  # or a file spoilt within its second would be taken for the whole one
        }
        command = ["pytest", "-q", "-p", "tests.mutants.witness", f"--junit-xml={report}", *tests]
        try:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=self.path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_SECONDS,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return Seen(0, (), (f"no end within {LIMIT_SECONDS} s",))
        if done.returncode not in {0, 1} or not report.exists():
            raise RottenError(done.stdout[-2000:])
        return _read(report)


def copied(folder: Path, server_url: str) -> Checkout:
    """The checkout once more, without what it would make itself."""
    place = folder / "checkout"
    shutil.copytree(ROOT, place, ignore=LEFT_OUT)
    return Checkout(place, server_url)


def spoilt(words: str, edit: Edit) -> str:
    """The file without the piece. Raises RottenError where that does not stand in it exactly once."""
    if (count := words.count(edit.text)) != 1:
        raise RottenError(f"{edit.file} holds {count} times: {edit.text}")
    return words.replace(edit.text, edit.instead)


def _read(report: Path) -> Seen:
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest's own words
    ran, failures, errors = 0, [], []
    for case in cases:
        ran += case.find("skipped") is None
        failures += [one.get("message", "") for one in case.findall("failure")]
        errors += [one.get("message", "") for one in case.findall("error")]
    return Seen(ran, tuple(failures), tuple(errors))
