"""Telling the carrier, in three beats: intent committed, spoken, outcome committed (DESIGN section 3)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import breaker, jobs, restored, worklist
from dispatch.booking.allot import numbers_given, numbers_left, numbers_withheld, take_allotted, warn_when_low
from dispatch.booking.order import build_order
from dispatch.booking.route import unlawful_items
from dispatch.booking.take_off import Then, take_off
from dispatch.call import Heard, conclude, converse, failed, intend, last_said
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
from dispatch.crash import Deed, Point, reach
from dispatch.errors import ConflictError, LeaseLostError
from dispatch.journey import AWAITS_NUMBER, Act, Stage
from dispatch.lease import Claim
from dispatch.shipment import BOOK, RECALL, Shipment, act, lock, subject_id
from dispatch.waybill import adopt, live_waybill, second_number
from dispatch.worklist import SYSTEM, Reason
from dispatch.world import World

SETTLE_DOUBT = "shipment.settle_doubt"
NUMBERS_OUT = "{}的号段没有可用的运单号。"
NUMBERS_WITHHELD = "{}的号段有 {} 个运单号在数据恢复前可能已用，请管理员核定最后一个已用的号。"


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
    heard = speak(world, claim, intent)
    with kept_when_late(world, claim, intent, heard), written_in(claim, heard) as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, intent.call_id, heard)
        _write_outcome(world, session, shipment, intent, heard)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a carrier cannot be given an envelope now: a person is told, and it is tried again."""

    reason: Reason
    subject: str
    cause: str
    words: str


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        restored.check(session)
        shipment = lock(session, subject_id(claim.subject))
        # It may have been given to another carrier meanwhile, or booked.
        wanted = shipment.stage == Stage.TO_BOOK and shipment.after_voiding != Then.CANCEL
        due = wanted and jobs.lane_of(claim.name) == shipment.carrier
        carrier = world.carrier(shipment.carrier) if due else None
        obstacle = _obstacle(session, shipment, carrier) if carrier else None
        asked_for = carrier is not None and carrier.numbering is Numbering.ANSWERED
        if asked_for and obstacle is None and not shipment.perhaps_placed:
            act(world, session, shipment, Act.INTEND)
            shipment.intended_at = world.now()
            try:
                return commit_intent(world, session, shipment)
            except Refused as refusal:  # the order cannot even be written as this carrier wants it
                refuse(world, session, shipment, refusal)
    if obstacle is not None:
        with claim.later(world.settings.job_retry_cap) as session:
            _tell(world, session, obstacle)
        return None
    _without_asking(world, claim)
    return None


def _obstacle(session: Session, shipment: Shipment, carrier: Carrier) -> Obstacle | None:
    """The law, or a segment without a number. Another order, or more numbers since, make it a new fact."""
    if forbidden := unlawful_items(session, shipment, carrier):
        words = f"{'、'.join(forbidden)}不得交给{carrier.title}（邮政法第五十五条），没有下单。"
        return Obstacle(Reason.ROUTE_UNLAWFUL, shipment.subject, shipment.order_no or "", words)
    if carrier.numbering is Numbering.ALLOTTED and not numbers_left(session, carrier.name):
        withheld, so_far = numbers_withheld(session, carrier.name), str(numbers_given(session, carrier.name))
        words = (NUMBERS_WITHHELD if withheld else NUMBERS_OUT).format(carrier.title, withheld)
        return Obstacle(Reason.NUMBERS_OUT, breaker.subject_of(carrier.name), so_far, words)
    return None


def _tell(world: World, session: Session, obstacle: Obstacle) -> None:
    worklist.put(world, session, obstacle.reason, obstacle.subject, cause=obstacle.cause, detail=obstacle.words)
    if obstacle.reason is Reason.NUMBERS_OUT:  # what the warning warned of has come
        worklist.settle_by_itself(world, session, obstacle.subject, [Reason.NUMBERS_LOW])


def _without_asking(world: World, claim: Claim) -> None:
    """What needs no call: doubt about a call whose speaker died, the right lane, a number from the segment."""
    with claim.done() as session:
        restored.check(session)
        shipment = lock(session, subject_id(claim.subject))
        ours = jobs.lane_of(claim.name) == shipment.carrier
        if shipment.stage == Stage.BOOKING and ours:
            _doubt(world, session, shipment)
        elif shipment.stage == Stage.TO_BOOK and ours and shipment.perhaps_placed:
            doubt_the_past(world, session, shipment)
        elif shipment.stage == Stage.TO_BOOK and shipment.after_voiding == Then.CANCEL:
            take_off(world, session, shipment, SYSTEM)
        elif shipment.stage == Stage.TO_BOOK and ours:
            _take_from_segment(world, session, shipment)
        elif shipment.stage == Stage.TO_BOOK:
            jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)


def _take_from_segment(world: World, session: Session, shipment: Shipment) -> None:
    carrier = world.carrier(shipment.carrier)
    number = None if unlawful_items(session, shipment, carrier) else take_allotted(session, shipment)
    if number is None:  # another took the last one meanwhile, or the law was told: this job looks again
        jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
        return
    act(world, session, shipment, Act.INTEND)
    take_number(world, session, shipment, Booked(number), "segment")
    warn_when_low(world, session, carrier)


