"""The post is asked: a push is never trusted to be the only news."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs
from dispatch.booking.call import conclude, intend
from dispatch.carrier import Answer, Call, Carrier, CarrierError, Seen, Unavailable
from dispatch.jobs import Claim
from dispatch.shipment import WEIGH, Shipment, live_waybill, lock, subject_id
from dispatch.tracking.observe import plausible, refold
from dispatch.tracking.sighting import keep
from dispatch.world import World

ASKED = "question"


def ask(world: World, claim: Claim) -> None:
    """Ask the post for everything known of a shipment's number; no more often than the floor allows."""
    with world.reading() as session:
        wait = _too_early(world, session.get_one(Shipment, subject_id(claim.subject)))
    if wait > timedelta(0):
        with claim.later(wait):
            return
    question = _intend(world, claim)
    if question is None:
        return
    _speak(world, claim, *question)


def _too_early(world: World, shipment: Shipment) -> timedelta:
    if shipment.asked_at is None:
        return timedelta(0)
    return shipment.asked_at + world.settings.ask_floor - world.now()


def _intend(world: World, claim: Claim) -> tuple[Carrier, Call, UUID, str] | None:
    with world.begin() as session:
        shipment = session.get_one(Shipment, subject_id(claim.subject))
        waybill = live_waybill(session, shipment.id)
        if waybill is not None:
            carrier = world.carriers[shipment.carrier]
            call = carrier.question(waybill.number)
            return carrier, call, intend(world, session, shipment, call), waybill.number
    with claim.done():
        return None


def _speak(world: World, claim: Claim, carrier: Carrier, call: Call, call_id: UUID, number: str) -> None:
    answer: Answer | None = None
    try:
        answer = carrier.speak(call)
        news = carrier.read_trace(answer)
    except (CarrierError, ValueError) as error:
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        with claim.failed(str(error), retry_after) as session:
            conclude(world, session, call_id, answer, type(error).__name__)
        return
    with claim.done() as session:
        conclude(world, session, call_id, answer, "Told")
        _take_in(world, session, subject_id(claim.subject), [seen for seen in news if seen.waybill_no == number])


def _take_in(world: World, session: Session, shipment_id: UUID, news: list[Seen]) -> None:
    shipment = lock(session, shipment_id)
    shipment.asked_at = world.now()
    for seen in news:
        keep(world, session, shipment.carrier, plausible(world, shipment, seen), ASKED, shipment.id)
    refold(world, session, shipment, asked=True)
    jobs.leave(session, WEIGH, shipment.subject)
