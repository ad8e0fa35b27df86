"""What stands on the sheets of some envelopes: drawn on demand from the database, never stored."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pypdfium2 as pdfium
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.booking.order import recipient, way_words
from dispatch.carrier import Carrier
from dispatch.errors import NotFoundError
from dispatch.hall_time import hall_time
from dispatch.label.pdf import PDFIUM
from dispatch.label.sheet import Sheet, SheetSize, draw_sheets
from dispatch.label.their_label import their_label
from dispatch.mask import mask_address, mask_name, mask_phone
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill, live_waybills
from dispatch.world import World


def tracking_url(world: World, waybill: Waybill) -> str:
    """The address of the applicant's page: an unguessable token, no number and no personal data in it."""
    return f"{world.settings.public_url}/t/{world.vault.open(waybill, 'token')}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that a sheet tells of."""

    shipment: Shipment
    waybill: Waybill | None
    slip: CaseSlip
    papers: Sequence[tuple[Document, Item]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """When sheets were printed, and how often each of these envelopes had been before (补打)."""

    at: datetime
    copies: Mapping[UUID, int]


def look_inside(session: Session, shipment_ids: Sequence[UUID]) -> list[Envelope]:
    """In the order given. Raises NotFoundError."""
    chosen = select(Shipment, CaseSlip).join(CaseSlip, CaseSlip.id == Shipment.slip_id)
    found = {row.Shipment.id: row for row in session.execute(chosen.where(Shipment.id.in_(shipment_ids)))}
    if missing := [shipment_id for shipment_id in shipment_ids if shipment_id not in found]:
        raise NotFoundError(f"没有邮件 {missing[0]}。")
    waybills, papers = live_waybills(session, shipment_ids), _papers(session, shipment_ids)
    return [
        Envelope(found[one].Shipment, waybills.get(one), found[one].CaseSlip, papers.get(one, []))
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


def draw(world: World, envelopes: Sequence[Envelope], size: SheetSize, stamp: Stamp) -> bytes:
    """One PDF with a page for each envelope, in the order given. Raises LabelError, NotFoundError."""
    with world.reading() as session:
        pages = [_page(world, session, one, stamp) for one in envelopes]
    return _bind(world, pages, size)


def _page(world: World, session: Session, envelope: Envelope, stamp: Stamp) -> Sheet | bytes:
    """Our sheet, or the carrier's own label where it accepts no other."""
    shipment, waybill = envelope.shipment, envelope.waybill
    if not _post_of(world, shipment).insists_on_label:
        return _sheet(world, envelope, stamp)
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
    with PDFIUM:
        return _bound(pages, drawn)


def _bound(pages: Sequence[Sheet | bytes], drawn: bytes) -> bytes:
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


def _sheet(world: World, envelope: Envelope, stamp: Stamp) -> Sheet:
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
        printed_on=hall_time(stamp.at),
        copy=stamp.copies.get(shipment.id, 0),
    )
