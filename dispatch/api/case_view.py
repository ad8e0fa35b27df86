"""Where a case stands, for the client system that sent it. Looks only."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.api.case_answers import CaseOut, ShipmentOut, ZeroVisits
from dispatch.approval.case import Case, Document
from dispatch.errors import NotFoundError
from dispatch.journey import View
from dispatch.ledger import what_stands
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from dispatch.zero_visits.proof import CONTRADICTING, on_the_worklist, proved

WAITING = ("waiting", "尚未装封")
CLOSED = ("closed", words.VIEWS[View.CLOSED])
ROAD = tuple(View)


def look_at(world: World, case_no: str, source: str) -> CaseOut:
    """The case with this number, if it came from `source`. Raises NotFoundError otherwise, whichever it is."""
    with world.reading() as session:
        # Text with a NUL is no text to the database, and no case number.
        found = None if "\0" in case_no or not _encodable(case_no) else _find(session, case_no, source)
        if found is None:
            raise NotFoundError("没有这个办件，或它不是由贵系统送交的。请核对办件编号。")
        closed_at = session.scalar(select(Closure.closed_at).where(Closure.case_id == found.id))
        shipments = _shipments(session, found)
        stage, name = CLOSED if closed_at else _behind(shipments)
        return CaseOut(
            case_no=found.case_no,
            case_id=found.id,
            stage=stage,
            words=name,
            closed_at=closed_at,
            zero_visits=_zero_visits(session, found),
            shipments=shipments,
        )


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _find(session: Session, case_no: str, source: str) -> Case | None:
    return session.scalar(select(Case).where(Case.case_no == case_no, Case.source == source))


def _shipments(session: Session, case: Case) -> tuple[ShipmentOut, ...]:
    query = (
        select(Shipment, Waybill.number)
        .outerjoin(Waybill, (Waybill.shipment_id == Shipment.id) & Waybill.voided_at.is_(None))
        .where(Shipment.id.in_(_envelopes(case)))
        .order_by(Shipment.created_at, Shipment.id)
    )
    return tuple(
        ShipmentOut(waybill_no=number, stage=shipment.view, words=words.VIEWS[shipment.view], since=shipment.moved_at)
        for shipment, number in session.execute(query)
    )


def _envelopes(case: Case) -> Select[UUID]:
    return (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
    )


def _behind(shipments: tuple[ShipmentOut, ...]) -> tuple[str, str]:
    if not shipments:
        return WAITING
    last = min(shipments, key=lambda shipment: ROAD.index(View(shipment.stage)))
    return last.stage, last.words


def _zero_visits(session: Session, case: Case) -> ZeroVisits:
    """By the same conditions that the monthly figures count by."""
    sure = proved() & ~on_the_worklist(CONTRADICTING)
    is_proved = session.scalar(select(sure).where(Case.id == case.id))
    counted = what_stands(session, case.matter_id).count
    verdict = ("zero" if counted.zero else "visits") if is_proved else "unverified"
    return ZeroVisits.model_validate(
        {"verdict": verdict, "office_trips": counted.office_trips, "trips": counted.trips}
    )
