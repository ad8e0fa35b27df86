"""Telling the post, in three beats: intent committed, spoken, outcome committed (DESIGN section 3)."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.booking.call import conclude, intend, last_said
from dispatch.booking.order import build_order
from dispatch.carrier import Answer, Booked, Call, Carrier, CarrierError, InDoubt, Refused, Unauthorised, Unavailable
from dispatch.errors import ConflictError
from dispatch.jobs import Claim
from dispatch.journey import Act, Stage
from dispatch.shipment import Shipment, act, adopt, lock, subject_id
from dispatch.worklist import Reason
from dispatch.world import World

SETTLE_DOUBT = "shipment.settle_doubt"


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intent: what will be said, to whom, for which order."""

    carrier: Carrier
    call: Call
    call_id: UUID
    order_no: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of speaking: an answer or none, a number or an error."""

    answer: Answer | None
    booked: Booked | None = None
    error: CarrierError | None = None

    @property
    def outcome(self) -> str:
        """One word for the kept call."""
        return type(self.error).__name__ if self.error else "Booked"


def book(world: World, claim: Claim) -> None:
    """Place the order of a sealed shipment. Finding it `booking` means that its last speaker died: doubt."""
    intent = _intend(world, claim)
    if intent is None:
        return
    heard = speak(intent)
    with written_in(claim, heard) as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, intent.call_id, heard.answer, heard.outcome)
        _write_outcome(world, session, shipment, heard)


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.TO_BOOK:
            act(world, session, shipment, Act.INTEND)
            return commit_intent(world, session, shipment)
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.BOOKING:
            _doubt(world, session, shipment)
    return None


def commit_intent(world: World, session: Session, shipment: Shipment, *, repeat: bool = False) -> Intent:
    """The order, written down as a call that is about to be made.

    `repeat`: word for word as it was said last, whatever has changed in the settings since.
    """
    carrier = world.carriers[shipment.carrier]
    order = build_order(world, session, shipment)
    call = carrier.booking(order)
    if repeat and (kept := last_said(world, session, shipment, call.operation)) is not None:
        call = carrier.again(call, kept)
    return Intent(carrier, call, intend(world, session, shipment, call), order.order_no)


def speak(intent: Intent) -> Heard:
    """Send the call and read its answer; no transaction is open here."""
    answer: Answer | None = None
    try:
        answer = intent.carrier.speak(intent.call)
        return Heard(answer, booked=intent.carrier.read_booking(answer, intent.order_no))
    except CarrierError as error:
        return Heard(answer, error=error)


def written_in(claim: Claim, heard: Heard) -> AbstractContextManager[Session]:
    """Where the outcome is written: the job is done, or failed and comes back."""
    if isinstance(heard.error, Unavailable):
        return claim.failed(str(heard.error), heard.error.retry_after)
    if isinstance(heard.error, Unauthorised):
        return claim.failed(str(heard.error))
    return claim.done()


def _write_outcome(world: World, session: Session, shipment: Shipment, heard: Heard) -> None:
    if heard.booked is not None:
        take_number(world, session, shipment, heard.booked, "answer")
    elif shipment.stage != Stage.BOOKING:
        return  # a push has settled it meanwhile
    elif isinstance(heard.error, InDoubt):
        _doubt(world, session, shipment)
    elif isinstance(heard.error, Refused):
        act(world, session, shipment, Act.REFUSE)
        worklist.put(
            world,
            session,
            Reason.REFUSED_BY_CARRIER,
            shipment.subject,
            cause=shipment.moved_at.isoformat(),  # a second refusal is a new fact
            detail=str(heard.error),
        )
    else:
        act(world, session, shipment, Act.POSTPONE)


def take_number(world: World, session: Session, shipment: Shipment, booked: Booked, source: str) -> None:
    """Adopt a number; where it cannot be ours, the doubt stays and a person looks."""
    try:
        with session.begin_nested():
            adopt(world, session, shipment, booked, source)
    except ConflictError as conflict:
        session.refresh(shipment)
        if shipment.stage == Stage.BOOKING:
            act(world, session, shipment, Act.DOUBT)
        worklist.put(
            world,
            session,
            Reason.TWO_NUMBERS,
            shipment.subject,
            cause=booked.waybill_no,
            detail=str(conflict),
        )


def _doubt(world: World, session: Session, shipment: Shipment) -> None:
    act(world, session, shipment, Act.DOUBT)
    shipment.doubts = 0
    jobs.leave(session, SETTLE_DOUBT, shipment.subject, after=world.settings.doubt_ladder[0])
