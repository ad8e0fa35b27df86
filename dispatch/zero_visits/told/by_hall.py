"""What the hall did: the case arrived, was held or released, its paper printed, packed, handed to the postman."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from sqlalchemy import select

from dispatch.approval.amend_slip import changes_of
from dispatch.approval.case import Document, Hold
from dispatch.approval.issue import issues_of
from dispatch.approval.pickup_row import pickup_of
from dispatch.hall_time import SHANGHAI
from dispatch.ledger import Visit, visits_of
from dispatch.packing.hand_over import HandOver, HandOverLine, LinePutBack
from dispatch.shipment import Content
from dispatch.visits import KINDS, Fault, VisitKind
from dispatch.waybill import Waybill
from dispatch.zero_visits.told.line import Kind, Line, Teller, line


def told_by_hall(teller: Teller) -> Iterator[Line]:
    """All lines of the hall, in no order."""
    yield from _arrival(teller)
    yield from _paper(teller)
    yield from _slips(teller)
    yield from _visits(teller)
    yield from _holds(teller)
    yield from _scans(teller)
    yield from _posting_lists(teller)
    yield from _window(teller)


def _arrival(teller: Teller) -> Iterator[Line]:
    case = teller.case
    document = f"，文号 {case.decision_doc_no}" if case.decision_doc_no else ""
    yield line(case.decided_at, Kind.DECIDED, f"{case.department}作出决定{document}")
    yield line(case.received_at, Kind.RECEIVED, f"办件到达，来自 {case.source}")
    if case.released_at:
        alone = "，单独装封" if case.alone else ""
        yield line(case.released_at, Kind.RELEASE, f"放行寄递{alone}，经办人 {case.released_by}")


def _paper(teller: Teller) -> Iterator[Line]:
    issues = issues_of(teller.session, teller.case)
    ready = teller.case.paper_ready_at
    if ready and ready not in {issue.taken_at for issue in issues}:
        yield line(ready, Kind.PAPER, "出证登记：纸质结果已到窗口")
    for issue in issues:
        giver = teller.curtain.free(teller.world.vault.open(issue, "given_by")) or "（已清除）"
        counted = f"正本 {issue.originals} 份，副本 {issue.copies} 份"
        told = f"出证登记：{counted}，{giver} 交，{issue.taken_by} 接"
        yield line(issue.taken_at, Kind.PAPER, told, voided=issue.taken_back_at is not None)
        if issue.taken_back_at is not None:
            why = teller.curtain.free(teller.world.vault.open(issue, "taken_back_why"))
            yield line(issue.taken_back_at, Kind.PAPER, f"撤回出证登记：{why}，经办人 {issue.taken_back_by}")


def _slips(teller: Teller) -> Iterator[Line]:
    for change in changes_of(teller.session, teller.case.id):
        yield line(change.at, Kind.SLIP, f"寄递申请单改了{'、'.join(change.fields)}，经办人 {change.by}")


def _visits(teller: Teller) -> Iterator[Line]:
    """All visits of the matter; those of another case handed in together say so."""
    for visit in visits_of(teller.session, teller.case.matter_id):
        rule = KINDS[VisitKind(visit.kind)]
        whose = "" if visit.case_id == teller.case.id else "（同一件事的另一办件）"
        fault = f"，责任：{rule.fault.chinese}" if rule.fault else ""
        words = f"{rule.chinese}{whose}：上门 {rule.office_trips} 次，跑动 {rule.trips} 次{fault}"
        at, day_only = _moment(visit)
        yield line(at, Kind.VISIT, words, day_only=day_only)


def _moment(visit: Visit) -> tuple[datetime, bool]:
    """The ledger knows days. An application opens its day; a letter was fetched before we heard of it."""
    if visit.happened_on is None:
        return visit.recorded_at, False
    begin = datetime.combine(visit.happened_on, time(), SHANGHAI)
    if visit.origin.startswith("case:"):
        return begin, True
    return min(visit.recorded_at, begin + timedelta(days=1, seconds=-1)), True


def _holds(teller: Teller) -> Iterator[Line]:
    for hold in teller.session.scalars(select(Hold).where(Hold.case_id == teller.case.id)):
        reason = teller.curtain.free(teller.world.vault.open(hold, "reason"))
        yield line(hold.opened_at, Kind.HOLD, f"暂缓寄递：{reason}，经办人 {hold.opened_by}")
        if hold.lifted_at:
            yield line(hold.lifted_at, Kind.HOLD, f"解除暂缓，经办人 {hold.lifted_by}")


def _scans(teller: Teller) -> Iterator[Line]:
    query = (
        select(Content, Document)
        .join(Document, Document.id == Content.document_id)
        .where(Content.shipment_id.in_(teller.shipments), Document.case_id == teller.case.id)
    )
    for content, document in teller.session.execute(query):
        if content.scanned_at:
            words = f"双扫相符，装入：{document.name}×{document.copies}（{document.code}）"
            yield line(content.scanned_at, Kind.SCAN, words, voided=content.void)


def _window(teller: Teller) -> Iterator[Line]:
    pickup = pickup_of(teller.session, teller.case)
    if pickup is None:
        return
    yield line(pickup.asked_at, Kind.WINDOW, f"改窗口领取，经办人 {pickup.asked_by}")
    if pickup.given_at is not None:
        number = f"正本 {pickup.originals} 份，副本 {pickup.copies} 份"
        who = "代领人" if pickup.delegate else "本人"
        fault = f"，责任：{Fault(pickup.fault).chinese}" if pickup.fault else ""
        yield line(pickup.given_at, Kind.WINDOW, f"{who}签领：{number}{fault}，经办人 {pickup.given_by}")


def _posting_lists(teller: Teller) -> Iterator[Line]:
    query = (
        select(HandOver, Waybill.number)
        .join(HandOverLine, HandOverLine.hand_over_id == HandOver.id)
        .outerjoin(Waybill, (Waybill.shipment_id == HandOverLine.shipment_id) & Waybill.voided_at.is_(None))
        .where(HandOverLine.shipment_id.in_(teller.shipments))
    )
    for made, number in teller.session.execute(query):
        words = f"运单 {number or '（已作废）'} 列入交寄清单 {made.number}，交 {teller.title(made.carrier)}"
        yield line(made.made_at, Kind.POSTING_LIST, f"{words}，经办人 {made.made_by}")
    yield from _put_back(teller)


def _put_back(teller: Teller) -> Iterator[Line]:
    query = (
        select(HandOver, LinePutBack, Waybill.number)
        .join(LinePutBack, LinePutBack.hand_over_id == HandOver.id)
        .join(Waybill, Waybill.id == LinePutBack.waybill_id)
        .where(LinePutBack.shipment_id.in_(teller.shipments))
    )
    for made, row, number in teller.session.execute(query):
        words = f"运单 {number} 列入交寄清单 {made.number}，交 {teller.title(made.carrier)}"
        yield line(made.made_at, Kind.POSTING_LIST, f"{words}，经办人 {made.made_by}", voided=True)
        told = f"运单 {number} 没有交出，从交寄清单 {made.number} 放回待交寄，经办人 {row.put_back_by}"
        yield line(row.put_back_at, Kind.POSTING_LIST, told)
