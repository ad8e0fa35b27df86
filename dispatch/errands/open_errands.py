"""What is still to be carried, with the recipient masked; one recipient in full, logged, for whoever carries it."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dispatch.errands.errand import Errand, ErrandEvent, by_number
from dispatch.errands.order import OrderBody
from dispatch.errors import NotFoundError
from dispatch.mask import mask_address, mask_name, mask_phone
from dispatch.posts.by_hand.codes import CODES
from dispatch.reveal import log_reveal
from dispatch.world import World

MOST = 500


@dataclass(frozen=True, slots=True)
class OpenErrand:
    """An errand that has not come to its end."""

    number: str
    name: str
    phone: str
    address: str
    way_of_delivery: str
    created_at: datetime
    taken_by: str = ""
    taken_at: datetime | None = None
    last: str = ""  # the official name of the latest event
    last_at: datetime | None = None


def open_errands(world: World, most: int = MOST) -> list[OpenErrand]:
    """The oldest first."""
    still = Errand.cancelled_at.is_(None) & Errand.ended_at.is_(None)
    with world.reading() as session:
        errands = list(session.scalars(select(Errand).where(still).order_by(Errand.created_at).limit(most)))
        latest = _latest(session, [errand.id for errand in errands])
    return [_masked(world, errand, latest.get(errand.id)) for errand in errands]


def recipient_of(world: World, number: str, by: str, reason: str) -> str:
    """Name, telephone and address in full: a logged act. Raises NotFoundError, NotAllowedError without a reason."""
    with world.reading() as session:
        errand = by_number(session, number)
    order = _order(world, errand)
    if order is None:
        raise NotFoundError("这一单的个人信息已到期删除。")
    log_reveal(world, errand.subject, by, reason)
    party = order.recipient
    return f"{party.name} {party.phone} {party.province}{party.city}{party.county}{party.address}"


def _latest(session: Session, errand_ids: list[UUID]) -> dict[UUID, ErrandEvent]:
    latest = (ErrandEvent.errand_id, ErrandEvent.at.desc(), ErrandEvent.recorded_at.desc())
    mine = select(ErrandEvent).where(ErrandEvent.errand_id.in_(errand_ids)).ext(distinct_on(latest[0]))
    return {event.errand_id: event for event in session.scalars(mine.order_by(*latest))}


def _order(world: World, errand: Errand) -> OrderBody | None:
    text = world.vault.open(errand, "order")
    return None if text is None else OrderBody.model_validate(json.loads(text))


def _masked(world: World, errand: Errand, latest: ErrandEvent | None) -> OpenErrand:
    order = _order(world, errand)
    party = order.recipient if order else None
    return OpenErrand(
        number=errand.number,
        name=mask_name(party.name, organisation=False) if party else "",
        phone=mask_phone(party.phone) if party else "",
        address=mask_address(party.province, party.city, party.county, "", party.address) if party else "",
        way_of_delivery=order.way_of_delivery if order else "",
        created_at=errand.created_at,
        taken_by=errand.taken_by or "",
        taken_at=errand.taken_at,
        last=CODES[latest.code][0] if latest else "",
        last_at=latest.at if latest else None,
    )
