"""The table of browsers at which somebody is signed in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base, RowId
from dispatch.world import World


class StaffSession(Base):
    """A browser that somebody signed in at. The token lives in its cookie; here only its digest."""

    __tablename__ = "staff_sessions"

    id: Mapped[RowId]
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    said: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)  # what the next page tells once


def end_sessions(world: World, session: Session, member_id: UUID, but: UUID | None = None) -> None:
    """All of one member's: the password, the role or the account changed. `but`: where it was changed by oneself."""
    still = update(StaffSession).where(StaffSession.member_id == member_id, StaffSession.ended_at.is_(None))
    if but is not None:
        still = still.where(StaffSession.id != but)
    session.execute(still.values(ended_at=world.now()))
