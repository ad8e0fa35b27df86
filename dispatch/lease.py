"""A job in our hands: claimed with a lease and a fencing token, ended by one outcome that checks the token.

Lease and token stand on the database's clock (DESIGN section 3). Retries, delays and deadlines live in `next_at`.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, text, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch.crash import Point, reach
from dispatch.errors import LeaseLostError
from dispatch.jobs import Job, JobFailure, kind_of
from dispatch.world import BELLS, World


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in our hands until the lease ends. Exactly one of its methods takes the outcome.

    `abandoned`: so many workers in a row had it before and wrote none, because they were killed or frozen.
    """

    world: World = field(repr=False)
    id: UUID
    name: str
    subject: str
    attempts: int
    asked: int
    token: UUID | None
    until: float = field(repr=False)  # on this machine's clock of uptime, and surely not later than the lease
    abandoned: int = 0

    def may_speak(self) -> bool:
        """Whether enough of the lease is left for a call: another may be working on it by the time of the answer.

        A worker that was frozen finds here that its time is over (settings: no call outlasts half a lease).
        """
        return self.until - _uptime() > self.world.settings.job_lease.total_seconds() / 2

    @contextmanager
    def done(self) -> Iterator[Session]:
        """The outcome and «done» in one transaction (see `done_together`)."""
        with done_together(self.world, self.name, [self]) as session:
            yield session

    def postpone(self, wait: timedelta, words: str) -> None:
        """Not now, and why: nothing was done, so it counts as no attempt. At once if it was left meanwhile."""
        with self._outcome() as session:
            next_at = self._unless_asked_again(func.now() + wait, func.now())
            self._write(session, next_at=next_at, attempts=Job.attempts - 1)
            self.world.vault.seal(session.get_one(Job, self.id), "last_error", words)

    @contextmanager
    def later(self, wait: timedelta) -> Iterator[Session]:
        """The outcome so far, and the job comes back after `wait` (no failure); at once if it was left meanwhile."""
        with self._outcome() as session:
            yield session
            next_at = self._unless_asked_again(func.now() + wait, func.now())
            self._write(session, next_at=next_at, attempts=0, last_error=None)

    @contextmanager
    def failed(
        self,
        words: str,
        retry_after: timedelta | None = None,
        *,
        at_least: timedelta = timedelta(0),
        counts: bool = True,
    ) -> Iterator[Session]:
        """The outcome of a failure: written down in words, and the job goes on by itself after a growing wait.

        One that does not count is no attempt: it says nothing of this job.
        """
        with self._outcome() as session:
            yield session
            attempts = Job.attempts if counts else Job.attempts - 1
            wait = max(retry_after or self._wait(), at_least)
            self._write(session, next_at=func.now() + wait, attempts=attempts)
            self._write_down(session, words)

    @contextmanager
    def put_off(self, wait: timedelta, words: str) -> Iterator[Session]:
        """Nobody works on what ended its workers: after `wait` one more may try."""
        with self._outcome() as session:
            yield session
            self._write(session, next_at=func.now() + wait, abandoned=Job.abandoned - 1)
            self._write_down(session, words)

    @contextmanager
    def given_up(self, words: str) -> Iterator[Session]:
        """The outcome of a failure after which nobody tries again, unless the job was left again meanwhile."""
        with self._outcome() as session:
            yield session
            self._write(
                session,
                done_at=self._unless_asked_again(func.now(), None),
                next_at=self._unless_asked_again(Job.next_at, func.now() + self._wait()),
            )
            self._write_down(session, words)

    @contextmanager
    def _outcome(self) -> Iterator[Session]:
        """The one transaction that ends this claim."""
        with _outcome(self.world, self.name) as session:
            yield session

    def _write_down(self, session: Session, words: str) -> None:
        self.world.vault.seal(session.get_one(Job, self.id), "last_error", words)
        failure = JobFailure(id=uuid7(), job_id=self.id, attempt=self.attempts)
        self.world.vault.seal(failure, "words", words)
        session.add(failure)

    def _wait(self) -> timedelta:
        settings = self.world.settings
        doubled: int = 2 ** min(self.attempts - 1, 16)
        return min(settings.job_retry_cap, settings.job_retry_first * doubled)

    def _unless_asked_again(self, value: object, otherwise: object) -> ColumnElement[object]:
        """As a value of the outcome, so that the row decides it in the moment in which it is written."""
        return case((Job.asked == self.asked, value), else_=otherwise)

    def _write(self, session: Session, *, abandoned: object = 0, **values: object) -> None:
        """The outcome, if the job is still ours. What was left again meanwhile is due once more: a bell rings."""
        asked = session.execute(
            update(Job)
            .where(Job.id == self.id, Job.token == self.token)
            .values(lease_until=None, token=None, abandoned=abandoned, **values)
            .execution_options(synchronize_session=False)
            .returning(Job.asked)
        ).scalar()
        if asked is None:
            raise _lost(self)
        if asked != self.asked:
            session.info.setdefault(BELLS, set()).add(self.name)


@contextmanager
def _outcome(world: World, name: str) -> Iterator[Session]:
    with world.begin() as session:
        yield session
        reach(Point.OUTCOME_WRITTEN, kind_of(name))
    reach(Point.OUTCOME_COMMITTED, kind_of(name))


def _lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(f"任务 {claim.name}（{claim.subject}）已由另一个工作进程接手，本次结果不写入。")


