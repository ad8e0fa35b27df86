"""What was asked of the service, and what it said: each operation invoked, and then ok, failed or unknown."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO


class Outcome(StrEnum):
    """What the asker knows: it was done; it was not done; nothing is known (a broken connection, a 503)."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass
class Operation:
    """One question to the service. Until its outcome is known it is unknown. `said`: what it answered, in a word."""

    kind: str
    key: str
    outcome: Outcome = Outcome.UNKNOWN
    said: str = ""


@dataclass
class History:
    """Every operation, written to a file before it begins and when it has ended."""

    file: Path
    operations: list[Operation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def of(self, kind: str, key: str) -> Iterator[Operation]:
        """One operation: the block says how it ended, or leaves it unknown."""
        operation = Operation(kind, key)
        with self._lock:
            number = len(self.operations)
            self.operations.append(operation)
        self._write(number, operation, "invoked")
        try:
            yield operation
        finally:
            self._write(number, operation, operation.outcome)

    def keys(self, kind: str, outcome: Outcome) -> set[str]:
        """What was asked for in operations of this kind that ended so."""
        with self._lock:
            return {one.key for one in self.operations if one.kind == kind and one.outcome is outcome}

    def of_kind(self, kind: str) -> list[Operation]:
        """Those of this kind, in the order in which they began."""
        with self._lock:
            return [one for one in self.operations if one.kind == kind]

    def counts(self) -> dict[str, int]:
        """How many operations of each kind ended how."""
        with self._lock:
            return dict(sorted(Counter(f"{one.kind} {one.outcome}" for one in self.operations).items()))

    def _write(self, number: int, operation: Operation, what: str) -> None:
        line = {"at": round(time.time(), 3), "operation": number, "kind": operation.kind, "key": operation.key}
        line |= {"said": operation.said} if operation.said else {}
        with self._lock, self._open() as out:
            out.write(json.dumps(line | {"is": what}) + "\n")

    def _open(self) -> IO[str]:
        return self.file.open("a")
