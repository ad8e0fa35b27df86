"""Packing with two scans: the document's code against the waybill. The wrong pair is refused."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Case, Document
from dispatch.crash import Deed
from dispatch.db import spelled
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Act, Stage
from dispatch.shipment import Content, Shipment, act, lock
from dispatch.waybill import Waybill
from dispatch.world import World


@dataclass(frozen=True, slots=True)
class Packed:
    """What a scan came to: the envelope is complete, or these documents are still missing."""

    order_no: str
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Nothing is missing any more."""
        return not self.missing


def pack(world: World, document_code: str, waybill_no: str, by: str) -> Packed:
    """Put a scanned document into the envelope with the scanned waybill.

    Raises NotFoundError (no such waybill or document), NotAllowedError (the wrong pair, or not printed yet).
    The same pair again changes nothing.
    """
    with world.begin(Deed.PACK) as session:
        shipment = lock(session, _meant(session, document_code, waybill_no))
        contents = list(session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void)))
        scanned = _scanned(session, contents, document_code, waybill_no)
        if shipment.stage not in {Stage.PRINTED, Stage.PACKED}:
            raise NotAllowedError(f"运单 {waybill_no} 处于“{words.VIEWS[shipment.view]}”，不能封装。请先打单。")
        scanned.scanned_at = scanned.scanned_at or world.now()
        missing = tuple(content for content in contents if content.scanned_at is None)
        if not missing and shipment.stage == Stage.PRINTED:
            act(world, session, shipment, Act.PACK, by=by)
        codes = [session.get_one(Document, content.document_id).code for content in missing]
        return Packed(shipment.order_no or "", tuple(sorted(codes)))


def unpack(world: World, waybill_no: str, by: str, carrier: str = "") -> None:
    """Open a packed envelope again: every document must be scanned anew. `carrier`: whose number, where two have it.

    Raises NotFoundError, NotAllowedError (it is not packed, or two carriers have this number and none is named).
    """
    with world.begin() as session:
        found = [one for one in _numbered(session, waybill_no) if carrier in {"", one.carrier}]
        if not found:
            raise NotFoundError(f"{world.title(carrier)}没有运单号为“{waybill_no}”的邮件。请核对寄递企业与运单号。")
        if len(found) > 1:
            named = "、".join(f"{world.title(one.carrier)}（{one.carrier}）" for one in found)
            raise NotAllowedError(f"{named}都有运单号 {waybill_no}。请写明是哪一家的（--carrier）。")
        shipment = lock(session, found[0].shipment_id)
        act(world, session, shipment, Act.UNPACK, by=by)
        for content in session.scalars(select(Content).where(Content.shipment_id == shipment.id)):
            content.scanned_at = None


def _numbered(session: Session, waybill_no: str) -> list[Waybill]:
    """The live waybills with this number: one at most of each carrier. Raises NotFoundError where there is none."""
    live = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))
    found = session.scalars(select(Waybill).where(Waybill.number == waybill_no, *live).order_by(Waybill.carrier))
    waybills = list(found)
    if not waybills:
        raise NotFoundError(f"没有运单号为“{waybill_no}”的邮件。请重新扫描面单条码。")
    return waybills


def _meant(session: Session, document_code: str, waybill_no: str) -> UUID:
    """The envelope with this number; where several carriers have given it, the one that holds the document."""
    numbered = [waybill.shipment_id for waybill in _numbered(session, waybill_no)]
    if len(numbered) == 1:
        return numbered[0]
    papers = [paper.id for paper in _papers(session, document_code)]
    inside = select(Content.shipment_id).where(
        Content.shipment_id.in_(numbered), Content.document_id.in_(papers), ~Content.void
    )
    holding = set(session.scalars(inside))
    if len(holding) > 1:
        words = f"不止一家有运单号 {waybill_no}，办件“{document_code}”在其中几件里都有出件。请扫出件自己的编码。"
        raise NotAllowedError(words)
    return holding.pop() if holding else numbered[0]


def _scanned(session: Session, contents: list[Content], document_code: str, waybill_no: str) -> Content:
    papers = _papers(session, document_code)
    if not papers:
        raise NotFoundError(f"没有编码为“{document_code}”的出件。请重新扫描（出件编码见 zhuandi to-pack）。")
    inside = {content.document_id: content for content in contents}
    mine = [inside[paper.id] for paper in papers if paper.id in inside]
    if mine:
        return next((content for content in mine if content.scanned_at is None), mine[-1])
    paper = papers[0]
    if paper.is_lost:
        raise NotAllowedError(f"出件“{document_code}”已报失并补证，找到的这一份不得再寄。请取出，交还出证科室。")
    right = _waybill_of(session, paper)
    hint = f"它属于运单 {right}" if right else "它还没有运单"
    raise NotAllowedError(f"装错了：出件“{document_code}”不属于运单 {waybill_no}，{hint}。请取出。")


def _papers(session: Session, code: str) -> list[Document]:
    """By the document's own code, or by the 办件编号 that many papers carry as a barcode: one scan for each paper."""
    by_case = select(Document).join(Case, Case.id == Document.case_id).where(Case.case_no == code)
    by_case = by_case.where(Document.lost_at.is_(None))
    own = session.scalar(select(Document).where(Document.code == code))
    return [own] if own is not None else list(session.scalars(by_case.order_by(Document.number)))


def _waybill_of(session: Session, paper: Document) -> str | None:
    query = (
        select(Waybill.number)
        .join(Content, Content.shipment_id == Waybill.shipment_id)
        .where(Content.document_id == paper.id, ~Content.void, Waybill.voided_at.is_(None))
    )
    return session.scalar(query)


def to_pack(session: Session) -> list[tuple[str, str]]:
    """Pairs of document code and waybill number that wait for their scan, envelope by envelope."""
    query = (
        select(Document.code, Waybill.number)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .join(Waybill, Waybill.shipment_id == Shipment.id)
        .where(~Content.void, Waybill.voided_at.is_(None), Shipment.stage == spelled(Stage.PRINTED))
        .where(Content.scanned_at.is_(None))
    )
    return [(code, number) for code, number in session.execute(query.order_by(Shipment.created_at, Document.code))]
