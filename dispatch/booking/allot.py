"""Numbers that a carrier has allotted beforehand (号段): the number is the booking, nobody need be asked."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import breaker, jobs, worklist
from dispatch.booking.route import find_carrier
from dispatch.carrier import Carrier, Numbering
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.journey import Stage
from dispatch.restored import open_restore
from dispatch.shipment import BOOK, Shipment
from dispatch.waybill import Waybill
from dispatch.worklist import Reason
from dispatch.world import World


class Withheld(StrEnum):
    """Why a free number is not given out."""

    UNTIL_TOLD = "until_told"  # a person must say whether it was used
    USED = "used"  # a person said so, or did not know better


class AllottedNumber(Base):
    """One number of a segment; once taken it is never given to another envelope."""

    __tablename__ = "allotted_numbers"

    id: Mapped[RowId]
    carrier: Mapped[str]
    number: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    withheld: Mapped[str | None]  # a Withheld: it may stand on a label of the time that a restore lost

    __table_args__ = (
        UniqueConstraint("carrier", "number"),
        Index("ix_allotted_numbers_free", "carrier", "id", postgresql_where=text("shipment_id IS NULL")),
    )


FREE = (AllottedNumber.shipment_id.is_(None), AllottedNumber.withheld.is_(None))


def add_numbers(world: World, carrier: str, numbers: Iterable[str], by: str) -> int:
    """Enter a segment; how many were new. What waits for a number looks for one at once.

    Raises NotAllowedError for a number that cannot be this carrier's.
    """
    post = find_carrier(world, carrier)
    if post.numbering is not Numbering.ALLOTTED:
        raise NotAllowedError(f"{post.title}在下单时给号，不用号段。")
    given = list(dict.fromkeys(number.strip() for number in numbers if number.strip()))
    if wrong := [number for number in given if not post.is_number(number)]:
        raise NotAllowedError(f"不是{post.title}的运单号：{'、'.join(wrong[:5])}。整份没有收，请核对后再导入。")
    now, added = world.now(), 0
    with world.begin() as session:
        # A segment that is entered again after a restore may have been used already.
        held = {"withheld": Withheld.UNTIL_TOLD} if open_restore(session) is not None else {}
        for number in given:
            row = {"id": uuid7(), "carrier": carrier, "number": number, "added_by": by, "added_at": now, **held}
            new = insert(AllottedNumber).values(**row).on_conflict_do_nothing(index_elements=["carrier", "number"])
            added += session.execute(new.returning(AllottedNumber.id)).scalar() is not None
        if added:
            _count_alone(session, carrier)
            reasons = [Reason.NUMBERS_LOW, Reason.NUMBERS_OUT]
            worklist.settle_by_itself(world, session, breaker.subject_of(carrier), reasons)
            for shipment in _waiting(session, carrier):
                jobs.leave(session, BOOK, shipment.subject, lane=carrier)
    return added


def _waiting(session: Session, carrier: str) -> Iterable[Shipment]:
    """The carrier's envelopes that are not booked: each looked for a number and may have been put off for long."""
    query = select(Shipment).where(Shipment.stage == Stage.TO_BOOK, Shipment.carrier == carrier)
    return session.scalars(query.order_by(Shipment.id)).all()


def take_allotted(session: Session, shipment: Shipment) -> str | None:
    """The next free number of the shipment's carrier, taken for good; None where the segment is used up."""
    free = (
        select(AllottedNumber)
        .where(AllottedNumber.carrier == shipment.carrier, *FREE)
        .order_by(AllottedNumber.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.scalar(free)
    if row is None:
        return None
    row.shipment_id = shipment.id
    return row.number


def spend(session: Session, shipment: Shipment, number: str) -> None:
    """A person found that this number of the segment stands on the envelope: it is given to no other."""
    mine = (AllottedNumber.carrier == shipment.carrier, AllottedNumber.number == number)
    free = update(AllottedNumber).where(*mine, AllottedNumber.shipment_id.is_(None))
    session.execute(free.values(shipment_id=shipment.id, withheld=None))


def numbers_withheld(session: Session, carrier: str) -> int:
    """How many numbers of the segment wait for a person to say whether they were used in a time that was lost."""
    waiting = (AllottedNumber.carrier == carrier, AllottedNumber.withheld == Withheld.UNTIL_TOLD)
    return session.scalar(select(func.count()).where(*waiting)) or 0


def warn_when_low(world: World, session: Session, post: Carrier) -> None:
    """Tell a person, once for each filling, that this carrier's segment is nearly used up.

    To be called last in the transaction that took a number: whoever takes one at this moment waits here for its end.
    """
    _count_alone(session, post.name)
    left = numbers_left(session, post.name)
    size = left + _taken_since_filling(session, post.name)
    if left > max(1, world.settings.numbers_low * size):
        return
    words = f"{post.title}的号段补领后有 {size} 个可用的运单号，还剩 {left} 个。"
    cause = str(numbers_given(session, post.name))
    worklist.put(world, session, Reason.NUMBERS_LOW, breaker.subject_of(post.name), cause=cause, detail=words)


def _count_alone(session: Session, carrier: str) -> None:
    """One after the other, until the commit: each must see what the one before took, or all see too many left."""
    segment = func.hashtextextended(f"{AllottedNumber.__tablename__}:{carrier}", 0)
    session.execute(select(func.pg_advisory_xact_lock(segment)))


def _taken_since_filling(session: Session, carrier: str) -> int:
    """How many numbers of the segment became waybills since numbers were last added to it."""
    last = select(func.max(AllottedNumber.added_at)).where(AllottedNumber.carrier == carrier).scalar_subquery()
    same = (Waybill.carrier == AllottedNumber.carrier) & (Waybill.number == AllottedNumber.number)
    taken = select(func.count()).select_from(AllottedNumber).join(Waybill, same)
    return session.scalar(taken.where(AllottedNumber.carrier == carrier, Waybill.adopted_at >= last)) or 0


def numbers_left(session: Session, carrier: str) -> int:
    """How many free numbers the carrier's segment has left."""
    return session.scalar(select(func.count()).where(AllottedNumber.carrier == carrier, *FREE)) or 0


def numbers_given(session: Session, carrier: str) -> int:
    """How many numbers the carrier has allotted so far, used or not."""
    return session.scalar(select(func.count()).where(AllottedNumber.carrier == carrier)) or 0
