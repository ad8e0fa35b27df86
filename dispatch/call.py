"""Calls to a carrier, kept: the intent before it is spoken, the outcome after it (for disputes, and for doubt)."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import breaker
from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    Carrier,
    CarrierError,
    InDoubt,
    NoAnswer,
    Unauthorised,
    Unavailable,
)
from dispatch.crash import Point, reach
from dispatch.db import Base, RowId
from dispatch.errors import LeaseLostError
from dispatch.lease import Claim
from dispatch.shipment import Shipment
from dispatch.tracing import span
from dispatch.world import World

ANSWER_MOST = 65_536
"""Characters of an answer that are kept: a carrier's answer is untrusted input."""
TOLD = "Told"
"""The outcome of a call that was answered well."""
UNHEARD = frozenset({Unavailable.__name__, Unauthorised.__name__})
"""Outcomes of calls that the carrier surely did not take in. Whoever is throttled has been heard."""
Told = TypeVar("Told")
Told_co = TypeVar("Told_co", covariant=True)


class CarrierCall(Base):
    """One call: what was asked (business part, sealed), what was answered (sealed), what it meant."""

    __tablename__ = "carrier_calls"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), index=True)
    carrier: Mapped[str]
    operation: Mapped[str]
    intended_at: Mapped[datetime] = mapped_column(index=True)
    request: Mapped[bytes]  # sealed
    answered_at: Mapped[datetime | None]
    status: Mapped[int | None]
    answer: Mapped[bytes | None]  # sealed
    outcome: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Heard(Generic[Told_co]):
    """What came of speaking: an answer or none, what it told or an error."""

    answer: Answer | None
    told: Told_co | None = None
    error: CarrierError | None = None

    @property
    def outcome(self) -> str:
        """One word for the kept call."""
        if self.error is not None:
            return type(self.error).__name__
        return "Booked" if isinstance(self.told, Booked) else TOLD


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
    reach(Point.INTENT_WRITTEN)
    return kept.id


def converse(
    world: World, carrier: Carrier, call: Call, read: Callable[[Answer], Told], claim: Claim | None = None
) -> Heard[Told]:
    """Send the call and read its answer; no transaction is open here. The account's breaker hears of it.

    Raises LeaseLostError where the claim's time is up: others may have decided meanwhile that it was never said.
    """
    if claim is not None and not claim.may_speak():
        raise LeaseLostError(f"任务 {claim.name}（{claim.subject}）的时限将尽，没有向寄递企业发出请求。")
    reach(Point.INTENT_COMMITTED)
    answer: Answer | None = None
    heard: Heard[Told]
    began = time.monotonic()
    with span("call", carrier=carrier.name, operation=call.operation) as late:
        try:
            answer = carrier.speak(call)
            heard = Heard(answer, told=read(answer))
        except CarrierError as error:
            heard = Heard(answer, error=error)
        except ValueError as unreadable:
            heard = Heard(answer, error=InDoubt(f"寄递企业的答复读不懂：{unreadable}"))
        late["outcome"] = heard.outcome
    reach(Point.PARSED)
    breaker.report(world, carrier, heard.error, timedelta(seconds=time.monotonic() - began))
    return heard


def failed(claim: Claim, error: CarrierError, at_least: timedelta = timedelta(0)) -> AbstractContextManager[Session]:
    """The job comes back: when the carrier said, if it did. Who is refused as a customer has not tried this job."""
    told = error.retry_after if isinstance(error, Unavailable | NoAnswer) else None
    return claim.failed(str(error), told, at_least=at_least, counts=not isinstance(error, Unauthorised))


def conclude(world: World, session: Session, call_id: UUID, heard: Heard[object]) -> None:
    """Write what came back, if anything did, and what it meant."""
    kept = CarrierCall(id=call_id)  # it is sealed for its row
    if heard.answer is not None:
        kept.status = heard.answer.status
        world.vault.seal(kept, "answer", heard.answer.text[:ANSWER_MOST])
    came = {"answered_at": world.now(), "outcome": heard.outcome, "status": kept.status, "answer": kept.answer}
    written = update(CarrierCall).where(CarrierCall.id == call_id).values(**came)
    session.execute(written.execution_options(synchronize_session=False))


def last_said(world: World, session: Session, shipment: Shipment, operation: str, since: datetime) -> str | None:
    """What was said last in this operation for this shipment since then: its business part, word for word."""
    query = (
        select(CarrierCall)
        .where(CarrierCall.shipment_id == shipment.id, CarrierCall.operation == operation)
        .where(CarrierCall.intended_at >= since)
        .order_by(CarrierCall.intended_at.desc())
    )
    last = session.scalars(query.limit(1)).first()
    return None if last is None else world.vault.open(last, "request")


def last_heard_at(session: Session, shipment: Shipment, operation: str, since: datetime) -> datetime | None:
    """When the carrier last heard this for this shipment, answered or not. An intent alone may have been spoken."""
    said = (CarrierCall.shipment_id == shipment.id, CarrierCall.operation == operation)
    heard = func.coalesce(CarrierCall.outcome, "").not_in(UNHEARD)
    at = func.max(func.coalesce(CarrierCall.answered_at, CarrierCall.intended_at))
    return session.scalar(select(at).where(*said, CarrierCall.intended_at >= since, heard))


def times_heard(session: Session, shipment: Shipment, operation: str, since: datetime) -> int:
    """How often this was said for this shipment since then, and heard: refused and unanswered calls do not count."""
    said = (CarrierCall.shipment_id == shipment.id, CarrierCall.operation == operation)
    heard = select(func.count()).where(*said, CarrierCall.intended_at >= since, CarrierCall.outcome == TOLD)
    return session.scalar(heard) or 0


def forget_calls(session: Session, before: datetime, most: int) -> int:
    """Erase calls older than the retention, oldest first; how many were erased."""
    old = select(CarrierCall.id).where(CarrierCall.intended_at < before).order_by(CarrierCall.intended_at).limit(most)
    gone = delete(CarrierCall).where(CarrierCall.id.in_(old.scalar_subquery())).returning(CarrierCall.id)
    return len(session.execute(gone).all())
