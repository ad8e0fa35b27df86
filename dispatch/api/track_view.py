"""What the applicant's page may show of an envelope: looked up by token, masked, in our words. Looks only."""

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.api.track_lines import Line, lines_of
from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.approval.decided_case import Way
from dispatch.journey import AT_AN_END, Act, Signer, View
from dispatch.mask import mask_address_to_town, mask_name, mask_phone
from dispatch.shipment import Content, Move, Shipment
from dispatch.waybill import Waybill
from dispatch.worklist import Reason, stands
from dispatch.world import World
from dispatch.zero_visits.close import LegEvidence
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, Evidence
from dispatch.zero_visits.proof import CONTRADICTING, TRIPS, on_the_worklist, proved, without

TOKEN = re.compile(r"[A-Z2-7]{26}")
ENDING_ACTS = (f"act:{Act.CLOSE}", f"act:{Act.CANCEL}")
HIDDEN = "按规定不显示名称的证件"
DISPUTES = (Reason.DELIVERY_REVOKED, Reason.SIGNED_WITHOUT_CONSENT)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An envelope as its page shows it. `signed`: who signed, in words, or nothing; `zero`: zero visits, proved."""

    view: View
    way: Way
    disputed: bool
    signed: str
    zero: bool
    carrier: str
    waybill_no: str
    name: str
    phone: str
    place: str
    contents: tuple[str, ...]
    lines: tuple[Line, ...]


def find_parcel(world: World, session: Session, given: str) -> Parcel | None:
    """The envelope with this token; None for a wrong one, one that is no token, and one that has expired."""
    token = given.upper() if given.isascii() else ""
    if not TOKEN.fullmatch(token):
        return None
    found = session.execute(
        select(Waybill, Shipment)
        .join(Shipment, Shipment.id == Waybill.shipment_id)
        .where(Waybill.token_digest == world.vault.digest("token", token), Waybill.voided_at.is_(None))
    ).one_or_none()
    if found is None or _expired(world, session, found.Shipment):
        return None
    return _parcel(world, session, found.Waybill, found.Shipment)


def _expired(world: World, session: Session, shipment: Shipment) -> bool:
    if shipment.view not in AT_AN_END:
        return False
    ended = select(func.max(Move.at)).where(Move.shipment_id == shipment.id, Move.cause.in_(ENDING_ACTS))
    at = session.scalar(ended) or shipment.moved_at
    return world.now() - at > timedelta(days=world.settings.token_days)


def _parcel(world: World, session: Session, waybill: Waybill, shipment: Shipment) -> Parcel:
    slip = session.get_one(CaseSlip, shipment.slip_id)
    name = world.vault.open(slip, "recipient_name") or ""
    return Parcel(
        view=shipment.view,
        way=Way(slip.way),
        disputed=any(stands(session, shipment.subject, reason) for reason in DISPUTES),
        signed=_signed(session, shipment),
        zero=shipment.view is View.CLOSED and _zero(session, shipment),
        carrier=world.title(waybill.carrier),
        waybill_no=waybill.number,
        name=mask_name(name, organisation=slip.organisation),
        phone=mask_phone(world.vault.open(slip, "phone") or ""),
        place=mask_address_to_town(slip.province, slip.city, slip.county, slip.town),
        contents=_contents(session, shipment),
        lines=lines_of(world, session, shipment, never_shown=() if slip.organisation else (name,)),
    )


def _signed(session: Session, shipment: Shipment) -> str:
    """The evidence that closed it; before that, and where another envelope closed the leg, the post's word."""
    if shipment.view not in {View.DELIVERED, View.CLOSED}:
        return ""
    proof = session.scalar(select(LegEvidence.evidence).where(LegEvidence.shipment_id == shipment.id).limit(1))
    if proof is not None:
        return EVIDENCE_WORDS[Evidence(proof)]
    return words.SIGNERS[Signer(shipment.signer)] if shipment.signer else ""


def _zero(session: Session, shipment: Shipment) -> bool:
    """Every case in it is proved and cost nobody a trip, by the conditions of the monthly figures."""
    each = proved() & ~on_the_worklist(CONTRADICTING) & without(TRIPS)
    inside = (
        select(Document.case_id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    return bool(session.scalar(select(func.bool_and(each)).where(Case.id.in_(inside))))


def _contents(session: Session, shipment: Shipment) -> tuple[str, ...]:
    """The names of what is inside; of an item whose title tells too much, only that there is something."""
    query = (
        select(Document.name, Document.copies, Item.hide_title)
        .join(Content, Content.document_id == Document.id)
        .join(Case, Case.id == Document.case_id)
        .join(Item, Item.id == Case.item_id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
        .order_by(Document.code)
    )
    names = [HIDDEN if hide else _counted(name, copies) for name, copies, hide in session.execute(query)]
    return tuple(dict.fromkeys(names))


def _counted(name: str, copies: int) -> str:
    return f"{name}（{copies} 份）" if copies > 1 else name
