"""Telling the carrier, in three beats: intent committed, spoken, outcome committed (DESIGN section 3)."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import breaker, jobs, worklist
from dispatch.booking.allot import numbers_given, numbers_left, take_allotted
from dispatch.booking.order import build_order
from dispatch.booking.route import unlawful_items
from dispatch.call import Heard, conclude, converse, intend, last_said
from dispatch.carrier import (
    Booked,
    Call,
    Carrier,
    Duplicate,
    InDoubt,
    Numbering,
    Refused,
    Unauthorised,
    Unavailable,
)
from dispatch.errors import ConflictError
from dispatch.jobs import Claim
from dispatch.journey import Act, Stage
from dispatch.shipment import Shipment, act, adopt, lock, subject_id
from dispatch.worklist import Reason
from dispatch.world import World

BOOK = "shipment.book"
SETTLE_DOUBT = "shipment.settle_doubt"


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intent: what will be said, to whom, for which order."""

    carrier: Carrier
    call: Call
    call_id: UUID
    order_no: str


def book(world: World, claim: Claim) -> None:
    """Place the order of a sealed shipment. Finding it `booking` means that its last speaker died: doubt."""
    intent = _intend(world, claim)
    if intent is None:
        return
    heard = speak(world, intent)
    with written_in(claim, heard) as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, intent.call_id, heard)
        _write_outcome(world, session, shipment, heard)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a carrier cannot be given an envelope now: a person is told, and it is tried again."""

    reason: Reason
    subject: str
    cause: str
    words: str


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        carrier = world.carriers[shipment.carrier]
        # It may have been given to another carrier meanwhile, or booked.
        due = jobs.lane_of(claim.name) == shipment.carrier and shipment.stage == Stage.TO_BOOK
        obstacle = _obstacle(session, shipment, carrier) if due else None
        if due and obstacle is None and carrier.numbering is Numbering.ANSWERED:
            act(world, session, shipment, Act.INTEND)
            shipment.intended_at = world.now()
            try:
                return commit_intent(world, session, shipment)
            except Refused as refusal:  # the order cannot even be written as this carrier wants it
                _refuse(world, session, shipment, refusal)
    if obstacle is not None:
        with claim.later(world.settings.job_retry_cap) as session:
            worklist.put(
                world, session, obstacle.reason, obstacle.subject, cause=obstacle.cause, detail=obstacle.words
            )
        return None
    _without_asking(world, claim)
    return None


def _obstacle(session: Session, shipment: Shipment, carrier: Carrier) -> Obstacle | None:
    """The law, or a segment without a number. Another order, or more numbers since, make it a new fact."""
    if forbidden := unlawful_items(session, shipment, carrier):
        words = f"{'、'.join(forbidden)}不得交给{carrier.title}（邮政法第五十五条），没有下单。"
        return Obstacle(Reason.ROUTE_UNLAWFUL, shipment.subject, shipment.order_no or "", words)
    if carrier.numbering is Numbering.ALLOTTED and not numbers_left(session, carrier.name):
        words, so_far = f"{carrier.title}的号段没有可用的运单号。", str(numbers_given(session, carrier.name))
        return Obstacle(Reason.NUMBERS_OUT, breaker.subject_of(carrier.name), so_far, words)
    return None


def _without_asking(world: World, claim: Claim) -> None:
    """What needs no call: doubt about a call whose speaker died, the right lane, a number from the segment."""
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        ours = jobs.lane_of(claim.name) == shipment.carrier
        if shipment.stage == Stage.BOOKING and ours:
            _doubt(world, session, shipment)
        elif shipment.stage == Stage.TO_BOOK and ours:
            _take_from_segment(world, session, shipment)
        elif shipment.stage == Stage.TO_BOOK:
            jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)


def _take_from_segment(world: World, session: Session, shipment: Shipment) -> None:
    carrier = world.carriers[shipment.carrier]
    number = None if unlawful_items(session, shipment, carrier) else take_allotted(session, shipment)
    if number is None:  # another took the last one meanwhile, or the law was told: this job looks again
        jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
        return
    act(world, session, shipment, Act.INTEND)
    take_number(world, session, shipment, Booked(number), "segment")


def commit_intent(world: World, session: Session, shipment: Shipment, *, repeat: bool = False) -> Intent:
    """The order, written down as a call that is about to be made.

    `repeat`: word for word as it was said last, whatever has changed in the settings since.
    """
    carrier = world.carriers[shipment.carrier]
    order = build_order(world, session, shipment)
    call = carrier.booking(order)
    since = shipment.intended_at or shipment.created_at
    if repeat and (kept := last_said(world, session, shipment, call.operation, since)) is not None:
        call = carrier.again(call, kept)
    return Intent(carrier, call, intend(world, session, shipment, call), order.order_no)


def speak(world: World, intent: Intent) -> Heard[Booked]:
    """Send the call and read its answer; no transaction is open here."""
    return converse(
        world, intent.carrier, intent.call, lambda answer: intent.carrier.read_booking(answer, intent.order_no)
    )


def written_in(claim: Claim, heard: Heard[Booked | None]) -> AbstractContextManager[Session]:
    """Where the outcome is written: the job is done, or failed and comes back."""
    if isinstance(heard.error, Unavailable):
        return claim.failed(str(heard.error), heard.error.retry_after)
    if isinstance(heard.error, Unauthorised):
        return claim.failed(str(heard.error))
    return claim.done()


def _write_outcome(world: World, session: Session, shipment: Shipment, heard: Heard[Booked]) -> None:
    if heard.told is not None:
        take_number(world, session, shipment, heard.told, "answer")
    elif shipment.stage != Stage.BOOKING:
        return  # a push has settled it meanwhile
    elif isinstance(heard.error, InDoubt):
        _doubt(world, session, shipment, known=isinstance(heard.error, Duplicate))
    elif isinstance(heard.error, Refused):
        _refuse(world, session, shipment, heard.error)
    else:
        act(world, session, shipment, Act.POSTPONE)


def _refuse(world: World, session: Session, shipment: Shipment, refusal: Refused) -> None:
    act(world, session, shipment, Act.REFUSE)
    cause = shipment.moved_at.isoformat()  # a second refusal is a new fact
    worklist.put(world, session, Reason.REFUSED_BY_CARRIER, shipment.subject, cause=cause, detail=str(refusal))


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


def _doubt(world: World, session: Session, shipment: Shipment, *, known: bool = False) -> None:
    """`known`: the carrier has the order and only its number is missing, so it is asked for at once."""
    act(world, session, shipment, Act.DOUBT)
    shipment.doubts = shipment.absences = 0
    after = timedelta(0) if known else world.settings.doubt_ladder[0]
    jobs.leave(session, SETTLE_DOUBT, shipment.subject, lane=shipment.carrier, after=after)
