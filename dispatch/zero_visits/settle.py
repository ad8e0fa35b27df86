"""A person settles an entry of the worklist, by the short number that the list shows."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session

from dispatch import audit, jobs, worklist
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.shipment import WEIGH, lock, subject_id
from dispatch.worklist import SYSTEM, WORDS, Entry, Reason
from dispatch.world import World

HEX_DIGITS = 32
RANDOM_DIGITS = 8
"""The last digits of a version 7 UUID are random, the first are its time: entries of one moment begin alike."""
SHORTEST = 6
"""What the worklist itself signs with: a person's settlement must never look like it."""

REOPENED_WITHIN = timedelta(days=1)
"""How long a settlement may be taken back as a mistake."""


def number_of(entry_id: UUID) -> str:
    """The entry's number (32 hex digits, the random ones first); any prefix that is unique names it."""
    return entry_id.hex[-RANDOM_DIGITS:] + entry_id.hex[:-RANDOM_DIGITS]


def signed(by: str, note: str) -> None:
    """What a person settles has a name and a word under it. Raises NotAllowedError."""
    if not by.strip() or by.strip() == SYSTEM:
        raise NotAllowedError("请写明经办人姓名。")
    if not note.strip():
        raise NotAllowedError("请写明怎样核实、怎样处理的。")


def settle_entry(world: World, entry_prefix: str, by: str, note: str) -> Entry:
    """Settle an open entry. Its shipment is weighed again: a settled contradiction lets it close, unless it was
    delivered on its way back: only the applicant's word (`confirm_received`) tells that from our own signature.

    Raises NotFoundError (no open entry begins so, or several do), NotAllowedError (no name or no note).
    """
    signed(by, note)
    with world.begin() as session:
        entry = session.get_one(Entry, find_entry(session, entry_prefix).id)
        is_shipment = entry.subject.startswith("shipment:")
        if is_shipment:
            lock(session, subject_id(entry.subject))  # in the order of whoever weighs: the shipment, then its entries
        session.refresh(entry, with_for_update=True)
        if entry.settled_at is not None:
            raise NotFoundError(f"待处理事项 {entry_prefix} 刚由“{entry.settled_by}”处理完毕。")
        worklist.settle(world, entry, by.strip(), note.strip())
        words = f"“{WORDS[Reason(entry.reason)].reason}”处理完毕：{note.strip()}"
        audit.note(world, session, by.strip(), audit.Deed.CHANGE, entry.subject, words)
        if is_shipment:
            jobs.leave(session, WEIGH, entry.subject)
        return entry


def reopen(world: World, entry_prefix: str, by: str, note: str) -> Entry:
    """A person settled it by mistake: it is open again. What it led to meanwhile stands, but counts as disputed.

    Raises NotFoundError (no entry that a person settled begins so), NotAllowedError (longer ago than a day; no note).
    """
    signed(by, note)
    with world.begin() as session:
        settled = (Entry.settled_at.is_not(None), Entry.settled_by != SYSTEM)
        entry = _one(session, entry_prefix, settled, "处理完毕")
        session.refresh(entry, with_for_update=True)
        if entry.settled_at is None:
            raise NotFoundError(f"待处理事项 {entry_prefix} 刚由别人重新打开。")
        if world.now() - entry.settled_at > REOPENED_WITHIN:
            raise NotAllowedError("处理完毕已超过一天，不能重新打开。情况有变的，请另行处理。")
        was = world.vault.open(entry, "settlement") or ""
        words = f"重新打开“{WORDS[Reason(entry.reason)].reason}”：{note.strip()}（{entry.settled_by} 原处理：{was}）"
        entry.settled_at = entry.settled_by = entry.settlement = None
        audit.note(world, session, by.strip(), audit.Deed.CHANGE, entry.subject, words)
        return entry


def find_entry(session: Session, prefix: str) -> Entry:
    """The one open entry whose number begins so. Raises NotFoundError."""
    return _one(session, prefix, (Entry.settled_at.is_(None),), "尚未处理")


def find_any(session: Session, prefix: str) -> Entry:
    """The one entry whose number begins so, open or settled. Raises NotFoundError."""
    return _one(session, prefix, (), "登记过")


def _one(session: Session, prefix: str, such: tuple[ColumnElement[bool], ...], words: str) -> Entry:
    wanted = prefix.strip().lower().replace("-", "")
    digits = func.replace(cast(Entry.id, String), "-", "")
    number = func.concat(func.right(digits, RANDOM_DIGITS), func.left(digits, HEX_DIGITS - RANDOM_DIGITS))
    query = select(Entry).where(*such, number.startswith(wanted, autoescape=True)).limit(2)
    found = list(session.scalars(query)) if wanted else []
    if not found:
        raise NotFoundError(f"没有编号以“{prefix}”开头、{words}的事项。请从“待处理”里选。")
    if len(found) > 1:
        raise NotFoundError(f"编号以“{prefix}”开头、{words}的事项不止一项。请多写几位。")
    return found[0]
