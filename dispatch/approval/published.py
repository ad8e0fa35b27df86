"""到办事现场次数: how many trips to an office are published for an item. More than that is a broken promise."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from dispatch import audit
from dispatch.approval.case import Item
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.seen import refuse_stale
from dispatch.world import World

MOST = 9


@dataclass(frozen=True, slots=True)
class Published:
    """An item, and what is published for it."""

    code: str
    name: str
    trips: int


def published_trips(world: World) -> Sequence[Published]:
    """Of every item, by name."""
    with world.reading() as session:
        rows = session.execute(select(Item.code, Item.name, Item.published_trips).order_by(Item.name, Item.code))
        return [Published(*row) for row in rows]


def publish_trips(world: World, item_code: str, trips: int, by: str, shown: str = "") -> None:
    """What is published from now on; figures are counted by it.

    `shown`: the number that whoever changes it has looked at; empty: whatever it is.
    Raises NotFoundError, NotAllowedError, ConflictError (changed meanwhile).
    """
    if not 0 <= trips <= MOST:
        raise NotAllowedError(f"到办事现场次数填 0 至 {MOST}，没有改。")
    with world.begin() as session:
        item = session.scalar(select(Item).where(Item.code == item_code).with_for_update())
        if item is None:
            raise NotFoundError(f"没有编码为“{item_code}”的事项。事项在第一件办件到达时建立。")
        subject = f"item:{item.id}"
        refuse_stale(world, session, subject, audit.Deed.SETTING, (shown, str(item.published_trips)))
        told = f"事项 {item.code} 公布的到办事现场次数：{item.published_trips} → {trips}"
        item.published_trips = trips
        audit.note(world, session, by, audit.Deed.SETTING, subject, told)
