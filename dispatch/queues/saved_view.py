"""Filters of a queue under a name: one's own, or shared with all."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import UniqueConstraint, delete, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.queues.filters import Filters
from dispatch.queues.queue import Queue
from dispatch.world import World


class SavedView(Base):
    """`owner`: the login of whoever made it, and alone may remove it."""

    __tablename__ = "saved_views"

    id: Mapped[RowId]
    owner: Mapped[str]
    shared: Mapped[bool]
    queue: Mapped[str]
    name: Mapped[str]
    filters: Mapped[dict[str, str]] = mapped_column(JSONB)
    made_at: Mapped[datetime]

    @property
    def query(self) -> str:
        """Its filters as a query string."""
        return Filters.read(self.filters).query()

    __table_args__ = (UniqueConstraint("owner", "queue", "name"),)


def save_view(world: World, owner: str, queue: Queue, name: str, filters: Filters, *, shared: bool) -> None:
    """Keep these filters; the same name again is replaced. Raises NotAllowedError without a name or a filter."""
    if not name.strip() or not filters.told():
        raise NotAllowedError("请给视图起名，并至少选一个筛选条件。")
    kept = {"shared": shared, "filters": filters.told(), "made_at": world.now()}
    row = {"id": uuid7(), "owner": owner, "queue": queue, "name": name.strip()[:40]}
    with world.begin() as session:
        session.execute(
            insert(SavedView)
            .values(**row, **kept)
            .on_conflict_do_update(index_elements=["owner", "queue", "name"], set_=kept)
        )


def remove_view(world: World, owner: str, queue: Queue, name: str) -> None:
    """One's own; of somebody else's nothing happens."""
    mine = delete(SavedView).where(SavedView.owner == owner, SavedView.queue == queue, SavedView.name == name)
    with world.begin() as session:
        session.execute(mine)


def saved_views(session: Session, login: str, queue: Queue, *, shared: bool = True) -> Sequence[SavedView]:
    """One's own of a queue, and those that others share, by name; without `shared` one's own alone."""
    seen = or_(SavedView.owner == login, SavedView.shared) if shared else SavedView.owner == login
    query = select(SavedView).where(SavedView.queue == queue, seen)
    return session.scalars(query.order_by(SavedView.name, SavedView.owner)).all()
