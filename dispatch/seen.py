"""Two people at one record: a form carries what it showed; where that is other by now, who was first is told."""

import hashlib
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.audit import AuditEntry, Deed
from dispatch.errors import ConflictError
from dispatch.hall_time import hall_time
from dispatch.world import World

DIGITS = 16


def version_of(*facts: object) -> str:
    """Another one as soon as one of these facts is another."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:DIGITS]


def refuse_stale(world: World, session: Session, subject: str, deed: Deed, versions: tuple[str, str]) -> None:
    """Nothing where both versions, what was seen and what is, are the same, or none was seen (no page).

    Raises ConflictError: who did such a deed to the subject last, when, and what. The caller has locked the row.
    """
    seen, now = versions
    if seen in {"", now}:
        return
    query = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.deed == deed)
    last = session.scalars(query.order_by(AuditEntry.seq.desc()).limit(1)).first()
    told = world.vault.open(last, "detail") or "" if last else ""
    who, when = (last.by, hall_time(last.at)) if last else ("别人", "刚才")
    raise ConflictError(f"您打开之后，{who} 于 {when} 已改过：{told}。您的改动没有保存，请看过最新情况再改。")


def mark_of(ids: Collection[UUID]) -> str:
    """How many were shown, and which: what a form carries that means all of them without naming each."""
    return f"{len(ids)}-{version_of(*sorted(ids))}"


def refuse_others(shown: str, ids: Collection[UUID]) -> None:
    """Nothing where these are the ones that were shown, or none were (no page).

    Raises ConflictError: what is meant as one thing is done as that thing, or not at all.
    """
    if shown in {"", mark_of(ids)}:
        return
    many = shown.partition("-")[0]
    raise ConflictError(
        f"您看到的符合条件的是 {many} 件，现在是 {len(ids)} 件，不全是您看过的那些。没有办，请看过现在的再办。"
    )
