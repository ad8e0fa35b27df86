"""The waybill: a carrier's number for an envelope. This module alone gives one, and takes it back."""

import base64
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, column, exists, func, or_, select, table, text, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.carrier import Booked, Parcel
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError
from dispatch.journey import AT_AN_END, BY_STAGE, Act
from dispatch.shipment import ANNOUNCE, CANCEL, FETCH_LABEL, FOLLOW, Shipment, act
from dispatch.world import World

TOKEN_BYTES = 16
TRACKING_PAGE = re.compile(r"^https?://[^/]+(?:/[^?#]*)?/t/([A-Z2-7]{26})/?$", re.IGNORECASE | re.ASCII)
"""What the QR code of a waybill says; where the service stands, each house says for itself."""


class Waybill(Base):
    """A carrier's number for a shipment, and the token of its tracking page.

    Live until it is voided. Retired, it stays the number of its closed shipment, but news of it is another's.
    """

    __tablename__ = "waybills"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    carrier: Mapped[str]
    number: Mapped[str]
    sorting_code: Mapped[str]
    adopted_from: Mapped[str]  # answer, push, person
    adopted_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]  # the carrier uses the number again
    token: Mapped[bytes]  # sealed
    token_digest: Mapped[bytes] = mapped_column(unique=True)

    __table_args__ = (
        Index("ix_waybills_number", "number"),  # who scans it at the counter does not say whose it is
        Index("uq_waybills_live_shipment", "shipment_id", unique=True, postgresql_where=text("voided_at IS NULL")),
        Index(
            "uq_waybills_live_number",
            "carrier",
            "number",
            unique=True,
            postgresql_where=text("voided_at IS NULL AND retired_at IS NULL"),
        ),
    )


def lock_number(session: Session, carrier: str, number: str) -> None:
    """Serialise adopting a number and reading news of it: each sees what the other has committed."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{carrier}:{number}", 0))))


def adopt(world: World, session: Session, shipment: Shipment, booked: Booked, adopted_from: str) -> Waybill:
    """Give a locked shipment its waybill. The same number again changes nothing.

    Raises ConflictError if another number is live for it, or the number is live on another shipment.
    """
    lock_number(session, shipment.carrier, booked.waybill_no)
    mine, holder = _mine_and_holder(session, shipment, booked.waybill_no)
    live = next((one for one in mine if one.voided_at is None), None)
    if live is not None and live.number == booked.waybill_no:
        return live
    if live is not None:
        raise ConflictError(
            f"邮件 {shipment.order_no} 已有运单 {live.number}，寄递企业又给出 {booked.waybill_no}：两个号只能用一个。"
        )
    if any(one.number == booked.waybill_no for one in mine):
        raise ConflictError(f"运单号 {booked.waybill_no} 在邮件 {shipment.order_no} 上已作废，不能再用。")
    if holder is not None and not _retire(world, session, holder):
        raise ConflictError(f"运单号 {booked.waybill_no} 已属于另一邮件 {holder.order_no}，不能再用。")
    act(world, session, shipment, Act.ADOPT, by=adopted_from)
    if _news_waits(session, shipment, booked.waybill_no):
        jobs.leave(session, FOLLOW, shipment.subject)
    _prepare(world, session, shipment, booked.waybill_no)
    waybill = _add_waybill(world, session, shipment, booked, adopted_from)
    if shipment.after_voiding is not None:  # it was called off before anybody knew whether it was booked
        act(world, session, shipment, Act.VOID)
        jobs.leave(session, CANCEL, shipment.subject, lane=shipment.carrier)
    return waybill


def _mine_and_holder(session: Session, shipment: Shipment, number: str) -> tuple[list[Waybill], Shipment | None]:
    """Every waybill that this envelope ever had, and the other envelope on which the number is live."""
    wanted = or_(Waybill.shipment_id == shipment.id, _stands(shipment.carrier, number))
    rows = session.execute(
        select(Waybill, Shipment).join(Shipment, Shipment.id == Waybill.shipment_id).where(wanted)
    ).all()
    mine = [waybill for waybill, _ in rows if waybill.shipment_id == shipment.id]
    return mine, next((holder for _, holder in rows if holder.id != shipment.id), None)


def _stands(carrier: str, number: str) -> ColumnElement[bool]:
    named = and_(Waybill.carrier == carrier, Waybill.number == number)
    return and_(named, Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))


def second_number(carrier: str, number: str) -> str:
    """How the worklist names a number that a carrier told and no envelope has."""
    return f"{carrier}:{number}"


NEWS = table("sightings", column("shipment_id"), column("carrier"), column("waybill_no"))
"""What tracking keeps (see its `sighting.py`): here it is only asked whether there is any."""


def _news_waits(session: Session, shipment: Shipment, number: str) -> bool:
    """Whether news came before the number did. Who keeps such news holds the number's lock: none is overlooked."""
    nobodys = and_(NEWS.c.carrier == shipment.carrier, NEWS.c.waybill_no == number, NEWS.c.shipment_id.is_(None))
    return session.scalar(select(exists().where(nobodys | (NEWS.c.shipment_id == shipment.id)))) or False


