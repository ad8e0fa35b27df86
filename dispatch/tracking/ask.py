"""The carrier is asked: a push is never trusted to be the only news."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs
from dispatch.booking.order import parcel
from dispatch.call import Heard, conclude, converse, intend
from dispatch.carrier import Call, Carrier, Seen, Unavailable
from dispatch.jobs import Claim
from dispatch.shipment import WEIGH, Shipment, live_waybill, lock, subject_id
from dispatch.tracking.observe import learn_new_numbers, plausible, refold
from dispatch.tracking.sighting import ASKED, keep, new_numbers, sightings_of
from dispatch.world import World


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
        wait = _too_early(world, session.get_one(Shipment, subject_id(claim.subject)))
    if wait > timedelta(0):
        with claim.later(wait):
            return
    questions = _intend(world, claim)
    if not questions:
        return
    heard = [
        (question, converse(world, question.carrier, question.call, question.carrier.read_trace))
        for question in questions
    ]
    _write(world, claim, heard)


def _too_early(world: World, shipment: Shipment) -> timedelta:
    if shipment.asked_at is None:
        return timedelta(0)
    floor = max(world.settings.ask_floor, world.carriers[shipment.carrier].limits.ask_floor)
    return shipment.asked_at + floor - world.now()


def _intend(world: World, claim: Claim) -> list[Question]:
    """The live number, and those under which the parcel travels back."""
    with world.begin() as session:
        shipment = session.get_one(Shipment, subject_id(claim.subject))
        waybill, carrier = live_waybill(session, shipment.id), world.carriers[shipment.carrier]
        ours = jobs.lane_of(claim.name) == shipment.carrier  # or another carries it by now, and is asked on its lane
        questions = []
        if ours and waybill is not None:
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
    retry_after = failure.retry_after if isinstance(failure, Unavailable) else None
    with claim.failed(str(failure), retry_after) if failure else claim.done() as session:
        for question, one in heard:
            conclude(world, session, question.call_id, one)
        told = [seen for question, one in heard for seen in _of(question, one.told or ())]
        if failure is None or told:
            _take_in(world, session, subject_id(claim.subject), told, whole=failure is None)


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
    for seen in told:
        keep(world, session, shipment.carrier, seen, ASKED, shipment.id)
    refold(world, session, shipment, asked=whole)
    jobs.leave(session, WEIGH, shipment.subject)
