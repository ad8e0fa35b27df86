"""What may carry an item's documents (邮政法 55): the post alone, unless the centre's legal office has cleared it."""

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Item
from dispatch.carrier import Standing
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.world import World


class Carriage(StrEnum):
    """The policy of an item."""

    POSTAL_ONLY = "postal_only"
    CLEARED = "cleared"  # not an official document of a state organ, says the legal office: any carrier


def clear(world: World, item_code: str, ground: str, by: str) -> None:
    """The legal office clears an item for any carrier: who, when, on what ground. Raises NotFoundError."""
    if not ground.strip():
        raise NotAllowedError("放开承运方式必须写明依据（法制机构的意见或文号）。")
    with world.begin() as session:
        item = _item(session, item_code)
        item.carriage, item.carriage_ground = Carriage.CLEARED, ground.strip()
        item.carriage_by, item.carriage_at = by, world.now()


def withdraw(world: World, item_code: str, by: str) -> None:
    """The post alone again; what is not booked yet will not be booked with another. Raises NotFoundError."""
    with world.begin() as session:
        item = _item(session, item_code)
        item.carriage, item.carriage_ground = Carriage.POSTAL_ONLY, None
        item.carriage_by, item.carriage_at = by, world.now()


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
