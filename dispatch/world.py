"""What is injected into every room, as one frozen thing. `wiring.py` makes it; tests make their own."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.orm import Session, sessionmaker

from dispatch.carrier import Carrier, Door
from dispatch.crash import Deed, Point, reach
from dispatch.errors import NotFoundError
from dispatch.identity import IdentityService
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault

log = structlog.get_logger()
BELLS = "bells"
"""Key in `Session.info`: the names of jobs left in this transaction, to be rung after its commit."""
TOLD = "told"
"""Key in `Session.info`: lines for the log, event and fields of each, to be written once they are true."""

GONE = "设置里已没有寄递企业“{}”的账号。请恢复账号，或把邮件改由别家寄递。"


class Bell(Protocol):
    """Rings workers awake. Best effort: the row is the job, and the clock rings again."""

    def ring(self, names: Collection[str]) -> None:
        """Ring once for each name; never raises."""

    def answers(self) -> bool:
        """Whether the broker is there, as far as this process knows; never waits."""


@dataclass(frozen=True)
class World:
    """Time, database, keys, posts, type and settings."""

    settings: Settings
    sessions: sessionmaker[Session]
    vault: Vault
    carriers: Mapping[str, Carrier]
    trackers: Mapping[str, Door]
    typefaces: Typefaces
    bell: Bell
    now: Callable[[], datetime]
    identity: IdentityService | None = None

    def door(self, name: str) -> Door | None:
        """Whoever may push under this name: a carrier, or a tracker."""
        return self.carriers.get(name) or self.trackers.get(name)

    def carrier(self, name: str) -> Carrier:
        """The carrier of an envelope. Raises NotFoundError where the settings do not name it any more."""
        found = self.carriers.get(name)
        if found is None:
            raise NotFoundError(GONE.format(name))
        return found

    def title(self, name: str) -> str:
        """A carrier's name on paper and on the screen; its word in our tables where its account is gone."""
        found = self.carriers.get(name)
        return found.title if found is not None else name

    @contextmanager
    def begin(self, deed: Deed | None = None) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back on an error; then the bells ring.

        `deed` names what is no job's own outcome: tests kill a process on both sides of its commit.
        """
        with self.sessions.begin() as session:
            yield session
            if deed is not None:
                reach(Point.WRITTEN, deed)
        if deed is not None:
            reach(Point.COMMITTED, deed)
        for event, told in session.info.pop(TOLD, ()):
            log.info(event, **told)
        reach(Point.UNRUNG)
        if names := session.info.pop(BELLS, None):
            self.bell.ring(names)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking only: what it loaded stays readable after the block."""
        with self.sessions() as session:
            yield session
