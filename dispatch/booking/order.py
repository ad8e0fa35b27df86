"""The order as a carrier needs it, and our number for it."""

import base64
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import CaseSlip, Document
from dispatch.approval.decided_case import Way
from dispatch.carrier import Order, Party
from dispatch.shipment import Content, Shipment
from dispatch.world import World

NUMBER_BYTES = 10


def order_number(world: World, direction: str, papers: Collection[tuple[str, int]], sequence: int) -> str:
    """Our order number at the carrier: derived, so that a restored backup gives the same one again.

    `papers`: pairs of 办件编号 and document number. 18 characters, `ZD` and base32 of a keyed digest.
    """
    flat = [part for case_no, number in sorted(papers) for part in (case_no, str(number))]
    digest = world.vault.digest("order", world.settings.centre.code, direction, *flat, str(sequence))
    return "ZD" + base64.b32encode(digest[:NUMBER_BYTES]).decode()


def build_order(world: World, session: Session, shipment: Shipment) -> Order:
    """The order of a sealed shipment: from what does not change, so a repetition is identical."""
    if shipment.order_no is None:
        raise ValueError(f"shipment {shipment.id} is not sealed yet")
    slip = session.get_one(CaseSlip, shipment.slip_id)
    centre = world.settings.centre
    return Order(
        order_no=shipment.order_no,
        created_at=shipment.created_at,
        sender=Party(
            centre.name, centre.phone, centre.province, centre.city, centre.county, centre.address, centre.postcode
        ),
        recipient=recipient(world, slip),
        contents=tuple(paper.name for paper in papers_in(session, shipment)),
        way=slip.way,
        way_of_delivery=way_words(world, slip),
    )


def recipient(world: World, slip: CaseSlip) -> Party:
    """The recipient in full."""
    opened = {column: world.vault.open(slip, column) or "" for column in ("recipient_name", "phone", "detail")}
    return Party(
        name=opened["recipient_name"],
        phone=opened["phone"],
        province=slip.province,
        city=slip.city,
        county=slip.county,
        address=slip.town + opened["detail"],
        postcode=slip.postcode,
    )


def way_words(world: World, slip: CaseSlip) -> str:
    """What the waybill says of the way of delivery: what the applicant agreed to (浙江省快递业促进条例 31)."""
    way = Way(slip.way)
    point = world.vault.open(slip, "point")
    return f"{way.chinese}：{point}" if point else way.chinese


def papers_in(session: Session, shipment: Shipment) -> list[Document]:
    """The documents in an envelope, in order of their codes."""
    query = (
        select(Document)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    return list(session.scalars(query.order_by(Document.code)))
