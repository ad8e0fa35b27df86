"""Papers leave envelopes of which no carrier knows yet, because their recipient, place or way is another one now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from dispatch import words, worklist
from dispatch.approval.case import Case, CaseSlip, Document, still_to_send
from dispatch.errors import ConflictError
from dispatch.journey import Act, Stage
from dispatch.shipment import Content, Shipment, act, lock_all
from dispatch.worklist import Reason
from dispatch.world import World

UNBOOKED = frozenset({Stage.GATHERING, Stage.TO_BOOK, Stage.REFUSED})
SENT = frozenset({Stage.HANDED_OVER, Stage.CLOSED})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A locked envelope, what lies in it, and whose each document is."""

    shipment: Shipment
    contents: Sequence[Content]
    owners: Mapping[UUID, UUID]

    def holds_any(self, case_ids: Collection[UUID]) -> bool:
        """Whether something of these cases lies in it."""
        return not set(case_ids).isdisjoint(self.owners.values())


OVER = "证照已在窗口交给本人或代领人，或办件已到期不再寄送，申请单不用再改。"


def unbooked_with(session: Session, case_ids: Collection[UUID]) -> list[Envelope]:
    """The envelopes that hold these cases' papers, or go where their slips say, locked.

    Raises ConflictError where a carrier knows, or may know, of one with their papers, or nothing is sent any more.
    """
    if _over(session, case_ids):
        raise ConflictError(OVER)
    envelopes = near(session, case_ids)
    for envelope in envelopes:
        if envelope.holds_any(case_ids):
            _must_be_unbooked(envelope.shipment)
    return [envelope for envelope in envelopes if envelope.contents]


def near(session: Session, case_ids: Collection[UUID]) -> list[Envelope]:
    """The envelopes that hold these cases' papers, or go where their slips say, locked, at whatever stage."""
    pointing = select(CaseSlip.id).where(CaseSlip.case_id.in_(case_ids))
    chosen = select(Shipment.id).where(or_(Shipment.id.in_(holding(case_ids)), Shipment.slip_id.in_(pointing)))
    return [_opened(session, shipment) for shipment in lock_all(session, session.scalars(chosen).all())]


def holding(case_ids: Collection[UUID]) -> Select[UUID]:
    """The ids of the envelopes in which these cases' papers lie."""
    inside = select(Content.shipment_id).join(Document, Document.id == Content.document_id).distinct()
    return inside.where(Document.case_id.in_(case_ids), ~Content.void)


def sharing(session: Session, case_id: UUID) -> set[UUID]:
    """The other cases with papers in envelopes of this one of which no carrier knows."""
    inside = select(Document.case_id).join(Content, Content.document_id == Document.id).distinct()
    inside = inside.join(Shipment, Shipment.id == Content.shipment_id).where(Shipment.stage.in_(UNBOOKED))
    near = inside.where(Content.shipment_id.in_(holding([case_id])), ~Content.void)
    return set(session.scalars(near)) - {case_id}


def why_not(session: Session, case_id: UUID) -> str:
    """Why a slip cannot be changed any more; empty where it can."""
    if _over(session, [case_id]):
        return OVER
    for shipment in session.scalars(select(Shipment).where(Shipment.id.in_(holding([case_id])))):
        try:
            _must_be_unbooked(shipment)
        except ConflictError as error:
            return str(error)
    return ""


def _over(session: Session, case_ids: Collection[UUID]) -> bool:
    over = select(Case.id).where(Case.id.in_(case_ids), ~still_to_send())
    return session.scalars(over.limit(1)).first() is not None


def _opened(session: Session, shipment: Shipment) -> Envelope:
    inside = select(Content).where(Content.shipment_id == shipment.id, ~Content.void)
    contents = session.scalars(inside).all()
    return Envelope(shipment, contents, _owners(session, contents))


def is_unbooked(shipment: Shipment) -> bool:
    """No carrier knows of it, nor may know."""
    return shipment.stage in UNBOOKED and not shipment.perhaps_placed


def _must_be_unbooked(shipment: Shipment) -> None:
    if is_unbooked(shipment):
        return
    lies = f"出件已在邮件 {shipment.order_no} 中（{words.VIEWS[shipment.view]}），"
    if shipment.stage in SENT:
        raise ConflictError(f"{lies}申请单不能再改。地址不对的，请联系寄递企业；退回后再改。")
    raise ConflictError(
        f"{lies}寄递企业已知道或可能知道原来的地址，不能再改。{call_off_first(shipment)}"
        "撤成后改申请单、解除暂缓；本人要来取的，办“改窗口领取”。"
    )


def call_off_first(shipment: Shipment) -> str:
    """What must be done with an envelope that a carrier knows, before its papers are free, and where."""
    if shipment.after_voiding == "cancel":
        return "正在撤销寄递，请等撤成。"
    if shipment.stage == Stage.PACKED:
        return "请先在“双扫封装”拆封，再撤销寄递（办件页“邮件”一栏）。"
    return "请先撤销寄递（办件页“邮件”一栏）。"


def regather(
    world: World, session: Session, envelopes: Collection[Envelope], case_ids: Collection[UUID], by: str, why: str
) -> set[UUID]:
    """Take these cases' papers out of these locked envelopes; the cases whose papers are free now. `why`: in words.

    An envelope that still gathers goes on with the others. A sealed one is given up whole: its order number stands
    for what lay in it.
    """
    freed: set[UUID] = set()
    for envelope in envelopes:
        owners = envelope.owners
        leaving = [content for content in envelope.contents if owners[content.document_id] in case_ids]
        if leaving and envelope.shipment.stage != Stage.GATHERING:
            leaving = list(envelope.contents)
        freed |= {owners[content.document_id] for content in leaving}
        _take_out(world, session, envelope, leaving, by, why)
        if staying := [content for content in envelope.contents if content not in leaving]:
            _point_at(session, envelope.shipment, {owners[content.document_id] for content in staying})
    return freed


def _owners(session: Session, contents: Collection[Content]) -> dict[UUID, UUID]:
    inside = [content.document_id for content in contents]
    return dict(session.execute(select(Document.id, Document.case_id).where(Document.id.in_(inside))).all())


def _take_out(
    world: World, session: Session, envelope: Envelope, leaving: Sequence[Content], by: str, why: str
) -> None:
    shipment = envelope.shipment
    for content in leaving:
        if shipment.stage == Stage.GATHERING:
            session.delete(content)  # it was never ordered
        else:
            content.void = True
    session.flush()
    if len(leaving) < len(envelope.contents):
        return
    for entry in worklist.standing(session, shipment.subject):
        if entry.reason == Reason.REFUSED_BY_CARRIER:
            worklist.settle(world, entry, by, why)
    act(world, session, shipment, Act.CANCEL, by=by)  # nobody may join it: it would go to the new place


def _point_at(session: Session, shipment: Shipment, case_ids: Collection[UUID]) -> None:
    """The envelope goes where those say that still lie in it: they all said the same."""
    slips = select(CaseSlip.id).where(CaseSlip.case_id.in_(case_ids)).order_by(CaseSlip.id)
    there = session.scalars(slips).all()
    if shipment.slip_id not in there:
        shipment.slip_id = there[0]
