"""Waybills are printed: drawn on demand from the database, never stored; a reprint says that it is one."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import pypdfium2 as pdfium
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.booking.order import recipient, way_words
from dispatch.carrier import Carrier
from dispatch.crash import Deed
from dispatch.errors import NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Act, Stage
from dispatch.label.sheet import Sheet, SheetSize, draw_sheets
from dispatch.label.their_label import fetch_missing, their_label
from dispatch.mask import mask_address, mask_name, mask_phone
from dispatch.shipment import Content, Shipment, act_all, lock_all
from dispatch.waybill import Waybill, live_waybills
from dispatch.world import World

PRINTABLE = (Stage.BOOKED, Stage.PRINTED)


def tracking_url(world: World, waybill: Waybill) -> str:
    """The address of the applicant's page: an unguessable token, no number and no personal data in it."""
    return f"{world.settings.public_url}/t/{world.vault.open(waybill, 'token')}"


def print_sheets(world: World, shipment_ids: Sequence[UUID], size: SheetSize, by: str) -> bytes:
    """One PDF with a page for each shipment, in the order given; then they count as printed.

    A label that the carrier still owes us is asked for again. Drawn first, so that a sheet that cannot be drawn
    leaves nothing marked. Raises LabelError, NotFoundError, NotAllowedError (a shipment that has no number yet, or
    that was packed already).
    """
    with world.begin() as session:
        envelopes = _look_inside(session, shipment_ids)
        fetch_missing(world, session, [(one.shipment, one.waybill) for one in envelopes if one.waybill is not None])
    with world.reading() as session:
        pages = [_page(world, session, one) for one in envelopes]
    drawn = _bind(world, pages, size)
    with world.begin(Deed.PRINT) as session:
        locked = lock_all(session, shipment_ids)
        for shipment in locked:
            shipment.prints += 1
        act_all(world, session, locked, Act.PRINT, by=by)
    return drawn


@dataclass(frozen=True, slots=True)
class _Envelope:
    """All that a sheet tells of."""

    shipment: Shipment
    waybill: Waybill | None
    slip: CaseSlip
    papers: Sequence[tuple[Document, Item]]


def _look_inside(session: Session, shipment_ids: Sequence[UUID]) -> list[_Envelope]:
    """In the order given. Raises NotFoundError."""
    chosen = select(Shipment, CaseSlip).join(CaseSlip, CaseSlip.id == Shipment.slip_id)
    found = {row.Shipment.id: row for row in session.execute(chosen.where(Shipment.id.in_(shipment_ids)))}
    if missing := [shipment_id for shipment_id in shipment_ids if shipment_id not in found]:
        raise NotFoundError(f"没有邮件 {missing[0]}。")
    waybills, papers = live_waybills(session, shipment_ids), _papers(session, shipment_ids)
    return [
        _Envelope(found[one].Shipment, waybills.get(one), found[one].CaseSlip, papers.get(one, []))
        for one in shipment_ids
    ]


def _papers(session: Session, shipment_ids: Collection[UUID]) -> dict[UUID, list[tuple[Document, Item]]]:
    """The documents in each envelope with their items, in order of their codes."""
    query = (
        select(Content.shipment_id, Document, Item)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .join(Item, Item.id == Case.item_id)
        .where(Content.shipment_id.in_(shipment_ids), ~Content.void)
    )
    found: dict[UUID, list[tuple[Document, Item]]] = {}
    for shipment_id, paper, item in session.execute(query.order_by(Document.code)):
        found.setdefault(shipment_id, []).append((paper, item))
    return found


def to_print(session: Session) -> list[UUID]:
    """Shipments that have a number and no sheet yet, oldest first."""
    query = select(Shipment.id).where(Shipment.stage == Stage.BOOKED).order_by(Shipment.created_at, Shipment.id)
    return list(session.scalars(query))


def holding(session: Session, case_nos: Collection[str], stages: Collection[Stage] = PRINTABLE) -> list[UUID]:
    """The shipments at these stages that hold documents of these cases, oldest first."""
    query = (
        select(Shipment.id)
        .join(Content, Content.shipment_id == Shipment.id)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Case.case_no.in_(case_nos), ~Content.void, Shipment.stage.in_(stages))
        .distinct()
    )
    return sorted(session.scalars(query))


def _page(world: World, session: Session, envelope: _Envelope) -> Sheet | bytes:
    """Our sheet, or the carrier's own label where it accepts no other."""
    shipment, waybill = envelope.shipment, envelope.waybill
    if not _post_of(world, shipment).insists_on_label:
        return _sheet(world, envelope)
    drawn = their_label(world, session, waybill) if waybill is not None else None
    if drawn is None:
        raise NotFoundError(f"邮件 {shipment.order_no} 要用寄递企业的面单，还没有取到。已再去取，请稍后再打。")
    return drawn


def _post_of(world: World, shipment: Shipment) -> Carrier:
    """Who says whose label it is. Raises NotFoundError, with the envelope among many that are printed together."""
    try:
        return world.carrier(shipment.carrier)
    except NotFoundError as gone:
        raise NotFoundError(f"邮件 {shipment.order_no} 打不了单：{gone}") from gone


def _bind(world: World, pages: Sequence[Sheet | bytes], size: SheetSize) -> bytes:
    """One PDF in the order of the pages; labels of carriers keep their own size."""
    ours = [page for page in pages if isinstance(page, Sheet)]
    drawn = draw_sheets(ours, size, world.typefaces.folder()) if ours or not pages else b""
    if len(ours) == len(pages):
        return drawn
    bound, own, place = pdfium.PdfDocument.new(), pdfium.PdfDocument(drawn) if drawn else None, 0
    for page in pages:
        if isinstance(page, bytes):
            bound.import_pages(pdfium.PdfDocument(page))
        else:
            bound.import_pages(own, pages=[place])
            place += 1
    written = io.BytesIO()
    bound.save(written)
    return written.getvalue()


def _sheet(world: World, envelope: _Envelope) -> Sheet:
    shipment, waybill, slip = envelope.shipment, envelope.waybill, envelope.slip
    if waybill is None or shipment.order_no is None:
        raise NotFoundError(f"邮件 {shipment.order_no or shipment.id} 还没有运单号，暂不能打单。")
    to, centre = recipient(world, slip), world.settings.centre
    return Sheet(
        waybill_no=waybill.number,
        order_no=shipment.order_no,
        tracking_url=tracking_url(world, waybill),
        recipient_name=mask_name(to.name, organisation=slip.organisation),
        recipient_phone=mask_phone(to.phone),
        recipient_address=mask_address(slip.province, slip.city, slip.county, slip.town, to.address),
        sender_name=centre.name,
        sender_phone=centre.phone,
        sender_address=centre.province + centre.city + centre.county + centre.address,
        contents=tuple(f"{paper.name}×{paper.copies}" for paper, _ in envelope.papers),
        way_of_delivery=way_words(world, slip),
        sorting_code=waybill.sorting_code,
        carrier_name=world.title(shipment.carrier),
        payer=envelope.papers[0][1].payer,
        printed_on=hall_time(world.now()),
        copy=shipment.prints,
    )
