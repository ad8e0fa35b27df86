"""Whose an entry of the worklist is: somebody takes it in hand, and may give it back."""

from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.errors import ConflictError
from dispatch.hall_time import hall_time
from dispatch.worklist import WORDS, Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.settle import find_entry


def take(world: World, entry_prefix: str, by: str, *, instead_of: str = "") -> Entry:
    """It is mine now. `instead_of`: who has it, where that is known and meant.

    Raises NotFoundError (no such open entry), ConflictError (somebody else has taken it).
    """
    with world.begin() as session:
        entry = _locked(session, entry_prefix)
        if entry.owner not in {None, by, instead_of or None}:
            at = hall_time(entry.taken_at) if entry.taken_at else ""
            raise ConflictError(f"“{_words(entry)}”已由 {entry.owner} 于 {at} 接手，没有再改。")
        if entry.owner != by:
            was = f"（原由 {entry.owner} 接手）" if entry.owner else ""
            entry.owner, entry.taken_at = by, world.now()
            audit.note(world, session, by, audit.Deed.CHANGE, entry.subject, f"接手“{_words(entry)}”{was}")
        return entry


def give_back(world: World, entry_prefix: str, by: str) -> Entry:
    """It is nobody's again. Raises NotFoundError, ConflictError (it is somebody else's)."""
    with world.begin() as session:
        entry = _locked(session, entry_prefix)
        if entry.owner not in {None, by}:
            raise ConflictError(f"“{_words(entry)}”由 {entry.owner} 接手，只有本人能放回。")
        if entry.owner is not None:
            entry.owner = entry.taken_at = None
            audit.note(world, session, by, audit.Deed.CHANGE, entry.subject, f"放回“{_words(entry)}”")
        return entry


def _locked(session: Session, prefix: str) -> Entry:
    entry = find_entry(session, prefix)
    session.refresh(entry, with_for_update=True)
    if entry.settled_at is not None:
        raise ConflictError(f"“{_words(entry)}”刚由 {entry.settled_by} 处理完毕。")
    return entry


def _words(entry: Entry) -> str:
    return WORDS[Reason(entry.reason)].reason
