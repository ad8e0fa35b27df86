"""A booking is taken back: the carrier is told, and only its word makes the number void.

So an envelope never has two live waybills: its second label is booked after the first is cancelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit, jobs, restored, worklist
from dispatch.booking.book import doubt_the_past
from dispatch.booking.doubt import settle_refusal
from dispatch.booking.order import new_order, parcel
from dispatch.booking.route import find_carrier, unlawful_items
from dispatch.booking.take_off import Then, take_off
from dispatch.call import conclude, converse, failed, intend
from dispatch.carrier import Answer, Call, Carrier, CarrierError, Numbering, Refused
from dispatch.crash import Deed
from dispatch.errors import NotAllowedError
from dispatch.journey import ACTS, Act, Stage
from dispatch.lease import Claim
from dispatch.shipment import BOOK, CANCEL, FOLLOW, Content, Shipment, act, lock, subject_id
from dispatch.waybill import live_waybill, void_waybill
from dispatch.worklist import SYSTEM, Reason
from dispatch.world import World

TRIES = 5
"""So often the carrier is told without a clear answer; then a person is told too, and the telling goes on."""
NO_INTERFACE = "{}没有撤单接口：请电话告知撤单，再核定“已撤”或“保留”。"
VOIDABLE = frozenset({Stage.CANCELLING, Stage.BOOKED, Stage.PRINTED})
"""Stages in which the envelope is on the desk, and its number can be exchanged."""
UNBOOKED = frozenset({Stage.GATHERING, Stage.TO_BOOK, Stage.REFUSED})
UNSETTLED = frozenset({Stage.BOOKING, Stage.IN_DOUBT})
CAN_RELABEL = frozenset(stage for stage, deed in ACTS if deed is Act.VOID)
"""Where a waybill can be exchanged for another."""
CAN_CALL_OFF = UNBOOKED | CAN_RELABEL | frozenset(stage for stage, deed in ACTS if deed is Act.CALL_OFF)
"""Where nothing need be sent. One that is packed is opened first."""
CALLED_OFF: Mapping[Stage, str] = {
    Stage.CANCELLED: "已撤销寄递，要再寄请解除暂缓。",
    **dict.fromkeys(UNSETTLED, "下单结果还不明，查明后即撤销；仍列在待处理中。"),
    Stage.CANCELLING: "正在撤单，撤成后不再寄出。",
}
"""What is told of each stage in which calling off leaves an envelope."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A committed intent to cancel."""

    carrier: Carrier
    call: Call
    call_id: UUID
    number: str


def void_label(world: World, shipment_id: UUID, then: Then, by: str) -> None:
    """Take the waybill of an envelope back that is not packed yet. Raises NotAllowedError."""
    with world.begin(Deed.VOID) as session:
        _void(world, session, lock(session, shipment_id), then, by)


def _void(world: World, session: Session, shipment: Shipment, then: Then, by: str) -> None:
    act(world, session, shipment, Act.VOID, by=by)
    shipment.after_voiding = then
    jobs.leave(session, CANCEL, shipment.subject, lane=shipment.carrier)


def call_off(world: World, shipment_id: UUID, by: str) -> Stage:
    """Nothing shall be sent: the stage in which that leaves the envelope comes back. Raises NotAllowedError.

    What is not booked is taken off at once; what has a number once the carrier has cancelled it; and what may be
    booked as soon as that is known, so that a parcel is never called cancelled that lives at the carrier.
    """
    with world.begin() as session:
        return call_off_locked(world, session, lock(session, shipment_id), by)


