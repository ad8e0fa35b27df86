"""Calls to a carrier, kept: the intent before it is spoken, the outcome after it (for disputes, and for doubt)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.carrier import Answer, Call
from dispatch.db import Base, RowId
from dispatch.shipment import Shipment
from dispatch.world import World

ANSWER_MOST = 65_536
"""Characters of an answer that are kept: a carrier's answer is untrusted input."""


class CarrierCall(Base):
    """One call: what was asked (business part, sealed), what was answered (sealed), what it meant."""

    __tablename__ = "carrier_calls"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    carrier: Mapped[str]
    operation: Mapped[str]
    intended_at: Mapped[datetime]
    request: Mapped[bytes]  # sealed
    answered_at: Mapped[datetime | None]
    status: Mapped[int | None]
    answer: Mapped[bytes | None]  # sealed
    outcome: Mapped[str | None]


def intend(world: World, session: Session, shipment: Shipment, call: Call) -> UUID:
    """Write the intent; it must be committed before the call is spoken."""
    kept = CarrierCall(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier=shipment.carrier,
        operation=call.operation,
        intended_at=world.now(),
    )
    world.vault.seal(kept, "request", call.kept)
    session.add(kept)
    return kept.id


def conclude(world: World, session: Session, call_id: UUID, answer: Answer | None, outcome: str) -> None:
    """Write what came back, if anything did, and what it meant."""
    kept = session.get_one(CarrierCall, call_id)
    kept.answered_at, kept.outcome = world.now(), outcome
    if answer is not None:
        kept.status = answer.status
        world.vault.seal(kept, "answer", answer.text[:ANSWER_MOST])


def last_said(world: World, session: Session, shipment: Shipment, operation: str) -> str | None:
    """What was said last in this operation for this shipment: its business part, word for word."""
    query = (
        select(CarrierCall)
        .where(CarrierCall.shipment_id == shipment.id, CarrierCall.operation == operation)
        .order_by(CarrierCall.intended_at.desc())
    )
    last = session.scalars(query.limit(1)).first()
    return None if last is None else world.vault.open(last, "request")
