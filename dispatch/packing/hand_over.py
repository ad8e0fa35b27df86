"""Envelopes are handed to the postman against a posting list (交寄清单), which both sides sign."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.case import CaseSlip
from dispatch.booking.route import show_unlawful
from dispatch.crash import Deed
from dispatch.db import Base, RowId, spelled
from dispatch.errors import NotFoundError
from dispatch.hall_time import SHANGHAI, hall_time
from dispatch.journey import Act, Stage, Tracked
from dispatch.mask import mask_name
from dispatch.packing.posting_list_sheet import PostingLine, PostingList, draw_posting_list
from dispatch.picture import open_picture, pictures_of
from dispatch.shipment import Shipment, act, lock
from dispatch.waybill import Waybill
from dispatch.world import World

KIND = "特快专递"


class HandOver(Base):
    """One hand-over to one carrier: the posting list is drawn from it on demand."""

    __tablename__ = "hand_overs"

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by: Mapped[str]
    postman: Mapped[bytes | None]  # sealed: the name of who signed on the screen
    signed_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        """How the audit log and pictures name it."""
        return f"hand_over:{self.id}"


class HandOverLine(Base):
    """An envelope on a posting list."""

    __tablename__ = "hand_over_lines"

    id: Mapped[RowId]
    hand_over_id: Mapped[UUID] = mapped_column(ForeignKey("hand_overs.id"), index=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), unique=True)


class LinePutBack(Base):
    """An envelope that stood on a posting list, under this number, and never left the desk."""

    __tablename__ = "lines_put_back"

    id: Mapped[RowId]
    hand_over_id: Mapped[UUID] = mapped_column(ForeignKey("hand_overs.id"), index=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    waybill_id: Mapped[UUID] = mapped_column(ForeignKey("waybills.id"))
    put_back_at: Mapped[datetime]
    put_back_by: Mapped[str]


def hand_over(world: World, carrier: str, by: str) -> str:
    """Hand over everything that is packed for this carrier; the posting list's number comes back.

    What the law no longer lets this carrier have stays here, and a person is told (邮政法 55).
    Raises NotFoundError where nothing else is packed.
    """
    number = _hand_over(world, carrier, by)
    if number is None:
        raise NotFoundError("没有待交寄的邮件。请先打单并封装；不合规的见待处理。")
    return number


def _hand_over(world: World, carrier: str, by: str) -> str | None:
    with world.begin(Deed.HAND_OVER) as session:
        packed = select(Shipment.id).where(Shipment.carrier == carrier, Shipment.stage == Stage.PACKED)
        locked = [lock(session, key) for key in sorted(session.scalars(packed))]
        made, _ = hand_over_chosen(world, session, carrier, locked, by)
        return made.number if made else None


def hand_over_chosen(
    world: World, session: Session, carrier: str, locked: Sequence[Shipment], by: str
) -> tuple[HandOver | None, list[Shipment]]:
    """A posting list of those of these locked envelopes that are packed and may go; none where none may.

    What the law no longer lets this carrier have stays, and a person is told.
    """
    chosen = [one for one in locked if _packed(one) and not show_unlawful(world, session, one)]
    if not chosen:
        return None, []
    made_at = world.now()
    made = HandOver(id=uuid7(), number=_number(session, made_at), carrier=carrier, made_at=made_at, made_by=by)
    session.add(made)
    session.flush()
    for shipment in chosen:
        act(world, session, shipment, Act.HAND_OVER, by=by)
        session.add(HandOverLine(id=uuid7(), hand_over_id=made.id, shipment_id=shipment.id))
    audit.note(world, session, by, audit.Deed.CHANGE, made.subject, f"交寄 {len(chosen)} 件")
    return made, chosen


def _packed(shipment: Shipment) -> bool:
    return shipment.stage == Stage.PACKED


def _number(session: Session, at: datetime) -> str:
    """JJ, the day in Shanghai, and how manieth of that day: two carriers' lists may be made at the same moment."""
    day = f"JJ{at.astimezone(SHANGHAI):%Y%m%d}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(day, 0))))
    taken = session.scalar(select(func.count()).where(HandOver.number.startswith(day))) or 0
    return f"{day}-{taken + 1:03}"


def posting_list(world: World, number: str) -> bytes:
    """The posting list as PDF, in two copies. Raises NotFoundError."""
    with world.reading() as session:
        made = session.scalar(select(HandOver).where(HandOver.number == number))
        if made is None:
            raise NotFoundError(f"没有编号为“{number}”的交寄清单。")
        signature = [one.id for one in pictures_of(session, [made.subject])]
        drawn = PostingList(
            number=made.number,
            carrier_name=world.title(made.carrier),
            sender_name=world.settings.centre.name,
            made_at=hall_time(made.made_at),
            lines=(*_lines(world, session, made), *_lines_put_back(world, session, made)),
            postman=world.vault.open(made, "postman") or "",
            signature=open_picture(world, signature[0]).body if signature else b"",
        )
    return draw_posting_list(drawn, world.typefaces.folder())


def _lines(world: World, session: Session, made: HandOver) -> Sequence[PostingLine]:
    query = (
        _numbered_lines()
        .join(HandOverLine, HandOverLine.shipment_id == Shipment.id)
        .where(HandOverLine.hand_over_id == made.id, Waybill.voided_at.is_(None))
    )
    return [_line(world, *row) for row in session.execute(query)]


def _lines_put_back(world: World, session: Session, made: HandOver) -> Sequence[PostingLine]:
    """What was signed for stays in the sums of what was signed; what was put back before it does not count."""
    query = (
        _numbered_lines()
        .add_columns(LinePutBack.put_back_at)
        .join(LinePutBack, LinePutBack.waybill_id == Waybill.id)
        .where(LinePutBack.hand_over_id == made.id)
    )
    return [
        replace(_line(world, *row), put_back=True, counted=made.signed_at is not None and made.signed_at <= at)
        for *row, at in session.execute(query)
    ]


def _numbered_lines() -> Select[Waybill, Shipment, CaseSlip]:
    return (
        select(Waybill, Shipment, CaseSlip)
        .join(Shipment, Shipment.id == Waybill.shipment_id)
        .join(CaseSlip, CaseSlip.id == Shipment.slip_id)
        .order_by(Waybill.number)
    )


def _line(world: World, waybill: Waybill, shipment: Shipment, slip: CaseSlip) -> PostingLine:
    return PostingLine(
        waybill_no=waybill.number,
        recipient=mask_name(world.vault.open(slip, "recipient_name") or "", organisation=slip.organisation),
        destination=slip.county + slip.town,
        kind=KIND,
        weight_g=world.settings.ems.weight_grams,
        postage=None,
        order_no=shipment.order_no or "",
    )


def not_collected(session: Session, carrier: str) -> list[str]:
    """Waybill numbers that were handed over and of which the post has told nothing yet."""
    query = (
        select(Waybill.number)
        .join(Shipment, Shipment.id == Waybill.shipment_id)
        .where(Shipment.stage == spelled(Stage.HANDED_OVER), Shipment.tracked == spelled(Tracked.UNSEEN))
        .where(Shipment.carrier == carrier, Waybill.voided_at.is_(None))
    )
    return list(session.scalars(query))
