"""What may carry an item's documents (邮政法 55): the post alone, unless the centre's legal office has cleared it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.approval.case import Item
from dispatch.carrier import Standing
from dispatch.crash import Deed
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.world import World

CHECK_LAW = "item.check_law"
"""The job that looks for envelopes which another ruling has made unlawful."""


class Carriage(StrEnum):
    """The policy of an item."""

    POSTAL_ONLY = "postal_only"
    CLEARED = "cleared"  # not an official document of a state organ, says the legal office: any carrier


class CarriageRuling(Base):
    """What the legal office said of an item, when and on what ground: kept, whatever it says later."""

    __tablename__ = "carriage_rulings"

    id: Mapped[RowId]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), index=True)
    carriage: Mapped[str]
    ground: Mapped[str | None]
    ruled_by: Mapped[str]
    ruled_at: Mapped[datetime]


def clear(world: World, item_code: str, ground: str, by: str) -> None:
    """The legal office clears an item for any carrier: who, when, on what ground. Raises NotFoundError."""
    if not ground.strip():
        raise NotAllowedError("放开承运方式必须写明依据（法制机构的意见或文号）。")
    with world.begin(Deed.CLEAR) as session:
        _rule(world, session, _item(session, item_code), Carriage.CLEARED, ground.strip(), by)


def withdraw(world: World, item_code: str, by: str) -> None:
    """The post alone again. Raises NotFoundError.

    What is not booked yet will not be booked with another, and what is still in the house is not handed over.
    """
    with world.begin(Deed.WITHDRAW) as session:
        item = _item(session, item_code)
        _rule(world, session, item, Carriage.POSTAL_ONLY, None, by)
        jobs.leave(session, CHECK_LAW, f"item:{item.id}")


def _rule(world: World, session: Session, item: Item, carriage: Carriage, ground: str | None, by: str) -> None:
    now = world.now()
    item.carriage, item.carriage_ground, item.carriage_by, item.carriage_at = carriage, ground, by, now
    ruling = CarriageRuling(id=uuid7(), item_id=item.id, carriage=carriage, ground=ground, ruled_by=by, ruled_at=now)
    session.add(ruling)


def rulings(session: Session, item_code: str) -> Sequence[CarriageRuling]:
    """All that was ever ruled on an item, oldest first. Raises NotFoundError."""
    mine = select(CarriageRuling).where(CarriageRuling.item_id == find_item(session, item_code).id)
    return session.scalars(mine.order_by(CarriageRuling.ruled_at)).all()


def permits(item: Item, standing: Standing) -> bool:
    """Whether a carrier of this standing may carry the item. The centre's own people are no express company."""
    return standing is not Standing.EXPRESS or item.carriage == Carriage.CLEARED


def find_item(session: Session, code: str) -> Item:
    """The item with this code. Raises NotFoundError."""
    item = session.scalar(select(Item).where(Item.code == code))
    if item is None:
        raise NotFoundError(f"没有编码为“{code}”的事项。事项在第一件办件到达时建立。")
    return item


def _item(session: Session, code: str) -> Item:
    item = find_item(session, code)
    session.refresh(item, with_for_update=True)
    return item
