"""The envelope that a clerk names by whatever stands on paper."""

from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document
from dispatch.errors import ConflictError, NotFoundError
from dispatch.journey import Stage
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill


def find_printed(session: Session, number: str, seen: ColumnElement[bool]) -> UUID:
    """The printed envelope with this waybill, order or case number, among those that meet the condition `seen`.

    Raises NotFoundError, ConflictError (there are several).
    """
    numbered = select(Waybill.shipment_id).where(Waybill.number == number, Waybill.voided_at.is_(None))
    holding = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Case.case_no == number, ~Content.void)
    )
    named = or_(Shipment.id.in_(numbered), Shipment.order_no == number, Shipment.id.in_(holding))
    found = session.scalars(select(Shipment.id).where(Shipment.stage == Stage.PRINTED, named, seen).limit(2)).all()
    if not found:
        raise NotFoundError(f"没有已打单、还未封装的邮件“{number[:64]}”。请核对运单号或办件编号。")
    if len(found) > 1:
        raise ConflictError(f"“{number}”有不止一个邮件。请用运单号。")
    return found[0]
