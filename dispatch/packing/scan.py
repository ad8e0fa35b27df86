"""One scan after the other, as the hand does it: what was read is recognised, and a pair is packed.

Nothing is remembered between two scans but what whoever scans gives back: the paper or the envelope that is open.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document
from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import NotFoundError
from dispatch.journey import Stage
from dispatch.mask import mask_name
from dispatch.packing.pack import pack, papers_of
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill, live_waybill, token_in, waybill_of
from dispatch.world import World

LONGEST = 128


@dataclass(frozen=True, slots=True)
class Paper:
    """A document in an envelope. `ours`: of a case within reach; of any other only that it is there is shown."""

    code: str
    name: str
    copies: int
    case_no: str
    scanned_at: datetime | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope on the desk, its recipient masked."""

    waybill_no: str
    carrier: str
    carrier_code: str
    recipient: str
    town: str
    stage: Stage
    papers: tuple[Paper, ...]

    @property
    def packed(self) -> bool:
        """It can be sealed."""
        return self.stage == Stage.PACKED


@dataclass(frozen=True, slots=True)
class Step:
    """Where a scan led: what is open now, the envelope that is meant, and what was done."""

    paper: str = ""
    waybill: str = ""
    envelope: Envelope | None = None
    paired: bool = False
    again: bool = False


def clean_scan(world: World, text: str) -> str:
    """What a scanner or a hand sent, without its prefix and spaces; full-width characters of an IME become plain."""
    plain = "".join(unicodedata.normalize("NFKC", text[:LONGEST]).split())
    plain = "".join(char for char in plain if char.isprintable())
    return plain.removeprefix(world.settings.scan_prefix)


def scan(
    world: World, text: str, by: str, *, paper: str = "", waybill: str = "", within: Within = EVERYTHING
) -> Step:
    """One scan. `paper`, `waybill`: what `Step` said is open.

    Raises NotFoundError (nothing of ours has this number), WrongPairError, NotAllowedError: nothing was changed.
    """
    code = clean_scan(world, text)
    with world.reading() as session:
        code = _number_behind(world, session, code)
        is_waybill = bool(_numbered(session, code, within))
        # over an open envelope another department's paper is the wrong one; alone it is not there
        is_paper = bool(papers_of(session, code, EVERYTHING if waybill else within))
    if not is_waybill and not is_paper:
        raise NotFoundError(_unknown(code))
    if is_paper and (waybill or not is_waybill):
        return _pair(world, code, waybill, by, within) if waybill else _with_paper(world, code, within)
    return _pair(world, paper, code, by, within) if paper else Step("", code, look_inside(world, code, within))


def scan_pair(world: World, one: str, other: str, by: str, within: Within = EVERYTHING) -> Step:
    """Both at once, in either order. Raises as `scan`."""
    try:
        first = scan(world, one, by, within=within)
    except NotFoundError:
        one, other = other, one
        first = scan(world, one, by, within=within)
    return scan(world, other, by, paper=first.paper, waybill=first.waybill, within=within)


def _number_behind(world: World, session: Session, code: str) -> str:
    """The number of the waybill whose QR code was scanned; any other code as it is. Raises NotFoundError (void)."""
    waybill = waybill_of(world, session, token) if (token := token_in(code)) else None
    if waybill is not None and waybill.voided_at is not None:
        raise NotFoundError(f"这张面单（{waybill.number}）已作废。请撕掉，扫新打的面单。")
    return waybill.number if waybill is not None else code


def _unknown(code: str) -> str:
    if code.lower().startswith(("http:", "https:")):
        return "扫到的二维码不是本系统面单上的。请扫面单上的条形码。"
    return f"没有编号为“{code}”的出件或运单。请重新扫描。"


def _pair(world: World, paper: str, waybill: str, by: str, within: Within) -> Step:
    packed = pack(world, paper, waybill, by, within)
    still_open = "" if packed.complete else waybill
    return Step("", still_open, look_inside(world, waybill, within, paper), paired=True, again=packed.again)


def _with_paper(world: World, code: str, within: Within) -> Step:
    """The paper comes first: the envelope that it belongs into is shown, so that the right sheet is taken."""
    with world.reading() as session:
        inside = [paper.id for paper in papers_of(session, code, within)]
        query = select(Shipment).join(Content, Content.shipment_id == Shipment.id)
        mine = query.where(Content.document_id.in_(inside), ~Content.void, within.shipments).limit(1)
        shipment = session.scalars(mine).first()
        return Step(code, "", _envelope(world, session, shipment, within) if shipment else None)


def look_inside(world: World, waybill_no: str, within: Within = EVERYTHING, paper: str = "") -> Envelope:
    """The envelope with this number; where two carriers gave it, the one that holds `paper`. Raises NotFoundError."""
    with world.reading() as session:
        found = [_envelope(world, session, shipment, within) for shipment in _numbered(session, waybill_no, within)]
    if not found:
        raise NotFoundError(f"没有运单号为“{waybill_no}”的邮件。请重新扫描面单条码。")
    holding = [one for one in found if any(paper in {inside.code, inside.case_no} for inside in one.papers)]
    return (holding or found)[0]


def _numbered(session: Session, waybill_no: str, within: Within) -> list[Shipment]:
    live = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None), Waybill.number == waybill_no)
    query = select(Shipment).join(Waybill, Waybill.shipment_id == Shipment.id).where(*live, within.shipments)
    return list(session.scalars(query.order_by(Waybill.carrier)))


def _envelope(world: World, session: Session, shipment: Shipment, within: Within) -> Envelope:
    slip = session.get_one(CaseSlip, shipment.slip_id)
    waybill = live_waybill(session, shipment.id)
    query = (
        select(Document, Case.case_no, Content.scanned_at, within.cases)
        .join(Content, Content.document_id == Document.id)
        .join(Case, Case.id == Document.case_id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
        .order_by(Case.case_no, Document.number)
    )
    papers = [
        Paper(one.code, one.name, one.copies, case_no, at, ours) for one, case_no, at, ours in session.execute(query)
    ]
    return Envelope(
        waybill_no=waybill.number if waybill else "",
        carrier=world.title(shipment.carrier),
        carrier_code=shipment.carrier,
        recipient=mask_name(world.vault.open(slip, "recipient_name") or "", organisation=slip.organisation),
        town=slip.county + slip.town,
        stage=Stage(shipment.stage),
        papers=tuple(papers),
    )
