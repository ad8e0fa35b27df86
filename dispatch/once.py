"""A form that is sent twice is done once: it carries a key of its own, and what it makes keeps that key.

The second answer is the first again; the same key with other content is refused, and so is somebody else's.
"""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.errors import ConflictError


class Keyed:
    """A table of what forms make. `form_key`: of the form, none where it was made otherwise."""

    form_key: Mapped[UUID | None] = mapped_column(unique=True)


Made = TypeVar("Made", bound=Keyed)


def made_before(session: Session, table: type[Made], key: UUID | None) -> Made | None:
    """What this form has made, if anything. Whoever sends it too waits until the transaction ends."""
    if key is None:
        return None
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"form:{key}", 0))))
    return session.scalar(select(table).where(table.form_key == key))


def check_same(*, same: bool) -> None:
    """Raises ConflictError where a form has made something else than it asks for now."""
    if not same:
        raise ConflictError("这张表单已经办过一次，这次填的与那次不同，没有办。请刷新页面，再填一次。")
