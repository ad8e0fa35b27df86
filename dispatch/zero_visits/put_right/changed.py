"""Two people at one record: a form carries what it was when it was shown; who comes second is told who was first.

The mark is a moment and a digest of what the page stood on. Where that is other by now, nothing is done, and what
happened since is told: who, when, what.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Case, Document, Hold
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Act, View
from dispatch.shipment import Content, Move, Shipment, subject_id
from dispatch.worklist import SYSTEM, WORDS, Entry, Reason
from dispatch.world import World

BETWEEN = "-"
MOST = 5
DIGITS = 16


@dataclass(frozen=True, slots=True)
class Record:
    """What a page stands on: a case with its envelopes, or an entry of the worklist with what it is about."""

    case_id: UUID | None = None
    entry_id: UUID | None = None


def mark(world: World, record: Record) -> str:
    """What this record is now, to be carried by its forms."""
    with world.reading() as session:
        return f"{world.now().timestamp():.6f}{BETWEEN}{_digest(session, record)}"


@contextmanager
def unchanged(world: World, record: Record, shown: str) -> Iterator[None]:
    """Do it only if the record is what was shown; `shown` empty: whoever acts has seen no page.

    Raises ConflictError. What the act itself refuses because somebody was quicker by a moment is told the same way.
    """
    _check(world, record, shown)
    try:
        yield
    except (NotAllowedError, NotFoundError, ConflictError):
        _check(world, record, shown)
        raise


def _check(world: World, record: Record, shown: str) -> None:
    since, _, digest = shown.partition(BETWEEN)
    if not digest:
        return
    with world.reading() as session:
        if digest == _digest(session, record):
            return
        told = _since(session, record, _moment(since))
    happened = "；".join(told) or "内容有改动"
    raise ConflictError(f"您打开之后，这件事有了变化：{happened}。没有重复办理，请看过最新情况再定。")


def _moment(written: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(written), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _digest(session: Session, record: Record) -> str:
    facts = repr([*_entry_facts(session, record), *_case_facts(session, record), *_envelope_facts(session, record)])
    return hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]


def _entry_facts(session: Session, record: Record) -> list[object]:
    if record.entry_id is None:
        return []
    entry = session.get_one(Entry, record.entry_id, populate_existing=True)
    return [entry.owner, entry.settled_at]


def _case_facts(session: Session, record: Record) -> list[object]:
    if (case_id := _case_id(session, record)) is None:
        return []
    case = session.get_one(Case, case_id, populate_existing=True)
    holds = session.scalars(select(Hold.id).where(Hold.case_id == case_id, Hold.lifted_at.is_(None)))
    return [case.paper_ready_at, case.released_at, list(holds)]


def _envelope_facts(session: Session, record: Record) -> list[object]:
    query = select(Shipment.id, Shipment.stage, Shipment.tracked, Shipment.moved_at).order_by(Shipment.id)
    return [tuple(row) for row in session.execute(query.where(Shipment.id.in_(_shipments(session, record))))]


def _case_id(session: Session, record: Record) -> UUID | None:
    if record.case_id is not None or record.entry_id is None:
        return record.case_id
    subject = session.get_one(Entry, record.entry_id).subject
    return subject_id(subject) if subject.startswith("case:") else None


def _shipments(session: Session, record: Record) -> list[UUID]:
    if record.entry_id is not None:
        subject = session.get_one(Entry, record.entry_id).subject
        return [subject_id(subject)] if subject.startswith("shipment:") else []
    inside = select(Content.shipment_id).join(Document, Document.id == Content.document_id)
    return sorted(set(session.scalars(inside.where(Document.case_id == record.case_id))))


def _since(session: Session, record: Record, since: datetime) -> list[str]:
    """What happened since, the first first."""
    told = [*_moves(session, record, since), *_entries(session, record, since), *_holds(session, record, since)]
    return [what for _, what in sorted(told)[:MOST]]


def _moves(session: Session, record: Record, since: datetime) -> Iterator[tuple[datetime, str]]:
    query = select(Move).where(Move.shipment_id.in_(_shipments(session, record)), Move.at >= since)
    for move in session.scalars(query):
        what, _, which = move.cause.partition(":")
        deed = words.ACTS[Act(which)] if what == "act" else "寄递企业的轨迹"
        by = f"{move.by} " if what == "act" and move.by != SYSTEM else ""
        before, after = (words.VIEWS[View(seen)] for seen in (move.before, move.after))
        yield move.at, f"{hall_time(move.at)} {by}{deed}（{before} → {after}）"


def _entries(session: Session, record: Record, since: datetime) -> Iterator[tuple[datetime, str]]:
    if record.entry_id is not None:
        mine = Entry.id == record.entry_id
    else:
        mine = Entry.subject.in_(
            [f"case:{record.case_id}", *(f"shipment:{one}" for one in _shipments(session, record))]
        )
    query = select(Entry).where(mine, or_(Entry.settled_at >= since, Entry.taken_at >= since))
    for entry in session.scalars(query.execution_options(populate_existing=True)):
        reason = WORDS[Reason(entry.reason)].reason
        if entry.taken_at is not None and entry.taken_at >= since:
            yield entry.taken_at, f"{hall_time(entry.taken_at)} {entry.owner} 接手了“{reason}”"
        if entry.settled_at is not None and entry.settled_at >= since:
            by = "因有进展自行了结" if entry.settled_by == SYSTEM else f"由 {entry.settled_by} 处理完毕"
            yield entry.settled_at, f"{hall_time(entry.settled_at)} “{reason}”{by}"


def _holds(session: Session, record: Record, since: datetime) -> Iterator[tuple[datetime, str]]:
    query = select(Hold).where(Hold.case_id == _case_id(session, record))
    for hold in session.scalars(query.where(or_(Hold.opened_at >= since, Hold.lifted_at >= since))):
        if hold.opened_at >= since:
            yield hold.opened_at, f"{hall_time(hold.opened_at)} {hold.opened_by} 暂缓寄递"
        if hold.lifted_at is not None and hold.lifted_at >= since:
            yield hold.lifted_at, f"{hall_time(hold.lifted_at)} {hold.lifted_by} 解除暂缓"