def commit_intent(world: World, session: Session, shipment: Shipment, *, repeat: bool = False) -> Intent:
    """The order, written down as a call that is about to be made.

    `repeat`: word for word as it was said last, whatever has changed in the settings since.
    """
    carrier = world.carrier(shipment.carrier)
    order = build_order(world, session, shipment)
    call = carrier.booking(order)
    since = shipment.intended_at or shipment.created_at
    if repeat and (kept := last_said(world, session, shipment, call.operation, since)) is not None:
        call = carrier.again(call, kept)
    return Intent(carrier, call, intend(world, session, shipment, call), order.order_no)


def speak(world: World, claim: Claim, intent: Intent) -> Heard[Booked]:
    """Send the call and read its answer; no transaction is open here. Raises LeaseLostError where it is too late."""
    carrier = intent.carrier
    return converse(world, carrier, intent.call, lambda answer: carrier.read_booking(answer, intent.order_no), claim)


def written_in(claim: Claim, heard: Heard[Booked | None]) -> AbstractContextManager[Session]:
    """Where the outcome is written: the job is done, or failed and comes back."""
    if isinstance(heard.error, Unavailable | Unauthorised):
        return failed(claim, heard.error)
    return claim.done()


@contextmanager
def kept_when_late(world: World, claim: Claim, intent: Intent, heard: Heard[Booked | None]) -> Iterator[None]:
    """An answer that came after the lease decides nothing, and is not thrown away: a number in it may be live."""
    try:
        yield
    except LeaseLostError:
        with world.begin(Deed.LATE_ANSWER) as session:
            shipment = lock(session, subject_id(claim.subject))
            conclude(world, session, intent.call_id, heard)
            if heard.told is not None:
                hear_number(world, session, shipment, intent, heard.told)
        raise


def is_meant(intent: Intent, shipment: Shipment) -> bool:
    """Whether what was heard speaks of this locked shipment's order as it is now: it may have another by now."""
    return (intent.carrier.name, intent.order_no) == (shipment.carrier, shipment.order_no)


def hear_number(world: World, session: Session, shipment: Shipment, intent: Intent, booked: Booked) -> None:
    """A carrier told the number of an order. Where that can no longer be the envelope's, a person must see it."""
    meant = is_meant(intent, shipment)
    live = None if meant and shipment.stage in AWAITS_NUMBER else live_waybill(session, shipment.id)
    if meant and (live is not None or shipment.stage in AWAITS_NUMBER):
        take_number(world, session, shipment, booked, "answer")
    elif live is None or (live.carrier, live.number) != (intent.carrier.name, booked.waybill_no):
        title, number = intent.carrier.title, booked.waybill_no
        words = (
            f"{title}对订单 {intent.order_no} 给出运单 {number}，但此邮件已不用这张订单：请核实并告知{title}撤单。"
        )
        cause = second_number(intent.carrier.name, number)
        worklist.put(world, session, Reason.TWO_NUMBERS, shipment.subject, cause=cause, detail=words)


def _write_outcome(world: World, session: Session, shipment: Shipment, intent: Intent, heard: Heard[Booked]) -> None:
    if heard.told is not None:
        hear_number(world, session, shipment, intent, heard.told)
    elif shipment.stage != Stage.BOOKING or not is_meant(intent, shipment):
        return  # a push or a person has settled it meanwhile
    elif isinstance(heard.error, InDoubt):
        _doubt(world, session, shipment, known=isinstance(heard.error, Duplicate))
    elif isinstance(heard.error, Refused):
        refuse(world, session, shipment, heard.error)
    else:
        act(world, session, shipment, Act.POSTPONE)


def refuse(world: World, session: Session, shipment: Shipment, refusal: Refused) -> None:
    """The carrier will not carry it: a person reads why, unless it was called off meanwhile."""
    act(world, session, shipment, Act.REFUSE)
    cause = shipment.moved_at.isoformat()  # a second refusal is a new fact
    if shipment.after_voiding == Then.CANCEL:
        take_off(world, session, shipment, SYSTEM)
        return
    worklist.put(world, session, Reason.REFUSED_BY_CARRIER, shipment.subject, cause=cause, detail=str(refusal))


def take_number(world: World, session: Session, shipment: Shipment, booked: Booked, source: str) -> None:
    """Adopt a number; where it cannot be ours, the doubt stays and a person looks."""
    try:
        adopt(world, session, shipment, booked, source)
    except ConflictError as conflict:  # before anything was written
        if shipment.stage == Stage.BOOKING:
            act(world, session, shipment, Act.DOUBT)
        worklist.put(
            world,
            session,
            Reason.TWO_NUMBERS,
            shipment.subject,
            cause=second_number(shipment.carrier, booked.waybill_no),
            detail=str(conflict),
        )


def doubt_the_past(world: World, session: Session, shipment: Shipment) -> None:
    """Its order may have been placed in the time that a restore lost: that is doubt, as if the call had been ours."""
    shipment.intended_at = shipment.intended_at or world.now()
    act(world, session, shipment, Act.INTEND)
    _doubt(world, session, shipment, known=True)
    jobs.leave(session, RECALL, shipment.subject)


def _doubt(world: World, session: Session, shipment: Shipment, *, known: bool = False) -> None:
    """`known`: the carrier has the order and only its number is missing, so it is asked for at once."""
    act(world, session, shipment, Act.DOUBT)
    shipment.doubts = shipment.absences = 0
    after = timedelta(0) if known else world.settings.doubt_ladder[0]
    jobs.leave(session, SETTLE_DOUBT, shipment.subject, lane=shipment.carrier, after=after)
    reach(Point.DOUBTED)
