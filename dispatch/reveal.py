"""Personal data shown in full: each time a logged act, with who and why (DESIGN promise 8)."""

from datetime import datetime

from sqlalchemy.orm import Mapped
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.world import World


class Reveal(Base):
    """Who saw what in full, when, and for which reason. Never changed."""

    __tablename__ = "reveals"

    id: Mapped[RowId]
    subject: Mapped[str]
    by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


def log_reveal(world: World, subject: str, by: str, reason: str) -> None:
    """Write the act down, before anything is shown. Raises NotAllowedError without a reason."""
    if not reason.strip():
        raise NotAllowedError("查看完整个人信息须写明理由。")
    with world.begin() as session:
        session.add(Reveal(id=uuid7(), subject=subject, by=by, reason=reason.strip(), at=world.now()))
        audit.note(world, session, by, audit.Deed.REVEAL, subject, reason.strip())
