"""Once the number is known, whoever must hear of it: a tracker's subscription, SF's confirmation."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.booking.order import parcel
from dispatch.call import Heard, conclude, converse, failed, intend, times_heard
from dispatch.carrier import Answer, Call, Carrier, Refused
from dispatch.journey import AT_AN_END
from dispatch.lease import Claim
from dispatch.shipment import Shipment, lock, subject_id
from dispatch.waybill import Waybill, live_waybill
from dispatch.worklist import Reason
from dispatch.world import World

TRIES = 5
"""So often it is said without being heard; then a person is told too, and the saying goes on."""
MONTH = timedelta(days=31)
SPENT = "一个月内已告知 {} 次，寄递企业或轨迹平台不再受理：轨迹只靠查询。"


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be said of a live number."""

    carrier: Carrier
    call: Call
    waybill: Waybill


def announce(world: World, claim: Claim) -> None:
    """Say it until it is heard. A refusal goes before a person; the carrier is asked after the parcel anyway.

    What a carrier takes only so often in a month is not said more often: then too a person is told.
    """
    intent = _intend(world, claim)
    if intent is None:
        return
    carrier, call, call_id = intent

    def read(answer: Answer) -> bool:
        carrier.read_announcing(answer)
        return True

    heard = converse(world, carrier, call, read, claim)
    with _written_in(claim, heard) as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, call_id, heard)
        if heard.error is None:
            worklist.settle_by_itself(world, session, shipment.subject, [Reason.NOT_FOLLOWED])
        elif isinstance(heard.error, Refused) or claim.attempts >= TRIES:
            waybill = live_waybill(session, shipment.id)
            cause, words = waybill.number if waybill else "", str(heard.error)
            worklist.put(world, session, Reason.NOT_FOLLOWED, shipment.subject, cause=cause, detail=words)


def _written_in(claim: Claim, heard: Heard[bool]) -> AbstractContextManager[Session]:
    if heard.error is None or isinstance(heard.error, Refused):
        return claim.done()
    return failed(claim, heard.error)


def _intend(world: World, claim: Claim) -> tuple[Carrier, Call, UUID] | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        saying = _saying(world, session, claim, shipment)
        if saying is not None and not _spent(world, session, shipment, saying):
            return saying.carrier, saying.call, intend(world, session, shipment, saying.call)
    with claim.done() as session:
        if saying is not None:
            cause, words = f"{saying.waybill.number}:spent", SPENT.format(saying.carrier.limits.announcements)
            worklist.put(world, session, Reason.NOT_FOLLOWED, claim.subject, cause=cause, detail=words)
    return None


def _saying(world: World, session: Session, claim: Claim, shipment: Shipment) -> Saying | None:
    """None where another carries it by now, or nobody need hear of it any more."""
    waybill = live_waybill(session, shipment.id)
    if jobs.lane_of(claim.name) != shipment.carrier or waybill is None or shipment.view in AT_AN_END:
        return None
    carrier = world.carrier(shipment.carrier)
    call = carrier.announcing(parcel(world, session, shipment, waybill.number))
    return None if call is None else Saying(carrier, call, waybill)


def _spent(world: World, session: Session, shipment: Shipment, saying: Saying) -> bool:
    """Whether this number was heard of as often as the carrier permits in a month."""
    most = saying.carrier.limits.announcements
    since = max(saying.waybill.adopted_at, world.now() - MONTH)
    return most is not None and times_heard(session, shipment, saying.call.operation, since) >= most
