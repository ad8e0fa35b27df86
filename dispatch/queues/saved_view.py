"""Filters of a queue under a name: one's own, or shared with all. Both are sealed: anything may be typed there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, UniqueConstraint, exists, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.mask import holds_a_number
from dispatch.queues.filters import Filters
from dispatch.queues.no_person import WORDS, names_a_person
from dispatch.queues.queue import QUEUE_WORDS, Queue
from dispatch.staff.member import Member
from dispatch.world import World

LONGEST = 40


class SavedView(Base):
    """`owner`: the login of whoever made it, and alone may remove it. `said`: its name and filters, as JSON."""

    __tablename__ = "saved_views"

    id: Mapped[RowId]
    owner: Mapped[str]
    shared: Mapped[bool]
    queue: Mapped[str]
    name: Mapped[str]  # keyed digest: the same name again is the same view
    filters: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  # of old rows, so no longer here
    made_at: Mapped[datetime]
    said: Mapped[bytes | None]  # sealed

    __table_args__ = (UniqueConstraint("owner", "queue", "name"),)

    @property
    def subject(self) -> str:
        """How the audit log names it."""
        return f"view:{self.id}"


@dataclass(frozen=True, slots=True)
class View:
    """A saved view as it is shown."""

    name: str
    owner: str
    shared: bool
    filters: Filters

    @property
    def query(self) -> str:
        """Its filters as a query string."""
        return self.filters.query()


def save_view(world: World, owner: str, queue: Queue, name: str, filters: Filters, *, shared: bool) -> None:
    """Keep these filters; the same name again is replaced.

    Raises NotAllowedError without a name or a filter, and where somebody is named by number or looked for.
    """
    name = name.strip()[:LONGEST]
    if not name or not filters.told():
        raise NotAllowedError("请给视图起名，并至少选一个筛选条件。")
    if names_a_person(filters.q):
        raise NotAllowedError(WORDS)
    if holds_a_number(name):
        raise NotAllowedError("视图没有存：名称里有手机号或身份证号。请换一个名称。")
    with world.begin() as session:
        view = _place(world, session, owner, queue, name)
        view.shared, view.made_at = shared, world.now()
        world.vault.seal(view, "said", json.dumps([name, filters.told()]))
        told = f"存视图：{QUEUE_WORDS[queue]}，{'大家共用' if shared else '自用'}"
        audit.note(world, session, owner, audit.Deed.CHANGE, view.subject, told)


def remove_view(world: World, owner: str, queue: Queue, name: str) -> bool:
    """One's own; of somebody else's nothing happens. Whether there was one."""
    with world.begin() as session:
        view = session.scalars(_of(world, owner, queue, name)).one_or_none()
        if view is None:
            return False
        session.delete(view)
        audit.note(world, session, owner, audit.Deed.CHANGE, view.subject, f"删除视图：{QUEUE_WORDS[queue]}")
    return True


def saved_views(world: World, session: Session, login: str, queue: Queue, *, shared: bool = True) -> Sequence[View]:
    """One's own of a queue, and those that others share, by name; without `shared` one's own alone.

    Of an account that is closed nobody is offered any: nobody is there who could remove it.
    """
    owned = exists().where(Member.login == SavedView.owner, Member.closed_at.is_(None))
    mine = SavedView.owner == login
    seen = or_(mine, SavedView.shared & owned) if shared else mine
    rows = session.scalars(select(SavedView).where(SavedView.queue == queue, SavedView.said.is_not(None), seen))
    return sorted((_opened(world, row) for row in rows), key=lambda one: (one.name, one.owner))


def _place(world: World, session: Session, owner: str, queue: Queue, name: str) -> SavedView:
    """The row of this name, locked; a new one where there is none."""
    fresh = {"id": uuid7(), "owner": owner, "queue": queue, "name": _digest(world, name)}
    made = insert(SavedView).values(**fresh, filters={}, shared=False, made_at=world.now())
    session.execute(made.on_conflict_do_nothing())
    return session.scalars(_of(world, owner, queue, name)).one()


def _of(world: World, owner: str, queue: Queue, name: str) -> Select[SavedView]:
    mine = select(SavedView).where(SavedView.owner == owner, SavedView.queue == queue)
    return mine.where(SavedView.name == _digest(world, name.strip())).with_for_update()


def _digest(world: World, name: str) -> str:
    return world.vault.digest("view", name).hex()


def _opened(world: World, row: SavedView) -> View:
    name, filters = json.loads(world.vault.open(row, "said") or "")
    return View(name, row.owner, row.shared, Filters.read(filters))
