"""The order as a carrier needs it, and our number for it."""

import base64
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Direction, Document
from dispatch.approval.decided_case import Way
from dispatch.carrier import Order, Parcel, Party
from dispatch.shipment import Content, Shipment
from dispatch.world import World

NUMBER_BYTES = 10
CODE_DIGITS = 6


def order_number(world: World, direction: str, papers: Collection[tuple[str, int]], sequence: int) -> str:
    """Our order number at the carrier: derived, so that a restored backup gives the same one again.

    `papers`: pairs of 办件编号 and document number. 18 characters, `ZD` and base32 of a keyed digest.
    """
    flat = [part for case_no, number in sorted(papers) for part in (case_no, str(number))]
    digest = world.vault.digest("order", world.settings.centre.code, direction, *flat, str(sequence))
    return "ZD" + base64.b32encode(digest[:NUMBER_BYTES]).decode()


def build_order(world: World, session: Session, shipment: Shipment) -> Order:
    """The order of a sealed shipment: from what does not change, so a repetition is identical.

    Inbound, the applicant sends and the centre receives, at its own door: the slip's way is the way out.
    """
    if shipment.order_no is None:
        raise ValueError(f"shipment {shipment.id} is not sealed yet")
    slip = session.get_one(CaseSlip, shipment.slip_id)
    papers, cases = _inside(session, shipment)
    inbound = shipment.direction == Direction.INBOUND
    centre, applicant = hall(world), recipient(world, slip)
    return Order(
        order_no=shipment.order_no,
        created_at=shipment.created_at,
        sender=applicant if inbound else centre,
        recipient=centre if inbound else applicant,
        contents=tuple(paper.name for paper in papers),
        way=Way.DOOR if inbound else slip.way,
        way_of_delivery=Way.DOOR.chinese if inbound else way_words(world, slip),
        direction=shipment.direction,
        case_nos=tuple(case.case_no for case in cases),
        department=cases[0].department if cases else "",
        collection_code=collection_code(world, shipment.order_no),
    )


def collection_code(world: World, order_no: str) -> str:
    """取件验证码: six digits for one order, asked for at the door by carriers that ask. Derived, never stored."""
    digest = world.vault.digest("collection_code", order_no)
    return f"{int.from_bytes(digest[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def parcel(world: World, session: Session, shipment: Shipment, number: str) -> Parcel:
    """What a carrier may need to be told when it is asked about a parcel."""
    slip = session.get_one(CaseSlip, shipment.slip_id)
    return Parcel(number, shipment.order_no or "", world.vault.open(slip, "phone") or "")


def hall(world: World) -> Party:
    """The centre, as a carrier is told of it."""
    told = world.settings.centre
    return Party(told.name, told.phone, told.province, told.city, told.county, told.address, told.postcode)


def recipient(world: World, slip: CaseSlip) -> Party:
    """The recipient of the slip in full."""
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


def _inside(session: Session, shipment: Shipment) -> tuple[list[Document], list[Case]]:
    """The documents in an envelope in order of their codes, their cases in order of their numbers."""
    query = (
        select(Document, Case)
        .join(Case, Case.id == Document.case_id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    rows = session.execute(query.order_by(Document.code)).all()
    cases = {case.id: case for _, case in rows}.values()
    return [paper for paper, _ in rows], sorted(cases, key=lambda case: case.case_no)


def cases_in(session: Session, shipment: Shipment) -> list[Case]:
    """The cases whose documents lie in an envelope, in order of their numbers."""
    return _inside(session, shipment)[1]


def new_order(world: World, session: Session, shipment: Shipment) -> None:
    """Give a sealed shipment its next order number: what is booked anew must not answer to the old one."""
    query = (
        select(Case.case_no, Document.number)
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    papers = [(case_no, number) for case_no, number in session.execute(query)]
    shipment.sequence += 1
    shipment.order_no = order_number(world, shipment.direction, papers, shipment.sequence)
    shipment.intended_at = None
