"""The row is the job; a message is only a doorbell (DESIGN section 3).

A job is left in the transaction that makes it necessary, and claimed by a worker (`lease.py`). Times are the
database's; retries, delays and deadlines live in `next_at`.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from structlog.contextvars import get_contextvars
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.world import BELLS, TOLD

BECAUSE = "because"
"""Key in `Session.info`: over which subjects something is left for a subject."""
A_LINE = 20
"""So many are told in one line of the log: a line for each would cost more than to leave it, and one for all is read
by nobody."""


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


LEAVE = text("""
    INSERT INTO jobs (id, name, subject, next_at, attempts, asked)
    SELECT id, CAST(:name AS text), subject, now() + CAST(:after AS interval), 0, 1
    FROM json_to_recordset(CAST(:jobs AS json)) AS left_now (id uuid, subject text)
    ON CONFLICT (name, subject) WHERE done_at IS NULL
    DO UPDATE SET next_at = least(jobs.next_at, excluded.next_at), asked = jobs.asked + 1
    RETURNING id, subject
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
    if not subjects:
        return
    told = json.dumps([{"id": str(uuid7()), "subject": subject} for subject in subjects])
    left = session.execute(LEAVE, {"jobs": told, "name": name, "after": after})
    if (of := _of_whom.get()) or get_contextvars().keys() & {"request_id", "job_id"}:
        because = session.info.get(BECAUSE, {})
        items = [
            {"job_id": str(row.id), "job": name, "subject": row.subject}
            | (of.who(because.get(row.subject, [row.subject])) if of else {})
            for row in left
        ]
        tell(session, "job.left", "left", items)
    if not after:
        session.info.setdefault(BELLS, set()).add(name)


@dataclass(frozen=True, slots=True)
class OfWhom:
    """Who leaves what is left, where several are served in one transaction: by their subjects, under this name."""

    name: str
    by_subject: Mapping[str, Sequence[str]]

    def who(self, subjects: Iterable[str]) -> dict[str, list[str]]:
        """The ids of those that these subjects stand for."""
        return {self.name: [one for subject in subjects for one in self.by_subject.get(subject, ())]}


_of_whom: ContextVar[OfWhom | None] = ContextVar("of_whom", default=None)


@contextmanager
def on_behalf_of(name: str, by_subject: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Each job that is left in this block is told with whose it is: `name` holds the ids of jobs or requests."""
    before = _of_whom.set(OfWhom(name, by_subject))
    try:
        yield
    finally:
        _of_whom.reset(before)


def because(session: Session, subject: str, of: str) -> None:
    """What is left for a subject in this transaction is left over another one."""
    session.info.setdefault(BECAUSE, {}).setdefault(subject, []).append(of)


def tell(session: Session, event: str, name: str, items: Sequence[Any]) -> None:
    """Lines for the log, so many items in each, written after the commit: so a request is followed to the jobs that
    it left, and a job to the next."""
    lines = [(event, {name: items[first : first + A_LINE]}) for first in range(0, len(items), A_LINE)]
    session.info.setdefault(TOLD, []).extend(lines)


def withdraw(session: Session, name: str, subject: str, *, lane: str) -> None:
    """Nobody need do it any more. One that is worked on at this moment is not touched: its worker sees for itself."""
    mine = (Job.name == on_lane(name, lane), Job.subject == subject, Job.done_at.is_(None))
    free = or_(Job.lease_until.is_(None), Job.lease_until < func.now())
    withdrawn = update(Job).where(*mine, free).values(done_at=func.now(), last_error=None, token=None)
    session.execute(withdrawn.execution_options(synchronize_session=False))


AT_ONCE = {"next_at": func.least(Job.next_at, func.now()), "asked": Job.asked + 1}
"""Due now; and left again, for whoever works on it at this moment."""


def wake(session: Session, kinds: Collection[str], lane: str | None = None) -> None:
    """What was put off with a reason looks again at once: jobs of these kinds, on one lane or on any.

    One that is worked on at this moment, or is about to be, counts as left again: its worker may have seen what holds
    no more, and may be about to put it off.
    """
    kind, at = (func.split_part(Job.name, LANE, part) for part in (1, 2))
    put_off = or_(Job.last_error.is_not(None), Job.next_at <= func.now())
    chosen = [Job.done_at.is_(None), put_off, kind.in_(kinds), *([] if lane is None else [at == lane])]
    query = update(Job).where(*chosen).values(AT_ONCE).returning(Job.name)
    names = session.scalars(query.execution_options(synchronize_session=False)).all()
    session.info.setdefault(BELLS, set()).update(names)


def hurry(session: Session, subject: str) -> int:
    """Every open job of a subject is due at once; how many there are. As `wake`, for one that is worked on now."""
    mine = update(Job).where(Job.subject == subject, Job.done_at.is_(None))
    query = mine.values(AT_ONCE).returning(Job.name).execution_options(synchronize_session=False)
    names = session.scalars(query).all()
    session.info.setdefault(BELLS, set()).update(names)
    return len(names)


def due_names(session: Session) -> list[str]:
    """The names of all jobs that are due and not leased: what the clock rings for."""
    return list(session.scalars(select(Job.name).where(*_due()).distinct()))


def late_jobs(session: Session, beyond: timedelta) -> int:
    """How many have been due for longer than this, and nobody works at them."""
    late = select(func.count()).select_from(Job).where(*_due(), Job.next_at < func.now() - beyond)
    return session.scalar(late) or 0


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