DONE = text("""
    UPDATE jobs SET lease_until = NULL, token = NULL, abandoned = 0, last_error = NULL,
        done_at = CASE WHEN jobs.asked = mine.asked THEN now() END,
        next_at = CASE WHEN jobs.asked = mine.asked THEN jobs.next_at ELSE now() END,
        attempts = CASE WHEN jobs.asked = mine.asked THEN jobs.attempts ELSE 0 END
    FROM json_to_recordset(CAST(:mine AS json)) AS mine (id uuid, token uuid, asked int)
    WHERE jobs.id = mine.id AND jobs.token = mine.token
    RETURNING jobs.id, jobs.asked <> mine.asked AS again
""")


@contextmanager
def done_together(world: World, name: str, claims: Sequence[Claim]) -> Iterator[Session]:
    """The outcomes of jobs of one name, and «done» in one transaction: all, or none where it raises.

    `claims`: those that are done when the block ends. Raises LeaseLostError if one of them is no longer ours. One
    that somebody left again while it was worked on stays open and runs once more: what they left it for may have come
    too late to be seen.
    """
    with _outcome(world, name) as session:
        yield session
        session.flush()
        mine = [{"id": str(one.id), "token": str(one.token), "asked": one.asked} for one in claims]
        ended = {row.id: row.again for row in session.execute(DONE, {"mine": json.dumps(mine)})}
        for one in claims:
            if one.id not in ended:
                raise _lost(one)
        if any(ended.values()):
            session.info.setdefault(BELLS, set()).add(name)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How jobs of one name are claimed: those of a smaller rank first, and so many at once."""

    rank: int = 0
    at_once: int = 1


CLAIM = text("""
    WITH urgent AS (
        SELECT wanted.name, wanted.at_once
        FROM unnest(CAST(:names AS text[]), CAST(:ranks AS int[]), CAST(:at_once AS int[]))
            AS wanted (name, rank, at_once)
        CROSS JOIN LATERAL (
            SELECT next_at FROM jobs
            WHERE jobs.name = wanted.name AND done_at IS NULL AND next_at <= now()
            AND (lease_until IS NULL OR lease_until < now()) ORDER BY next_at LIMIT 1
        ) AS oldest
        ORDER BY wanted.rank, oldest.next_at LIMIT 1
    ), free AS (
        SELECT id, next_at, lease_until IS NOT NULL AS abandoned FROM jobs
        WHERE name = (SELECT name FROM urgent) AND done_at IS NULL AND next_at <= now()
        AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_at LIMIT (SELECT at_once FROM urgent) FOR UPDATE SKIP LOCKED
    ), ranked AS (
        SELECT id, abandoned, row_number() OVER oldest AS place, first_value(abandoned) OVER oldest AS alone
        FROM free WINDOW oldest AS (ORDER BY next_at, id)
    ), claimed AS (
        UPDATE jobs SET lease_until = now() + CAST(:lease AS interval), token = gen_random_uuid(),
            attempts = attempts + 1, abandoned = jobs.abandoned + CAST(ranked.abandoned AS int)
        FROM ranked
        WHERE jobs.id = ranked.id AND CASE WHEN alone THEN place = 1 ELSE NOT ranked.abandoned END
        RETURNING jobs.id, jobs.subject, jobs.attempts, jobs.asked, jobs.token, jobs.abandoned
    )
    SELECT urgent.name, claimed.*, urgent.at_once < (
        SELECT count(*) FROM (
            SELECT FROM jobs WHERE jobs.name = urgent.name AND done_at IS NULL AND next_at <= now()
            AND (lease_until IS NULL OR lease_until < now()) LIMIT urgent.at_once + 1
        ) AS due
    ) AS more
    FROM urgent LEFT JOIN claimed ON true
""")
"""Of the names that are wanted the one whose due job comes first, and due jobs of it: one statement, one commit."""


def claim(world: World, name: str, most: int) -> list[Claim]:
    """Claim up to `most` due jobs of this name: lease and token are written and committed before any work.

    One that was abandoned is claimed alone: if it was what ended its worker, no other ends with it again.
    """
    found = claim_next(world, {name: Wanted(at_once=most)})
    return found.claims if found else []


@dataclass(frozen=True, slots=True)
class Found:
    """The name to be done next and claims of it, none where others have in hand what is due; `more` of it are due."""

    name: str
    claims: list[Claim]
    more: bool


def claim_next(world: World, wanted: Mapping[str, Wanted]) -> Found | None:
    """Claim as `claim` does, of the name of the smallest rank that is due for the longest; None: nothing is due."""
    until = _uptime() + world.settings.job_lease.total_seconds()
    told = {
        "names": list(wanted),
        "ranks": [one.rank for one in wanted.values()],
        "at_once": [one.at_once for one in wanted.values()],
        "lease": world.settings.job_lease,
    }
    with world.sessions.begin() as session:
        rows = session.execute(CLAIM, told).all()
        if not rows:
            return None
        name: str = rows[0].name
        claims = [
            Claim(world, row.id, name, row.subject, row.attempts, row.asked, row.token, until, row.abandoned)
            for row in rows
            if row.id is not None
        ]
        if claims:
            reach(Point.CLAIM_WRITTEN, kind_of(name))
    return Found(name, claims, rows[0].more)


def _uptime() -> float:
    """Seconds that a frozen process and a sleeping machine count too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
