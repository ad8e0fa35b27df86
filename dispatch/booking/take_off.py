"""An envelope is taken off the road: nothing is sent, its papers are free, and its cases wait for a person."""

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs
from dispatch.approval.case import Hold, open_hold
from dispatch.approval.lodge import CASE_WATCH
from dispatch.booking.order import cases_in
from dispatch.journey import Act
from dispatch.shipment import Content, Shipment, act
from dispatch.world import World

TAKEN_OFF = "已撤销寄递；要再寄，请解除暂缓。"


class Then(StrEnum):
    """What follows when the carrier has cancelled."""

    BOOK_AGAIN = "book_again"  # a second label
    CANCEL = "cancel"  # nothing is sent


def take_off(world: World, session: Session, shipment: Shipment, by: str) -> None:
    """Of a locked shipment that surely has no booking. Raises NotAllowedError where the journey does not know it."""
    cases = cases_in(session, shipment)
    for content in session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void)):
        content.void = True
    act(world, session, shipment, Act.CANCEL, by=by)
    for case in cases:
        if open_hold(session, case.id) is None:  # or it would be gathered anew by itself
            row = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=by)
            world.vault.seal(row, "reason", TAKEN_OFF)
            session.add(row)
        jobs.leave(session, CASE_WATCH, case.subject)
