"""Packing with two scans: the document's code against the waybill. The wrong pair is refused."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from dispatch import audit, words
from dispatch.approval.case import Case, Document
from dispatch.approval.within import EVERYTHING, Within
from dispatch.crash import Deed
from dispatch.db import spelled
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Act, Stage
from dispatch.shipment import Content, Shipment, act, lock
from dispatch.waybill import Waybill
from dispatch.world import World


class WrongPairError(NotAllowedError):
    """This paper must not go into this envelope: it is another's, or lies in another already."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What a scan came to: the envelope is complete, or these documents are still missing.

    `again`: this very pair was scanned before, and nothing was changed.
    """

    order_no: str
    missing: tuple[str, ...]
    again: bool = False

    @property
    def complete(self) -> bool:
        """Nothing is missing any more."""
        return not self.missing


def pack(world: World, document_code: str, waybill_no: str, by: str, within: Within = EVERYTHING) -> Packed:
    """Put a scanned document into the envelope with the scanned waybill.

    Raises NotFoundError (no such waybill or document), WrongPairError, NotAllowedError (not printed yet).
    The same pair again changes nothing.
    """
    with world.begin(Deed.PACK) as session:
        shipment = lock(session, _meant(session, document_code, waybill_no, within))
        contents = list(session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void)))
        scanned = _scanned(session, contents, document_code, waybill_no, within)
        if shipment.stage not in {Stage.PRINTED, Stage.PACKED}:
            raise NotAllowedError(f"运单 {waybill_no} 处于“{words.VIEWS[shipment.view]}”，不能封装。请先打单。")
        again, scanned.scanned_at = scanned.scanned_at is not None, scanned.scanned_at or world.now()
        missing = tuple(content for content in contents if content.scanned_at is None)
        if not missing and shipment.stage == Stage.PRINTED:
            act(world, session, shipment, Act.PACK, by=by)
            audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "双扫相符，封装")
        codes = [session.get_one(Document, content.document_id).code for content in missing]
        return Packed(shipment.order_no or "", tuple(sorted(codes)), again)


def unpack(world: World, waybill_no: str, by: str, carrier: str = "", within: Within = EVERYTHING) -> None:
    """Open a packed envelope again: every document must be scanned anew. `carrier`: whose number, where two have it.

    Raises NotFoundError, NotAllowedError (it is not packed, or two carriers have this number and none is named).
    """
    with world.begin() as session:
        open_envelope(world, session, lock_numbered(world, session, waybill_no, carrier, within), by)


def lock_numbered(world: World, session: Session, waybill_no: str, carrier: str, within: Within) -> Shipment:
    """The envelope with this live number, locked. `carrier`: whose number, where two have it.

    Raises NotFoundError, NotAllowedError (two carriers have this number and none is named).
    """
    found = [one for one in _numbered(session, waybill_no, within) if carrier in {"", one.carrier}]
    if not found:
        raise NotFoundError(f"{world.title(carrier)}没有运单号为“{waybill_no}”的邮件。请核对寄递企业与运单号。")
    if len(found) > 1:
        named = "、".join(f"{world.title(one.carrier)}（{one.carrier}）" for one in found)
        raise NotAllowedError(f"{named}都有运单号 {waybill_no}。请写明寄递企业。")
    return lock(session, found[0].shipment_id)


def open_envelope(world: World, session: Session, shipment: Shipment, by: str) -> None:
    """Open a locked envelope that is packed. Raises NotAllowedError where it is not."""
    act(world, session, shipment, Act.UNPACK, by=by)
    for content in session.scalars(select(Content).where(Content.shipment_id == shipment.id)):
        content.scanned_at = None
    audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "拆封")


def _numbered(session: Session, waybill_no: str, within: Within) -> list[Waybill]:
    """The live waybills with this number: one at most of each carrier. Raises NotFoundError where there is none."""
    live = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None))
    query = select(Waybill).join(Shipment, Shipment.id == Waybill.shipment_id).where(within.shipments)
    waybills = list(session.scalars(query.where(Waybill.number == waybill_no, *live).order_by(Waybill.carrier)))
    if not waybills:
        raise NotFoundError(f"没有运单号为“{waybill_no}”的邮件。请重新扫描面单条码。")
    return waybills


def _meant(session: Session, document_code: str, waybill_no: str, within: Within) -> UUID:
    """The envelope with this number; where several carriers have given it, the one that holds the document."""
    numbered = [waybill.shipment_id for waybill in _numbered(session, waybill_no, within)]
    if len(numbered) == 1:
        return numbered[0]
    papers = [paper.id for paper in papers_of(session, document_code, within)]
    inside = select(Content.shipment_id).where(
        Content.shipment_id.in_(numbered), Content.document_id.in_(papers), ~Content.void
    )
    holding = set(session.scalars(inside))
    if len(holding) > 1:
        words = f"不止一家有运单号 {waybill_no}，办件“{document_code}”在其中几件里都有出件。请扫出件自己的编码。"
        raise NotAllowedError(words)
    return holding.pop() if holding else numbered[0]


def _scanned(
    session: Session, contents: list[Content], document_code: str, waybill_no: str, within: Within
) -> Content:
    papers = papers_of(session, document_code, within)
    if not papers:
        raise _not_in_reach(session, document_code, waybill_no)
    inside = {content.document_id: content for content in contents}
    mine = [inside[paper.id] for paper in papers if paper.id in inside]
    if mine:
        return next((content for content in mine if content.scanned_at is None), mine[-1])
    paper = papers[0]
    if paper.is_lost:
        raise NotAllowedError(f"出件“{document_code}”已报失并补证，找到的这一份不得再寄。请取出，交还出证科室。")
    hint = _where_it_belongs(session, paper)
    raise WrongPairError(f"装错了：出件“{document_code}”不属于运单 {waybill_no}，{hint}。请取出。")


def _not_in_reach(session: Session, code: str, waybill_no: str) -> NotAllowedError | NotFoundError:
    """Another department's paper is the wrong one as well; where it belongs is not told."""
    if papers_of(session, code, EVERYTHING):
        told = f"装错了：出件“{code}”不属于运单 {waybill_no}，是其他部门的。请取出，交还发证部门。"
        return WrongPairError(told)
    return NotFoundError(f"没有编码为“{code}”的出件。请重新扫描。")


def papers_of(session: Session, code: str, within: Within) -> list[Document]:
    """By the document's own code, or by the 办件编号 that many papers carry as a barcode: one scan for each paper.

    What lies in an envelope within reach is within reach too, of whatever department: recipients share envelopes.
    """
    lies_in = exists().where(Content.document_id == Document.id, ~Content.void, Shipment.id == Content.shipment_id)
    reached = within.cases | lies_in.where(within.shipments)
    papers = select(Document).join(Case, Case.id == Document.case_id).where(reached)
    own = session.scalar(papers.where(Document.code == code))
    if own is not None:
        return [own]
    by_case = papers.where(Case.case_no == code, Document.lost_at.is_(None))
    return list(session.scalars(by_case.order_by(Document.number)))


def _where_it_belongs(session: Session, paper: Document) -> str:
    query = (
        select(Waybill.number, Content.scanned_at)
        .join(Content, Content.shipment_id == Waybill.shipment_id)
        .where(Content.document_id == paper.id, ~Content.void, Waybill.voided_at.is_(None))
    )
    found = session.execute(query).first()
    if found is None:
        return "它还没有运单"
    return f"它已经装入运单 {found.number}" if found.scanned_at else f"它属于运单 {found.number}"


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
