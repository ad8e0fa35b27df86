"""The worst time in which work was due and nothing came of it."""

import time
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from dispatch.jobs import Job
from dispatch.world import World


@dataclass
class Standstill:
    """Looked at again and again: what was done since the last look, and whether anything was due."""

    done: int = 0
    since: float = 0.0
    worst: float = 0.0

    def look(self, world: World) -> None:
        """A database that is away is a standstill too."""
        now = time.monotonic()
        self.since = self.since or now
        try:
            with world.reading() as session:
                done = session.scalar(select(func.count()).where(Job.done_at.is_not(None))) or 0
                due = session.scalar(select(func.count()).where(Job.done_at.is_(None), Job.next_at <= func.now()))
        except SQLAlchemyError:
            done, due = self.done, 1
        if done != self.done or not due:
            self.done, self.since = done, now
        self.worst = max(self.worst, now - self.since)
