"""Pushes whose time is up: what they said is erased, and what people wrote of them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from dispatch.audit import AuditEntry
from dispatch.tracking.push import Push, subject_of
from dispatch.worklist import Entry


def forget_pushes(session: Session, before: datetime, most: int) -> int:
    """Erase what pushes said that were read before then, oldest first; how many.

    The row stays, with its digest: the same bytes are the same push however late they are told again.
    """
    old = select(Push.id).where(Push.raw.is_not(None), Push.read_at < before).order_by(Push.read_at).limit(most)
    erased = update(Push).where(Push.id.in_(old.scalar_subquery())).values(raw=None, body=None).returning(Push.id)
    gone = [subject_of(push_id) for push_id in session.scalars(erased)]
    _forget_words(session, gone)
    return len(gone)


def _forget_words(session: Session, pushes: Collection[str]) -> None:
    """What people wrote of these pushes, and of the parcels that they alone told of, belongs to no case."""
    told = or_(Entry.subject.in_(pushes), Entry.cause.in_(pushes))
    erased = update(Entry).where(told, Entry.settled_at.is_not(None)).values(detail=None, settlement=None)
    settled = set(session.scalars(erased.returning(Entry.subject)))
    session.execute(update(AuditEntry).where(AuditEntry.subject.in_(settled)).values(detail=None))


def forget_refused(session: Session, before: datetime, most: int) -> int:
    """Erase pushes that were turned away before then, oldest first; how many. They would be turned away again."""
    refused = select(Push.id).where(Push.turned_away.is_not(None), Push.received_at < before)
    old = refused.order_by(Push.received_at).limit(most)
    gone = delete(Push).where(Push.id.in_(old.scalar_subquery())).returning(Push.id)
    return len(session.execute(gone).all())
