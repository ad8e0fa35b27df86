"""Whose pictures somebody may look at: those of what they may reach, and each look is a logged act."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case
from dispatch.approval.pickup_row import Pickup
from dispatch.approval.within import Within
from dispatch.errors import NotFoundError
from dispatch.packing.hand_over import HandOverLine, LinePutBack
from dispatch.picture import Drawn, show_picture, subject_of_picture
from dispatch.shipment import Shipment, subject_id
from dispatch.world import World


def look_at_picture(world: World, picture_id: UUID, by: str, reason: str, within: Within) -> Drawn:
    """The picture. Raises NotFoundError (none, or of nothing within reach), NotAllowedError (no reason)."""
    check_picture(world, picture_id, within)
    return show_picture(world, picture_id, by, reason)


def check_picture(world: World, picture_id: UUID, within: Within) -> None:
    """Raises NotFoundError where it belongs to nothing within reach."""
    subject = subject_of_picture(world, picture_id)
    with world.reading() as session:
        if not _reaches(session, subject, within):
            raise NotFoundError("没有这张照片。")


def _reaches(session: Session, subject: str, within: Within) -> bool:
    owner = subject_id(subject)
    asked: ColumnElement[bool]
    match subject.partition(":")[0]:
        case "shipment":
            asked = exists().where(Shipment.id == owner, within.shipments)
        case "hand_over":
            asked = or_(
                *(
                    exists().where(line.hand_over_id == owner, Shipment.id == line.shipment_id, within.shipments)
                    for line in (HandOverLine, LinePutBack)
                )
            )
        case "pickup":
            asked = exists().where(Pickup.id == owner, Case.id == Pickup.case_id, within.cases)
        case _:
            return False
    return session.scalar(select(asked)) or False
