"""A process that may die at any of the named points, played within this one: what it had not committed is gone."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dispatch import crash
from dispatch.crash import Point


class DiedError(BaseException):
    """Nothing that catches errors catches this: as when the process is killed, no handler of the service runs on."""


@dataclass
class Mortal:
    """Stands in for what arms a process: dies at the passage of a point that is `left` passages away."""

    left: int
    working: threading.local = field(default_factory=threading.local)

    def passed(self, point: Point, of: str) -> None:
        """One point is reached."""
        self.left -= 1
        if self.left == 0:
            raise DiedError(f"{of}/{point}")


def perhaps_dying(passages: int, work: Callable[[], Any]) -> bool:
    """Whether it lived to the end of the work; with 0 it surely does, and the work's own errors come through."""
    before = crash._armed
    crash._armed = Mortal(passages)  # type: ignore[assignment]
    try:
        work()
    except DiedError:
        return False
    finally:
        crash._armed = before
    return True
