"""The carrier's own label, where it accepts no other: fetched once, kept sealed, printed as it is."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import jobs, worklist
from dispatch.call import Heard, conclude, converse, failed, intend
from dispatch.carrier import Call, Carrier, InDoubt, Refused
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId
from dispatch.lease import Claim
from dispatch.shipment import FETCH_LABEL, Shipment, lock, subject_id
from dispatch.waybill import Waybill, live_waybill
from dispatch.worklist import Reason
from dispatch.world import World

HOPS = 3
"""The label itself may lie where an answer points, and that answer may point on once more."""


class TheirLabel(Base):
    """A label as the carrier drew it."""

    __tablename__ = "their_labels"

    id: Mapped[RowId]
    waybill_id: Mapped[UUID] = mapped_column(ForeignKey("waybills.id"), unique=True)
    pdf: Mapped[bytes]  # sealed, Base64
    fetched_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intent to fetch."""

    carrier: Carrier
    call: Call
    call_id: UUID
    waybill_id: UUID
    number: str


def fetch_label(world: World, claim: Claim) -> None:
    """Fetch the label of a shipment's number; a refusal goes before a person."""
    intent = _intend(world, claim)
    if intent is None:
        return
    heard = _follow(world, claim, intent)
    if isinstance(heard.told, bytes) or isinstance(heard.error, Refused):
        with claim.done() as session:
            conclude(world, session, intent.call_id, heard)
            if isinstance(heard.told, bytes):
                _store(world, session, intent.waybill_id, heard.told)
            else:
                _tell(world, session, claim.subject, intent.number, str(heard.error))
        return
    error = heard.error or InDoubt("寄递企业没有给出面单。")  # it pointed on and on
    with failed(claim, error) as session:
        conclude(world, session, intent.call_id, heard)


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        waybill, ours = live_waybill(session, shipment.id), jobs.lane_of(claim.name) == shipment.carrier
        if ours and waybill is not None and their_label(world, session, waybill) is None:
            carrier = world.carrier(shipment.carrier)
            call = carrier.own_label(waybill.number)
            if call is not None:
                return Intent(carrier, call, intend(world, session, shipment, call), waybill.id, waybill.number)
    with claim.done():
        return None


def _tell(world: World, session: Session, subject: str, number: str, refusal: str) -> None:
    """Each number's refusal is a fact of its own; so is one that comes after a person has settled the last."""
    times, _ = worklist.last_settled(session, subject, Reason.REFUSED_BY_CARRIER, cause=number)
    words = f"寄递企业没有给出运单 {number} 的面单：{refusal} 再打单时会再取一次。"
    cause = f"{number}:{times}" if times else number
    worklist.put(world, session, Reason.REFUSED_BY_CARRIER, subject, cause=cause, detail=words)


def _follow(world: World, claim: Claim, intent: Intent) -> Heard[bytes | Call]:
    """To the label itself: each answer is it, or says where it lies."""
    call = intent.call
    for _ in range(HOPS):
        heard = converse(world, intent.carrier, call, intent.carrier.read_label, claim)
        if not isinstance(heard.told, Call):
            break
        call = heard.told
    return heard


def fetch_missing(world: World, session: Session, numbered: Iterable[tuple[Shipment, Waybill]]) -> None:
    """Whoever wants to print asks anew for labels that the carrier owes us, also where it has refused them."""
    for shipment, waybill in numbered:
        carrier = world.carriers.get(shipment.carrier)
        if carrier is None or not carrier.insists_on_label:
            continue
        if their_label(world, session, waybill) is None:
            jobs.leave(session, FETCH_LABEL, shipment.subject, lane=shipment.carrier)


def _store(world: World, session: Session, waybill_id: UUID, pdf: bytes) -> None:
    row = TheirLabel(id=uuid7(), waybill_id=waybill_id, fetched_at=world.now())
    world.vault.seal(row, "pdf", base64.b64encode(pdf).decode())
    values = {column.key: getattr(row, column.key) for column in TheirLabel.__table__.columns}
    session.execute(insert(TheirLabel).values(**values).on_conflict_do_nothing(index_elements=["waybill_id"]))
    reach(Point.LABEL_STORED)


def their_label(world: World, session: Session, waybill: Waybill) -> bytes | None:
    """The label that was fetched for this number."""
    row = session.scalar(select(TheirLabel).where(TheirLabel.waybill_id == waybill.id))
    return None if row is None else base64.b64decode(world.vault.open(row, "pdf") or "")
