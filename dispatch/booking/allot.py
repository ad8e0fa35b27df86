"""Numbers that a carrier has allotted beforehand (号段): the number is the booking, nobody need be asked."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import breaker, worklist
from dispatch.booking.route import find_carrier
from dispatch.carrier import Numbering
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.shipment import Shipment
from dispatch.worklist import Reason
from dispatch.world import World


class AllottedNumber(Base):
    """One number of a segment; once taken it is never given to another envelope."""

    __tablename__ = "allotted_numbers"

    id: Mapped[RowId]
    carrier: Mapped[str]
    number: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))

    __table_args__ = (
        UniqueConstraint("carrier", "number"),
        Index("ix_allotted_numbers_free", "carrier", "id", postgresql_where=text("shipment_id IS NULL")),
    )


def add_numbers(world: World, carrier: str, numbers: Iterable[str], by: str) -> int:
    """Enter a segment; how many were new. Raises NotAllowedError for a number that cannot be this carrier's."""
    post = find_carrier(world, carrier)
    if post.numbering is not Numbering.ALLOTTED:
        raise NotAllowedError(f"{post.title}在下单时给号，不用号段。")
    given = list(dict.fromkeys(number.strip() for number in numbers if number.strip()))
    if wrong := [number for number in given if not post.is_number(number)]:
        raise NotAllowedError(f"不是{post.title}的运单号：{'、'.join(wrong[:5])}。整份没有收，请核对后再导入。")
    now, added = world.now(), 0
    with world.begin() as session:
        for number in given:
            row = {"id": uuid7(), "carrier": carrier, "number": number, "added_by": by, "added_at": now}
            new = insert(AllottedNumber).values(**row).on_conflict_do_nothing(index_elements=["carrier", "number"])
            added += session.execute(new.returning(AllottedNumber.id)).scalar() is not None
        if added:
            worklist.settle_by_itself(world, session, breaker.subject_of(carrier), [Reason.NUMBERS_OUT])
    return added


def take_allotted(session: Session, shipment: Shipment) -> str | None:
    """The next free number of the shipment's carrier, taken for good; None where the segment is used up."""
    free = (
        select(AllottedNumber)
        .where(AllottedNumber.carrier == shipment.carrier, AllottedNumber.shipment_id.is_(None))
        .order_by(AllottedNumber.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.scalar(free)
    if row is None:
        return None
    row.shipment_id = shipment.id
    return row.number


def numbers_left(session: Session, carrier: str) -> int:
    """How many free numbers the carrier's segment has left."""
    free = select(func.count()).where(AllottedNumber.carrier == carrier, AllottedNumber.shipment_id.is_(None))
    return session.scalar(free) or 0


def numbers_given(session: Session, carrier: str) -> int:
    """How many numbers the carrier has allotted so far, used or not."""
    return session.scalar(select(func.count()).where(AllottedNumber.carrier == carrier)) or 0
