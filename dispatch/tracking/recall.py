"""News that came before its order was known again: after a restore the carrier's own pushes tell what was booked."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.booking.book import take_number
from dispatch.carrier import Booked
from dispatch.journey import AWAITS_NUMBER
from dispatch.lease import Claim
from dispatch.shipment import Shipment, lock, subject_id
from dispatch.tracking.sighting import Sighting
from dispatch.world import World


def recall(world: World, claim: Claim) -> None:
    """Adopt the number that nobody's news gave for our order; later news finds the order by itself."""
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage not in AWAITS_NUMBER:
            return
        for number, source in _told_of(session, shipment):
            if world.carrier(shipment.carrier).is_number(number):
                take_number(world, session, shipment, Booked(number), source)


def _told_of(session: Session, shipment: Shipment) -> list[tuple[str, str]]:
    """Numbers that news of nobody's parcel names beside our order number; of two, a person sees the second."""
    told = (
        select(Sighting.waybill_no, func.min(Sighting.source))
        .where(Sighting.carrier == shipment.carrier, Sighting.order_no == shipment.order_no)
        .where(Sighting.shipment_id.is_(None), Sighting.order_no != "")
        .group_by(Sighting.waybill_no)
    )
    return [(number, source) for number, source in session.execute(told)]
