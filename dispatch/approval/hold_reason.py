"""Why a case is held back: one of the reasons that a hall has every day, a clerk's own words, or both."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Hold
from dispatch.errors import NotAllowedError

AT_WINDOW = "改窗口领取"
HOLD_REASONS = ("欠费", "原证未收回", "待签字", AT_WINDOW)
"""HALL.md §1. Anything else a clerk writes."""


def hold_reason(chosen: str, words: str) -> str:
    """The reason as it is kept. Raises NotAllowedError where neither is given, or what was chosen is no reason."""
    chosen, words = chosen.strip(), words.strip()
    if chosen and chosen not in HOLD_REASONS:
        raise NotAllowedError(f"没有“{chosen}”这个暂缓原因。可选：{'、'.join(HOLD_REASONS)}，或自己写明。")
    told = "：".join(part for part in (chosen, words) if part)
    if not told:
        raise NotAllowedError("暂缓寄递须写明原因：请选一个，或自己写明。")
    return told


def open_holds(session: Session, case_ids: Collection[UUID]) -> Mapping[UUID, Hold]:
    """The hold that stands on each of these cases, by case."""
    holds = session.scalars(select(Hold).where(Hold.case_id.in_(case_ids), Hold.lifted_at.is_(None)))
    return {hold.case_id: hold for hold in holds}
