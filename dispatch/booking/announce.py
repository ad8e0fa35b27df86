"""Once the number is known, whoever must hear of it: a tracker's subscription, SF's confirmation."""

from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.booking.order import parcel
from dispatch.call import Heard, conclude, converse, intend
from dispatch.carrier import Answer, Call, Carrier, Refused, Unavailable
from dispatch.jobs import Claim
from dispatch.shipment import live_waybill, lock, subject_id
from dispatch.worklist import Reason
from dispatch.world import World

TRIES = 5
"""So often it is said without being heard; then a person is told too, and the saying goes on."""


def announce(world: World, claim: Claim) -> None:
    """Say it until it is heard. A refusal goes before a person; the carrier is asked after the parcel anyway."""
    intent = _intend(world, claim)
    if intent is None:
        return
    carrier, call, call_id = intent

    def read(answer: Answer) -> bool:
        carrier.read_announcing(answer)
        return True

    heard = converse(world, carrier, call, read)
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
    return claim.failed(str(heard.error), heard.error.retry_after if isinstance(heard.error, Unavailable) else None)


def _intend(world: World, claim: Claim) -> tuple[Carrier, Call, UUID] | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        waybill, carrier = live_waybill(session, shipment.id), world.carriers[shipment.carrier]
        ours = jobs.lane_of(claim.name) == shipment.carrier
        if ours and waybill is not None:
            call = carrier.announcing(parcel(world, session, shipment, waybill.number))
            if call is not None:
                return carrier, call, intend(world, session, shipment, call)
    with claim.done():
        return None
