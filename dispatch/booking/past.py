"""What a restore lost: which orders may stand at a carrier although we do not know of them."""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.carrier import Carrier, Means
from dispatch.restored import Past, Restore, restores
from dispatch.shipment import Content, Shipment

AHEAD = timedelta(hours=1)  # an approval system's clock may be ahead of ours
NOT_AS_BEFORE = (
    "这封邮件的订单在数据恢复前可能已下过，而当时的下单时间或合封内容未必相同，不能原样重发。"
    "请向寄递企业核实这些办件有无订单，再核定。"
)


def lost_past(session: Session, shipment: Shipment, known: list[Restore]) -> Past | None:
    """Whether an envelope that is sealed now may have been ordered in a time that one of these restores lost."""
    if not known:
        return None
    inside = select(Document.case_id).join(Content, Content.document_id == Document.id)
    mine = Case.id.in_(inside.where(Content.shipment_id == shipment.id, ~Content.void))
    lost = select(exists().where(mine, *_of_the_lost_time(known)))
    return Past.LOST if session.scalar(lost) else None


def _of_the_lost_time(all_restores: list[Restore]) -> tuple[ColumnElement[bool], ...]:
    """Cases that may have been carried further in a time that was lost: decided before its end.

    What arrives after a person said that everything lost was sent again was never there.
    """
    return (or_(*(_may_be_of(one) for one in all_restores)) if all_restores else Case.id.is_(None),)


def _may_be_of(restore: Restore) -> ColumnElement[bool]:
    decided = Case.decided_at <= restore.restored_at + AHEAD
    return decided if restore.all_sent_at is None else decided & (Case.received_at <= restore.all_sent_at)


def may_repeat(session: Session, shipment: Shipment) -> bool:
    """Whether the order, said now, is word for word what may have been said in the time that was lost."""
    return shipment.perhaps_placed != Past.LOST and not perhaps_otherwise(session, shipment)


def perhaps_otherwise(session: Session, shipment: Shipment) -> bool:
    """Whether its papers may have been ordered under another number: in other company, or without it.

    An order number names the papers of its envelope. Who has one case alone in question had it alone before.
    """
    if shipment.perhaps_placed in {None, Past.SEALED}:
        return False
    slip = session.get_one(CaseSlip, shipment.slip_id)
    known = exists().where(
        Document.case_id == Case.id,
        Content.document_id == Document.id,
        Content.shipment_id == Shipment.id,
        ~Content.void,
        or_(Shipment.perhaps_placed.is_(None), Shipment.perhaps_placed == Past.SEALED),
    )
    together = (
        select(func.count(), func.max(Item.grouping))
        .select_from(Case)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .join(Item, Item.id == Case.item_id)
        .where(CaseSlip.group_digest == slip.group_digest, ~known, *_of_the_lost_time(restores(session)))
    )
    cases, longest = session.execute(together).one()
    return cases > 1 and longest > timedelta(0)


def words_of_doubt(session: Session, shipment: Shipment, otherwise: str) -> str:
    """Why a person is asked about an order: what a restore lost, or else `otherwise`."""
    if shipment.perhaps_placed is None:
        return otherwise
    return f"数据恢复前可能已下过这张订单。{otherwise}" if may_repeat(session, shipment) else NOT_AS_BEFORE


def is_told_by_a_person(session: Session, shipment: Shipment, carrier: Carrier) -> bool:
    """Whether the carrier may not be asked by repeating the order."""
    lost = shipment.perhaps_placed is not None
    return lost and carrier.means is Means.REPEAT and not may_repeat(session, shipment)


def settled_since(session: Session, shipment: Shipment) -> timedelta:
    """How long the carrier's books have had, at least, for an order of the time that was lost."""
    ended = max((one.restored_at for one in restores(session)), default=None)
    if shipment.perhaps_placed is None or ended is None:
        return timedelta.max
    return session.scalars(select(func.now())).one() - ended
