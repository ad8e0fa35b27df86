"""A booking is taken back: the carrier is told, and only its word makes the number void.

So an envelope never has two live waybills: its second label is booked after the first is cancelled.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, worklist
from dispatch.approval.case import Hold, open_hold
from dispatch.approval.lodge import CASE_WATCH
from dispatch.booking.book import BOOK
from dispatch.booking.doubt import settle_refusal
from dispatch.booking.order import cases_in, new_order, parcel
from dispatch.booking.route import find_carrier, unlawful_items
from dispatch.call import conclude, converse, intend
from dispatch.carrier import Answer, Call, Carrier, CarrierError, Numbering, Refused, Unavailable
from dispatch.errors import NotAllowedError
from dispatch.jobs import Claim
from dispatch.journey import Act, Stage
from dispatch.shipment import FOLLOW, Content, Shipment, act, live_waybill, lock, subject_id, void_waybill
from dispatch.worklist import Reason
from dispatch.world import World

CANCEL = "shipment.cancel"
TRIES = 5
"""So often the carrier is told without a clear answer; then a person is told too, and the telling goes on."""
NO_INTERFACE = "{}没有撤单接口：请电话告知撤单，再核定“已撤”或“保留”。"
CANCELLED = "已撤销寄递；要再寄，请解除暂缓。"
VOIDABLE = frozenset({Stage.CANCELLING, Stage.BOOKED, Stage.PRINTED})
"""Stages in which the envelope is on the desk, and its number can be exchanged."""


class Then(StrEnum):
    """What follows when the carrier has cancelled."""

    BOOK_AGAIN = "book_again"  # a second label
    CANCEL = "cancel"  # nothing is sent


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intent to cancel."""

    carrier: Carrier
    call: Call
    call_id: UUID
    number: str


def void_label(world: World, shipment_id: UUID, then: Then, by: str) -> None:
    """Take the waybill of an envelope back that is not packed yet. Raises NotAllowedError."""
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        act(world, session, shipment, Act.VOID, by=by)
        shipment.after_voiding = then
        jobs.leave(session, CANCEL, shipment.subject, lane=shipment.carrier)


def cancel_booking(world: World, claim: Claim) -> None:
    """Tell the carrier; repeated until it has answered clearly: cancelling twice is cancelling once."""
    intent = _intend(world, claim)
    if intent is None:
        return

    def read(answer: Answer) -> bool:
        intent.carrier.read_cancelling(answer)
        return True

    heard = converse(world, intent.carrier, intent.call, read)
    if heard.told or isinstance(heard.error, Refused):
        with claim.done() as session:
            shipment = lock(session, subject_id(claim.subject))
            conclude(world, session, intent.call_id, heard)
            waybill = live_waybill(session, shipment.id)
            if waybill is not None and waybill.number == intent.number:  # or a person has settled it meanwhile
                _write_outcome(world, session, shipment, intent.number, heard.error)
        return
    retry_after = heard.error.retry_after if isinstance(heard.error, Unavailable) else None
    with claim.failed(str(heard.error), retry_after) as session:
        conclude(world, session, intent.call_id, heard)
        shipment = lock(session, subject_id(claim.subject))
        if claim.attempts >= TRIES and shipment.stage == Stage.CANCELLING:
            _tell(world, session, shipment, str(heard.error))


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        waybill = live_waybill(session, shipment.id)
        carrier = world.carriers[shipment.carrier]
        ours = jobs.lane_of(claim.name) == shipment.carrier  # or another carrier's booking was taken back, long ago
        if ours and shipment.stage == Stage.CANCELLING and waybill is not None:
            call = carrier.cancelling(parcel(world, session, shipment, waybill.number))
            if call is not None:
                return Intent(carrier, call, intend(world, session, shipment, call), waybill.number)
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage != Stage.CANCELLING or not ours:
            return None
        if carrier.numbering is Numbering.ALLOTTED:  # nobody was told of an order
            _voided(world, session, shipment, carrier.name)
        else:
            _tell(world, session, shipment, NO_INTERFACE.format(carrier.title))
    return None