def call_off_locked(world: World, session: Session, shipment: Shipment, by: str) -> Stage:
    """The same to a locked shipment, in the caller's transaction."""
    if shipment.stage == Stage.TO_BOOK and shipment.perhaps_placed:
        doubt_the_past(world, session, shipment)
    if shipment.stage in UNBOOKED:
        settle_refusal(world, session, shipment, by, "撤销寄递")
        take_off(world, session, shipment, by)
    elif (Stage(shipment.stage), Act.VOID) in ACTS:
        _void(world, session, shipment, Then.CANCEL, by)
    elif shipment.stage == Stage.CANCELLING:
        shipment.after_voiding = Then.CANCEL
    else:
        act(world, session, shipment, Act.CALL_OFF, by=by)
        shipment.after_voiding = Then.CANCEL
    audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "撤销寄递")
    return Stage(shipment.stage)


def cancel_booking(world: World, claim: Claim) -> None:
    """Tell the carrier; repeated until it has answered clearly: cancelling twice is cancelling once."""
    intent = _intend(world, claim)
    if intent is None:
        return

    def read(answer: Answer) -> bool:
        intent.carrier.read_cancelling(answer)
        return True

    heard = converse(world, intent.carrier, intent.call, read, claim)
    if heard.error is None or isinstance(heard.error, Refused):
        with claim.done() as session:
            shipment = lock(session, subject_id(claim.subject))
            conclude(world, session, intent.call_id, heard)
            waybill = live_waybill(session, shipment.id)
            if waybill is not None and waybill.number == intent.number:  # or a person has settled it meanwhile
                _write_outcome(world, session, shipment, intent.number, heard.error)
        return
    with failed(claim, heard.error) as session:
        conclude(world, session, intent.call_id, heard)
        shipment = lock(session, subject_id(claim.subject))
        if claim.attempts >= TRIES and shipment.stage == Stage.CANCELLING:
            _tell(world, session, shipment, str(heard.error))


def _intend(world: World, claim: Claim) -> Intent | None:
    with world.begin() as session:
        restored.check(session)
        shipment = lock(session, subject_id(claim.subject))
        waybill = live_waybill(session, shipment.id)
        ours = jobs.lane_of(claim.name) == shipment.carrier  # or another carrier's booking was taken back, long ago
        if ours and shipment.stage == Stage.CANCELLING and waybill is not None:
            carrier = world.carrier(shipment.carrier)
            call = carrier.cancelling(parcel(world, session, shipment, waybill.number))
            if call is not None:
                return Intent(carrier, call, intend(world, session, shipment, call), waybill.number)
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage != Stage.CANCELLING or not ours:
            return None
        carrier = world.carrier(shipment.carrier)
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
        _keep(world, session, shipment)
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
    # A second label; or a person kept it, and the carrier cancelled all the same.
    if shipment.after_voiding != Then.CANCEL:
        for content in contents:
            content.scanned_at = None
        new_order(world, session, shipment)
        act(world, session, shipment, Act.VOIDED, by=by)
        shipment.after_voiding = None
        jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
        return
    take_off(world, session, shipment, by)


def confirm_cancelled(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned from the carrier that the booking is cancelled. Raises NotAllowedError."""
    with world.begin() as session:
        shipment = _cancelling(session, shipment_id)
        _voided(world, session, shipment, by)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "核定已撤单")


def keep_label(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned that the booking stands: the label is used after all. Raises NotAllowedError."""
    with world.begin() as session:
        shipment = _cancelling(session, shipment_id)
        _keep(world, session, shipment, by)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "核定保留运单")


def _keep(world: World, session: Session, shipment: Shipment, by: str = SYSTEM) -> None:
    act(world, session, shipment, Act.KEEP, by=by)
    shipment.after_voiding = None


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
        if shipment.stage != Stage.TO_BOOK or shipment.perhaps_placed:
            raise NotAllowedError(f"邮件 {shipment.order_no} 已下单或结果不明，不能改换寄递企业；请先撤单或核定。")
        jobs.withdraw(session, BOOK, shipment.subject, lane=shipment.carrier)
        shipment.carrier = carrier
        new_order(world, session, shipment)
        worklist.settle_by_itself(world, session, shipment.subject, [Reason.ROUTE_UNLAWFUL])
        jobs.leave(session, BOOK, shipment.subject, lane=carrier)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, f"改由 {post.title} 寄递")