def _retire(world: World, session: Session, holder: Shipment) -> bool:
    """Carriers use numbers again: whether this one could be freed, its envelope being closed long ago."""
    if not _rested(world, holder):
        return False
    waybill = live_waybill(session, holder.id)
    if waybill is not None:
        waybill.retired_at = world.now()
        session.flush()
    return True


def void_waybill(world: World, session: Session, shipment: Shipment) -> None:
    """The number no longer stands for this shipment: news of it is nobody's."""
    waybill = live_waybill(session, shipment.id)
    if waybill is not None:
        waybill.voided_at = world.now()
        session.flush()
        reach(Point.VOIDED)


def _prepare(world: World, session: Session, shipment: Shipment, number: str) -> None:
    """What this carrier needs as soon as the number is known."""
    carrier = world.carrier(shipment.carrier)
    if carrier.announcing(Parcel(number, shipment.order_no or "")) is not None:
        jobs.leave(session, ANNOUNCE, shipment.subject, lane=shipment.carrier)
    if carrier.insists_on_label:
        jobs.leave(session, FETCH_LABEL, shipment.subject, lane=shipment.carrier)


def _add_waybill(world: World, session: Session, shipment: Shipment, booked: Booked, adopted_from: str) -> Waybill:
    token = new_token()
    waybill = Waybill(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier=shipment.carrier,
        number=booked.waybill_no,
        sorting_code=booked.sorting_code,
        adopted_from=adopted_from,
        adopted_at=world.now(),
        token_digest=world.vault.digest("token", token),
    )
    world.vault.seal(waybill, "token", token)
    session.add(waybill)
    session.flush()
    reach(Point.NUMBER_TAKEN)
    return waybill


def new_token() -> str:
    """128 random bits in Crockford-like base32 (26 characters, no padding): short in a QR code, unguessable."""
    return base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")


def token_in(scanned: str) -> str:
    """The token of a tracking page whose address was scanned, in whatever case; empty where it is no such address."""
    told = TRACKING_PAGE.search(scanned)
    return told[1].upper() if told else ""


def waybill_of(world: World, session: Session, token: str) -> Waybill | None:
    """The waybill with this tracking page, also one that is void."""
    return session.scalar(select(Waybill).where(Waybill.token_digest == world.vault.digest("token", token)))


def live_waybill(session: Session, shipment_id: UUID) -> Waybill | None:
    """The one live waybill of a shipment."""
    return session.scalar(select(Waybill).where(Waybill.shipment_id == shipment_id, Waybill.voided_at.is_(None)))


def live_waybills(session: Session, shipment_ids: Collection[UUID]) -> dict[UUID, Waybill]:
    """The live waybill of each of these shipments that has one."""
    mine = select(Waybill).where(Waybill.shipment_id.in_(shipment_ids), Waybill.voided_at.is_(None))
    return {waybill.shipment_id: waybill for waybill in session.scalars(mine)}


def find_live_numbers(
    world: World, session: Session, numbers: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Shipment]:
    """The live shipments that these numbers (carrier, number) belong to; see `find_live_number`."""
    named = tuple_(Waybill.carrier, Waybill.number).in_(numbers)
    standing = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))
    query = select(Waybill.carrier, Waybill.number, Shipment).join(Shipment, Shipment.id == Waybill.shipment_id)
    found = session.execute(query.where(named, *standing).execution_options(populate_existing=True)).all()
    return {(carrier, number): holder for carrier, number, holder in found if not _rested(world, holder)}


def find_live_number(world: World, session: Session, carrier: str, number: str) -> Shipment | None:
    """The live shipment that this carrier's number belongs to. Carriers use numbers again: old ones do not count,
    also where nobody has taken the number over yet.
    """
    holder = _holder(session, carrier, number)
    return None if holder is None or _rested(world, holder) else holder


def _rested(world: World, holder: Shipment) -> bool:
    """At its end for so long that its number may be another's by now."""
    return holder.view in AT_AN_END and world.now() - holder.moved_at >= world.settings.number_rest


def still_followed(world: World) -> ColumnElement[bool]:
    """A condition on `shipments`: the number may still be this one's (see `find_live_number`)."""
    ended = Shipment.stage.in_([stage for stage, seen in BY_STAGE.items() if seen in AT_AN_END])
    return ~ended | (Shipment.moved_at > world.now() - world.settings.number_rest)


def _holder(session: Session, carrier: str, number: str) -> Shipment | None:
    return session.scalar(
        select(Shipment).join(Waybill, Waybill.shipment_id == Shipment.id).where(_stands(carrier, number))
    )