def _write_outcome(
    world: World, session: Session, shipment: Shipment, number: str, refusal: CarrierError | None
) -> None:
    """The carrier's word on a number that is live. It counts also where a person said «keep» while it was asked."""
    if refusal is not None and shipment.stage == Stage.CANCELLING:
        act(world, session, shipment, Act.KEEP)
        _tell(world, session, shipment, f"寄递企业不撤单：{refusal}。运单仍然有效。")
    elif refusal is None and shipment.stage in VOIDABLE:
        if shipment.stage != Stage.CANCELLING:
            act(world, session, shipment, Act.VOID)
        _voided(world, session, shipment, shipment.carrier)
    elif refusal is None:
        words = f"运单 {number} 核定保留之后，寄递企业答复已撤单：这个号已作废，请把信封追回，改贴新面单。"
        worklist.put(world, session, Reason.REFUSED_BY_CARRIER, shipment.subject, cause=number, detail=words)


def _tell(world: World, session: Session, shipment: Shipment, words: str) -> None:
    since = shipment.moved_at.isoformat()
    worklist.put(world, session, Reason.NOT_CANCELLED, shipment.subject, cause=since, detail=words)


def _voided(world: World, session: Session, shipment: Shipment, by: str) -> None:
    void_waybill(world, session, shipment)
    jobs.leave(session, FOLLOW, shipment.subject)  # what was told of the number is nobody's news now
    contents = session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void))
    if shipment.after_voiding == Then.BOOK_AGAIN:
        for content in contents:
            content.scanned_at = None
        new_order(world, session, shipment)
        act(world, session, shipment, Act.VOIDED, by=by)
        jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
        return
    cases = cases_in(session, shipment)
    for content in contents:
        content.void = True
    act(world, session, shipment, Act.CANCEL, by=by)
    for case in cases:
        if open_hold(session, case.id) is None:  # or it would be gathered anew by itself
            row = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=by)
            world.vault.seal(row, "reason", CANCELLED)
            session.add(row)
        jobs.leave(session, CASE_WATCH, case.subject)


def confirm_cancelled(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned from the carrier that the booking is cancelled. Raises NotAllowedError."""
    with world.begin() as session:
        _voided(world, session, _cancelling(session, shipment_id), by)


def keep_label(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned that the booking stands: the label is used after all. Raises NotAllowedError."""
    with world.begin() as session:
        act(world, session, _cancelling(session, shipment_id), Act.KEEP, by=by)


def _cancelling(session: Session, shipment_id: UUID) -> Shipment:
    shipment = lock(session, shipment_id)
    if shipment.stage != Stage.CANCELLING:
        raise NotAllowedError(f"邮件 {shipment.order_no} 不在“撤单中”，无需核定。")
    return shipment


def reroute(world: World, shipment_id: UUID, carrier: str, by: str) -> None:
    """Send an envelope with another carrier that surely no carrier has booked.

    Raises NotFoundError, and NotAllowedError where the law forbids it or a booking may exist.
    """
    post = find_carrier(world, carrier)
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        if forbidden := unlawful_items(session, shipment, post):
            raise NotAllowedError(f"{'、'.join(forbidden)}不得交给{post.title}（邮政法第五十五条）。")
        if shipment.stage == Stage.REFUSED:
            act(world, session, shipment, Act.AMEND, by=by)
            settle_refusal(world, session, shipment, by, f"改由{post.title}寄递")
        if shipment.stage != Stage.TO_BOOK:
            raise NotAllowedError(f"邮件 {shipment.order_no} 已下单或结果不明，不能改换寄递企业；请先撤单或核定。")
        jobs.withdraw(session, BOOK, shipment.subject, lane=shipment.carrier)
        shipment.carrier = carrier
        new_order(world, session, shipment)
        worklist.settle_by_itself(world, session, shipment.subject, [Reason.ROUTE_UNLAWFUL])
        jobs.leave(session, BOOK, shipment.subject, lane=carrier)
