"""The carrier is asked: a push is never trusted to be the only news."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import audit, jobs
from dispatch.booking.order import parcel
from dispatch.call import UNHEARD, Heard, conclude, converse, failed, intend, last_heard_at
from dispatch.carrier import Call, Carrier, CarrierError, Seen
from dispatch.errors import NotAllowedError
from dispatch.journey import AT_AN_END
from dispatch.lease import Claim
from dispatch.shipment import ASK, WEIGH, Shipment, lock, subject_id
from dispatch.tracking.observe import learn_new_numbers, plausible, refold
from dispatch.tracking.sighting import ASKED, keep_all, new_numbers, sighting, sightings_of
from dispatch.waybill import live_waybill
from dispatch.world import World

AT_ONCE = timedelta(0)
TOO_EARLY = "同一运单号两次查询须有间隔，到时再查。"


@dataclass(frozen=True, slots=True)
class Question:
    """A committed intent to ask about one number."""

    carrier: Carrier
    call: Call
    call_id: UUID
    number: str


def ask(world: World, claim: Claim) -> None:
    """Ask for everything known of a shipment's numbers; no more often than the carrier and the settings allow."""
    with world.reading() as session:
        wait = _too_early(world, session, claim)
    if wait > AT_ONCE:
        claim.postpone(wait, TOO_EARLY)  # it has not tried: what it failed before still counts
        return
    questions = _intend(world, claim)
    if not questions:
        return
    heard = [
        (question, converse(world, question.carrier, question.call, question.carrier.read_trace, claim))
        for question in questions
    ]
    _write(world, claim, heard)


def ask_by_hand(world: World, shipment_id: UUID, by: str) -> None:
    """A person wants the carrier asked now (催查): as soon as it may be. Raises NotAllowedError: it has no number."""
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        waybill = live_waybill(session, shipment.id)
        if waybill is None:
            raise NotAllowedError(f"邮件 {shipment.order_no} 还没有运单号，无从查询轨迹。")
        jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, f"查询轨迹：运单 {waybill.number}")


def _ours(claim: Claim, shipment: Shipment) -> bool:
    """Or another carries it by now, and is asked on its own lane."""
    return jobs.lane_of(claim.name) == shipment.carrier


def _too_early(world: World, session: Session, claim: Claim) -> timedelta:
    """Until its number may be asked after again. A question without an answer was a question too (CARRIERS §4.1)."""
    shipment = session.get_one(Shipment, subject_id(claim.subject))
    waybill = live_waybill(session, shipment.id)
    if waybill is None or not _ours(claim, shipment):
        return AT_ONCE
    carrier = world.carrier(shipment.carrier)
    call = carrier.question(parcel(world, session, shipment, waybill.number))
    last = last_heard_at(session, shipment, call.operation, waybill.adopted_at) if call else None
    return AT_ONCE if last is None else last + _floor(world, carrier) - world.now()


def _floor(world: World, carrier: Carrier) -> timedelta:
    return max(world.settings.ask_floor, carrier.limits.ask_floor)


def _intend(world: World, claim: Claim) -> list[Question]:
    """The live number, and those under which the parcel travels back."""
    with world.begin() as session:
        shipment = session.get_one(Shipment, subject_id(claim.subject))
        waybill, questions = live_waybill(session, shipment.id), []
        if _ours(claim, shipment) and waybill is not None:
            carrier = world.carrier(shipment.carrier)
            back = new_numbers(sightings_of(session, shipment.id))
            for number in [waybill.number, *sorted(back - {waybill.number})]:
                call = carrier.question(parcel(world, session, shipment, number))
                if call is not None:
                    questions.append(Question(carrier, call, intend(world, session, shipment, call), number))
        if questions:
            return questions
    with claim.done():
        return []


def _write(world: World, claim: Claim, heard: list[tuple[Question, Heard[tuple[Seen, ...]]]]) -> None:
    """What was told is kept, also where another number's answer did not come: then the job comes back."""
    failure = next((one.error for _, one in heard if one.error is not None), None)
    asked = [question for question, one in heard if one.outcome not in UNHEARD]
    pause = _floor(world, asked[0].carrier) if asked else AT_ONCE
    with _written_in(world, claim, failure, pause) as session:
        for question, one in heard:
            conclude(world, session, question.call_id, one)
        told = [seen for question, one in heard for seen in _of(question, one.told or ())]
        if failure is None or told:
            _take_in(world, session, subject_id(claim.subject), told, whole=failure is None)


def _written_in(
    world: World, claim: Claim, failure: CarrierError | None, pause: timedelta
) -> AbstractContextManager[Session]:
    """Where the outcome is written. A letter at its end is not asked after for ever: its entry is a person's then."""
    if failure is None:
        return claim.done()
    with world.reading() as session:
        over = session.get_one(Shipment, subject_id(claim.subject)).view in AT_AN_END
    if over and claim.attempts >= world.settings.look_after_closing_tries:
        return claim.given_up(str(failure))
    return failed(claim, failure, pause)


def _of(question: Question, news: tuple[Seen, ...]) -> list[Seen]:
    """News of the number that was asked for; of a carrier that is asked by our order number, also without one."""
    named = [replace(seen, waybill_no=seen.waybill_no or question.number) for seen in news]
    return [seen for seen in named if seen.waybill_no == question.number]


def _take_in(world: World, session: Session, shipment_id: UUID, news: list[Seen], *, whole: bool) -> None:
    shipment = lock(session, shipment_id)
    if whole:
        shipment.asked_at = world.now()
    told = [plausible(world, shipment, seen) for seen in news]
    learn_new_numbers(world, session, shipment, {seen.new_number for seen in told})
    keep_all(session, [sighting(world, shipment.carrier, seen, ASKED, shipment.id) for seen in told])
    refold(world, session, shipment, asked=whole)
    jobs.leave(session, WEIGH, shipment.subject)
