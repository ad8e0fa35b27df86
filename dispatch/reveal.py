"""Personal data shown in full: each time a logged act, with who and why (DESIGN promise 8)."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.world import World


class Reveal(Base):
    """Who saw what in full, when, and for which reason. Changed only when its time is up: then the reason goes."""

    __tablename__ = "reveals"

    id: Mapped[RowId]
    subject: Mapped[str]
    by: Mapped[str]
    reason: Mapped[str] = mapped_column(
        default=""
    )  # of old rows; a clerk may write a name into it, so no longer here
    why: Mapped[bytes | None]  # sealed
    at: Mapped[datetime]


def log_reveal(world: World, subject: str, by: str, reason: str) -> None:
    """Write the act down, before anything is shown. Raises NotAllowedError without a reason."""
    if not reason.strip():
        raise NotAllowedError("查看完整个人信息须写明理由。")
    with world.begin() as session:
        reveal = Reveal(id=uuid7(), subject=subject, by=by, at=world.now())
        world.vault.seal(reveal, "why", reason.strip())
        session.add(reveal)
        audit.note(world, session, by, audit.Deed.REVEAL, subject, reason.strip())


def reason_of(world: World, reveal: Reveal) -> str:
    """Why, as it was written; empty once it is erased."""
    return world.vault.open(reveal, "why") or reveal.reason
