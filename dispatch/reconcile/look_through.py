"""Everything open is looked at once: who must be asked is named, and the answers end the mode."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import jobs
from dispatch.booking.book import SETTLE_DOUBT, doubt_the_past
from dispatch.journey import Act, Stage
from dispatch.lease import Claim
from dispatch.reconcile.begin import database_time
from dispatch.reconcile.left import UNKNOWN, end_by_itself, unasked
from dispatch.restored import open_restore
from dispatch.shipment import ASK, RECALL, Shipment, act, lock
from dispatch.world import World

LOOK = timedelta(seconds=30)
"""So often it is looked whether anything is left."""


def look_through(world: World, claim: Claim) -> None:
    """Put into doubt what may be ordered, and have asked what has a number; then wait until nothing is left."""
    with world.reading() as session:
        restore = open_restore(session)
        first = restore is not None and restore.looked_through_at is None
        doubtful = _doubtful(session) if first else []
        numbered = [row.id for row in unasked(session, restore)] if first and restore is not None else []
    for shipment_id in doubtful:
        with world.begin() as session:
            _look_up(world, session, lock(session, shipment_id))
    for shipment_id in numbered:
        with world.begin() as session:
            shipment = lock(session, shipment_id)
            jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
    if first:
        with world.begin() as session:
            restore = open_restore(session)
            if restore is not None:
                restore.looked_through_at = database_time(session)
    if end_by_itself(world):
        with claim.done():
            return
    with claim.later(LOOK):
        return


def _doubtful(session: Session) -> list[UUID]:
    query = select(Shipment.id).where(Shipment.perhaps_placed.is_not(None), Shipment.stage.in_(UNKNOWN))
    return list(session.scalars(query.order_by(Shipment.id)))


def _look_up(world: World, session: Session, shipment: Shipment) -> None:
    """By its carrier's means. What was missed before the backup may have been placed after it: it is forgotten."""
    if shipment.perhaps_placed is None:
        return
    if shipment.stage == Stage.TO_BOOK:
        doubt_the_past(world, session, shipment)
        return
    if shipment.stage == Stage.BOOKING:  # its worker lives in the past
        act(world, session, shipment, Act.DOUBT)
    if shipment.stage == Stage.IN_DOUBT:
        shipment.doubts = shipment.absences = 0
        jobs.leave(session, SETTLE_DOUBT, shipment.subject, lane=shipment.carrier)
        jobs.leave(session, RECALL, shipment.subject)
