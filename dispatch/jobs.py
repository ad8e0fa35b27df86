"""The row is the job; a message is only a doorbell (DESIGN section 3).

A job is left in the transaction that makes it necessary. Workers claim due rows with a lease and a fencing token on
the database's clock, and write their outcome and «done» in one transaction that checks the token. Retries, delays
and deadlines live in `next_at`.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, ForeignKey, Index, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from structlog.contextvars import get_contextvars
from uuid_utils.compat import uuid7

from dispatch.crash import Point, reach
from dispatch.db import Base, RowId
from dispatch.errors import LeaseLostError
from dispatch.world import BELLS, World

log = structlog.get_logger()


class Job(Base):
    """One open piece of work at most for each (name, subject)."""

    __tablename__ = "jobs"

    id: Mapped[RowId]
    name: Mapped[str]
    subject: Mapped[str]
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=1)  # how often it was left while open
    abandoned: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # claims in a row without an outcome
    lease_until: Mapped[datetime | None]
    token: Mapped[UUID | None]
    last_error: Mapped[bytes | None]  # sealed
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_jobs_open", "name", "subject", unique=True, postgresql_where=text("done_at IS NULL")),
        Index("ix_jobs_due", "next_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_jobs_due_by_name", "name", "next_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_jobs_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )


class JobFailure(Base):
    """The history of a job that did not go well, kept for the clerk's eyes."""

    __tablename__ = "job_failures"

    id: Mapped[RowId]
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    words: Mapped[bytes]  # sealed


class Beat(Base):
    """A heartbeat, on the database's clock: whoever watches the watchers looks here."""

    __tablename__ = "beats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


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
        """The outcome and «done» in one transaction. Raises LeaseLostError if the job is no longer ours.

        If somebody left the job again while it was worked on, it stays open and runs once more: what they left it
        for may have come too late to be seen.
        """
        with self._outcome() as session:
            yield session
            if self._asked_again(session):
                self._write(session, next_at=func.now(), attempts=0)
                session.info.setdefault(BELLS, set()).add(self.name)
            else:
                self._write(session, done_at=func.now(), last_error=None)

    def postpone(self, wait: timedelta, words: str) -> None:
        """Not now, and why: nothing was done, so it counts as no attempt."""
        with self._outcome() as session:
            self._write(session, next_at=func.now() + wait, attempts=Job.attempts - 1)
            self.world.vault.seal(session.get_one(Job, self.id), "last_error", words)

    @contextmanager
    def later(self, wait: timedelta) -> Iterator[Session]:
        """The outcome so far, and the job comes back after `wait` (no failure); at once if it was left meanwhile."""
        with self._outcome() as session:
            yield session
            again = self._asked_again(session)
            self._write(session, next_at=func.now() if again else func.now() + wait, attempts=0, last_error=None)
            if again:
                session.info.setdefault(BELLS, set()).add(self.name)

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
            if self._asked_again(session):
                self._write(session, next_at=func.now() + self._wait())
            else:
                self._write(session, done_at=func.now())
            self._write_down(session, words)

    @contextmanager
    def _outcome(self) -> Iterator[Session]:
        """The one transaction that ends this claim."""
        with self.world.begin() as session:
            yield session
            reach(Point.OUTCOME_WRITTEN, kind_of(self.name))
        reach(Point.OUTCOME_COMMITTED, kind_of(self.name))

    def _write_down(self, session: Session, words: str) -> None:
        self.world.vault.seal(session.get_one(Job, self.id), "last_error", words)
        failure = JobFailure(id=uuid7(), job_id=self.id, attempt=self.attempts)
        self.world.vault.seal(failure, "words", words)
        session.add(failure)

    def _wait(self) -> timedelta:
        settings = self.world.settings
        doubled: int = 2 ** min(self.attempts - 1, 16)
        return min(settings.job_retry_cap, settings.job_retry_first * doubled)

    def _asked_again(self, session: Session) -> bool:
        return session.scalar(select(Job.asked).where(Job.id == self.id).with_for_update()) != self.asked

    def _write(self, session: Session, *, abandoned: object = 0, **values: object) -> None:
        written = session.execute(
            update(Job)
            .where(Job.id == self.id, Job.token == self.token)
            .values(lease_until=None, token=None, abandoned=abandoned, **values)
            .execution_options(synchronize_session=False)
            .returning(Job.id)
        ).scalar()
        if written is None:
            raise LeaseLostError(f"任务 {self.name}（{self.subject}）已由另一个工作进程接手，本次结果不写入。")


