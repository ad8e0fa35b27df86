"""The mode begins: in the transaction of the restored data, so that it cannot be forgotten."""

from datetime import datetime

from sqlalchemy import case, func, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.booking.allot import AllottedNumber, Withheld
from dispatch.journey import Stage
from dispatch.restored import How, Past, Restore, alone
from dispatch.shipment import Shipment
from dispatch.world import World

LOOK_THROUGH = "restore.look_through"
EVERYTHING = "restore:everything"
SURE = (Stage.HANDED_OVER, Stage.CLOSED, Stage.CANCELLED, Stage.UNDELIVERED)
"""Stages of an envelope that is ordered no more: any other may have gone on, to a first or a second number."""


def begin(session: Session, how: How, by: str, taken_at: datetime | None = None) -> None:
    """From the commit on nothing is grouped, booked or cancelled. `taken_at`: since when the past is lost.

    A job written by older code is as good: jobs that were open at the time of the backup are open again.
    """
    alone(session)
    session.add(Restore(id=uuid7(), how=how, started_by=by, backup_taken_at=taken_at))
    past = case((Shipment.stage == Stage.GATHERING, Past.GATHERING), else_=Past.SEALED)
    doubtful = update(Shipment).where(Shipment.stage.not_in(SURE), Shipment.perhaps_placed.is_(None))
    session.execute(doubtful.values(perhaps_placed=past).execution_options(synchronize_session=False))
    free = update(AllottedNumber).where(AllottedNumber.shipment_id.is_(None), AllottedNumber.withheld.is_(None))
    session.execute(free.values(withheld=Withheld.UNTIL_TOLD).execution_options(synchronize_session=False))
    jobs.leave(session, LOOK_THROUGH, EVERYTHING)
    session.flush()


def begin_by_hand(world: World, by: str, taken_at: datetime | None = None) -> None:
    """Somebody has restored the database by other means (a snapshot, pg_basebackup)."""
    with world.begin() as session:
        begin(session, How.BY_HAND, by, taken_at)


def database_time(session: Session) -> datetime:
    """Now, as the database's clock has it."""
    now: datetime = session.execute(func.now().select()).scalar_one()
    return now