LEAVE = text("""
    INSERT INTO jobs (id, name, subject, next_at, attempts, asked)
    SELECT id, CAST(:name AS text), subject, now() + CAST(:after AS interval), 0, 1
    FROM json_to_recordset(CAST(:jobs AS json)) AS left_now (id uuid, subject text)
    ON CONFLICT (name, subject) WHERE done_at IS NULL
    DO UPDATE SET next_at = least(jobs.next_at, excluded.next_at), asked = jobs.asked + 1
""")

LANE = "@"


def on_lane(name: str, lane: str) -> str:
    """A job that speaks to a carrier is named with it: each carrier has workers of its own, so none slows another."""
    return f"{name}{LANE}{lane}"


def kind_of(name: str) -> str:
    """The kind of work, without the carrier."""
    return name.partition(LANE)[0]


def lane_of(name: str) -> str:
    """The carrier that a job speaks to; empty for work that stays in the house."""
    return name.partition(LANE)[2]


def leave(session: Session, name: str, subject: str, *, lane: str = "", after: timedelta = timedelta(0)) -> None:
    """Leave a job: due after `after` on the database's clock. If it is open already, the earlier time holds."""
    name = on_lane(name, lane) if lane else name
    leave_all(session, name, [subject], after=after)


def leave_all(session: Session, name: str, subjects: Sequence[str], *, after: timedelta = timedelta(0)) -> None:
    """Leave a job of this name for each subject (none twice), in one statement. What is open already: as `leave`."""
    told = json.dumps([{"id": str(uuid7()), "subject": subject} for subject in subjects])
    session.execute(LEAVE, {"jobs": told, "name": name, "after": after})
    if get_contextvars().get("request_id"):  # so a request is followed to the jobs that it left, by their subject
        for subject in subjects:
            log.info("job.left", job=name, subject=subject)
    if not after:
        session.info.setdefault(BELLS, set()).add(name)


def withdraw(session: Session, name: str, subject: str, *, lane: str) -> None:
    """Nobody need do it any more. One that is worked on at this moment is not touched: its worker sees for itself."""
    mine = (Job.name == on_lane(name, lane), Job.subject == subject, Job.done_at.is_(None))
    free = or_(Job.lease_until.is_(None), Job.lease_until < func.now())
    withdrawn = update(Job).where(*mine, free).values(done_at=func.now(), last_error=None, token=None)
    session.execute(withdrawn.execution_options(synchronize_session=False))


def wake(session: Session, kinds: Collection[str], lane: str | None = None) -> None:
    """What was put off with a reason looks again at once: jobs of these kinds, on one lane or on any."""
    kind, at = (func.split_part(Job.name, LANE, part) for part in (1, 2))
    put_off = (Job.done_at.is_(None), Job.last_error.is_not(None), Job.next_at > func.now(), kind.in_(kinds))
    chosen = put_off if lane is None else (*put_off, at == lane)
    woken = update(Job).where(*chosen).values(next_at=func.now()).returning(Job.name)
    names = session.scalars(woken.execution_options(synchronize_session=False)).all()
    session.info.setdefault(BELLS, set()).update(names)


def claim(world: World, name: str, most: int) -> list[Claim]:
    """Claim up to `most` due jobs of this name: lease and token are written and committed before any work.

    One that was abandoned is claimed alone: if it was what ended its worker, no other ends with it again.
    """
    until = _uptime() + world.settings.job_lease.total_seconds()
    with world.sessions.begin() as session:
        due = (
            select(Job.id, Job.lease_until.is_not(None).label("abandoned"))
            .where(Job.name == name, *_due())
            .order_by(Job.next_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        found = session.execute(due).all()
        if not found:
            return []
        alone = found[0].abandoned
        chosen = [row.id for row in found if not row.abandoned] if not alone else [found[0].id]
        rows = session.execute(
            update(Job)
            .where(Job.id.in_(chosen))
            .values(
                lease_until=func.now() + world.settings.job_lease,
                token=func.gen_random_uuid(),
                attempts=Job.attempts + 1,
                abandoned=Job.abandoned + int(alone),
            )
            .execution_options(synchronize_session=False)
            .returning(Job.id, Job.name, Job.subject, Job.attempts, Job.asked, Job.token, Job.abandoned)
        ).all()
        reach(Point.CLAIM_WRITTEN, kind_of(name))
    return [Claim(world, *row[:6], until, row.abandoned) for row in rows]


MOST_URGENT = text("""
    SELECT wanted.name FROM unnest(CAST(:names AS text[]), CAST(:ranks AS int[])) AS wanted (name, rank)
    CROSS JOIN LATERAL (
        SELECT next_at FROM jobs
        WHERE jobs.name = wanted.name AND done_at IS NULL AND next_at <= now()
        AND (lease_until IS NULL OR lease_until < now()) ORDER BY next_at LIMIT 1
    ) AS oldest
    ORDER BY wanted.rank, oldest.next_at LIMIT 1
""")


def most_urgent(world: World, ranks: Mapping[str, int]) -> str | None:
    """Of these names, that of the due job to be done next: of the smallest rank, and then due for the longest."""
    with world.sessions() as session:
        told = {"names": list(ranks), "ranks": list(ranks.values())}
        name: str | None = session.scalar(MOST_URGENT, told)
    return name


def _uptime() -> float:
    """Seconds that a frozen process and a sleeping machine count too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def due_names(session: Session) -> list[str]:
    """The names of all jobs that are due and not leased: what the clock rings for."""
    return list(session.scalars(select(Job.name).where(*_due()).distinct()))


def open_lanes(session: Session) -> set[str]:
    """The carriers that open jobs speak to, due or not."""
    lane = func.split_part(Job.name, LANE, 2)
    return set(session.scalars(select(lane).where(Job.done_at.is_(None), lane != "").distinct()))


def next_due(session: Session) -> timedelta | None:
    """How long until the next open job falls due or its lease ends; None if nothing is open."""
    ready = func.greatest(Job.next_at, func.coalesce(Job.lease_until, Job.next_at))
    wait: timedelta | None = session.scalar(select(func.min(ready) - func.now()).where(Job.done_at.is_(None)))
    return wait


def forget_jobs(session: Session, before: datetime, most: int) -> int:
    """Erase jobs that were done before then, oldest first, with what is written down of them; how many."""
    old = select(Job.id).where(Job.done_at < before).order_by(Job.done_at).limit(most)
    gone = delete(Job).where(Job.id.in_(old.scalar_subquery())).returning(Job.id)
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def forget_failures(session: Session, before: datetime, most: int) -> int:
    """Erase what went wrong before then, oldest first, with jobs that are still open too; how many."""
    old = select(JobFailure.id).where(JobFailure.at < before).order_by(JobFailure.at).limit(most)
    gone = delete(JobFailure).where(JobFailure.id.in_(old.scalar_subquery())).returning(JobFailure.id)
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def beat(session: Session, name: str) -> None:
    """This part of the service is alive."""
    alive = insert(Beat).values(name=name, at=func.now())
    session.execute(alive.on_conflict_do_update(index_elements=["name"], set_={"at": func.now()}))


def _due() -> tuple[ColumnElement[bool], ...]:
    free = or_(Job.lease_until.is_(None), Job.lease_until < func.now())
    return (Job.done_at.is_(None), Job.next_at <= func.now(), free)
