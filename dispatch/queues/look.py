"""A queue as the desk shows it: counted, filtered, a page at a time; names masked, the longest waiting first."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, select, true
from sqlalchemy import Row as Result
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Hold, Item
from dispatch.approval.curtain import Curtain
from dispatch.approval.hold_reason import open_holds
from dispatch.batch import BatchItem
from dispatch.journey import AT_AN_END, View
from dispatch.label.printer import PRINTING
from dispatch.mask import mask_name
from dispatch.queues.about import about, named
from dispatch.queues.filters import Filters
from dispatch.queues.queue import (
    OF_CASES,
    Queue,
    Scope,
    cases_in,
    shipments_in,
)
from dispatch.seen import mark_of
from dispatch.shipment import Content, Shipment
from dispatch.waybill import live_waybills
from dispatch.working_days import due_at, hall_due_at
from dispatch.worklist import Entry
from dispatch.world import World

PAGE = 50
EVERYBODY = Scope()
DONE_WHOLE = frozenset({Queue.TO_ISSUE, Queue.TO_RELEASE, Queue.TO_PRINT})
"""Queues whose buttons do all that match: how many and which must be what the page has shown."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case that has no envelope yet. `hold`: why it is held back, masked; empty where it is not."""

    id: UUID
    case_no: str
    item: str
    department: str
    applicant: str
    town: str
    since: datetime
    hold: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """An envelope. `missing`: so many documents wait for their scan; `elsewhere`: so many are out of sight."""

    id: UUID
    order_no: str
    waybill_no: str
    carrier: str
    recipient: str
    town: str
    case_nos: tuple[str, ...]
    documents: int
    elsewhere: int
    missing: int
    prints: int
    view: View
    since: datetime
    overdue: bool


Row = CaseRow | ShipmentRow


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a queue. `total`: how many match, on all pages; `mark`: of them, where all are done at once."""

    rows: Sequence[Row]
    total: int
    number: int
    mark: str

    @property
    def pages(self) -> int:
        """How many there are, one at least."""
        return max(1, -(-self.total // PAGE))


def look(world: World, scope: Scope, queue: Queue, filters: Filters, number: int = 1) -> Page:
    """A page of a queue of cases or envelopes; past the end, the last one."""
    chosen, whole = _chosen(world, scope, queue, filters), queue in DONE_WHOLE
    with world.reading() as session:
        every = list(session.scalars(chosen)) if whole else []
        total = len(every) if whole else session.scalar(_number_of(chosen)) or 0
        number = min(max(1, number), max(1, -(-total // PAGE)))
        first = (number - 1) * PAGE
        ids = every[first : first + PAGE] if whole else list(session.scalars(chosen.offset(first).limit(PAGE)))
        rows: Sequence[Row] = _cases(world, session, ids) if queue in OF_CASES else show(world, session, ids, scope)
    return Page(rows, total, number, mark_of(every) if whole else "")


def matching(world: World, scope: Scope, queue: Queue, filters: Filters) -> list[UUID]:
    """The ids of all that match, on every page, in the order of the queue."""
    with world.reading() as session:
        return list(session.scalars(_chosen(world, scope, queue, filters)))


def counts(world: World, scope: Scope, queues: Collection[Queue] = tuple(Queue)) -> dict[Queue, int]:
    """How many lie in each of these queues that whoever looks may see: one statement, for every page asks."""
    if not queues:
        return {}
    with world.reading() as session:
        found = session.execute(select(*(_counted(world, scope, queue) for queue in queues))).one()
    return dict(zip(queues, found, strict=True))


def _counted(world: World, scope: Scope, queue: Queue) -> ScalarSelect[int]:
    if queue is Queue.NEEDS_A_PERSON:
        return select(func.count()).select_from(Entry).where(open_entries(scope)).scalar_subquery()
    return _number_of(_chosen(world, scope, queue, Filters())).scalar_subquery()


def _number_of(chosen: Select[UUID]) -> Select[int]:
    return select(func.count()).select_from(chosen.order_by(None).subquery())


def open_entries(scope: Scope) -> ColumnElement[bool]:
    """The condition on `Entry`: open, and about what whoever looks may see. What is nobody's belongs to all."""
    return Entry.settled_at.is_(None) & entries_within(scope)


def entries_within(scope: Scope) -> ColumnElement[bool]:
    """The same of any entry, open or settled."""
    if scope.departments is None:
        return true()
    elsewhere = and_(*(~Entry.subject.startswith(f"{kind}:") for kind in ("case", "shipment", PRINTING)))
    return elsewhere | about(scope.of_cases(), scope.of_shipments()) | _wholly_seen(scope)


def _wholly_seen(scope: Scope) -> ColumnElement[bool]:
    """A lost print is shown to whoever may see all of it, as `batches.check_in_sight` has it."""
    batch_id = named(PRINTING)
    seen = exists().where(Shipment.id == BatchItem.of, scope.of_shipments())
    unseen = select(BatchItem.id).where(BatchItem.batch_id == batch_id, ~seen).correlate(Entry).limit(1)
    return batch_id.is_not(None) & unseen.scalar_subquery().is_(None)


def _chosen(world: World, scope: Scope, queue: Queue, filters: Filters) -> Select[UUID]:
    if queue in OF_CASES:
        chosen = select(Case.id).where(cases_in(queue), scope.of_cases(), filters.of_cases())
        return chosen.order_by(Case.decided_at, Case.id)
    chosen = select(Shipment.id).where(shipments_in(world, queue), scope.of_shipments(), filters.of_shipments())
    return chosen.order_by(Shipment.moved_at, Shipment.id)


def _cases(world: World, session: Session, ids: Sequence[UUID]) -> list[CaseRow]:
    query = (
        select(Case, Item, CaseSlip)
        .join(Item, Item.id == Case.item_id)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .where(Case.id.in_(ids))
    )
    found = {case.id: (case, item, slip) for case, item, slip in session.execute(query)}
    holds = open_holds(session, ids)
    now = world.now()
    rows = []
    for case, item, slip in (found[one] for one in ids if one in found):
        since = case.paper_ready_at or case.decided_at
        name = mask_name(
            world.vault.open(case, "applicant_name") or "", organisation=case.applicant_kind == "organisation"
        )
        overdue = now > hall_due_at(world, session, since, world.settings.case_patience)
        hold = _why(world, case, slip, holds.get(case.id))
        rows.append(
            CaseRow(case.id, case.case_no, item.title, case.department, name, slip.town, since, hold, overdue)
        )
    return rows


def show(world: World, session: Session, ids: Sequence[UUID], scope: Scope = EVERYBODY) -> list[ShipmentRow]:
    """These envelopes as rows, in the order given: four queries, however many they are."""
    query = select(Shipment, CaseSlip).join(CaseSlip, CaseSlip.id == Shipment.slip_id).where(Shipment.id.in_(ids))
    found = {shipment.id: (shipment, slip) for shipment, slip in session.execute(query)}
    numbers, inside = live_waybills(session, ids), _inside(session, ids, scope)
    now = world.now()
    rows = []
    for shipment, slip in (found[one] for one in ids if one in found):
        papers, waybill = inside.get(shipment.id, []), numbers.get(shipment.id)
        rows.append(
            ShipmentRow(
                id=shipment.id,
                order_no=shipment.order_no or "",
                waybill_no=waybill.number if waybill else "",
                carrier=world.title(shipment.carrier),
                recipient=mask_name(world.vault.open(slip, "recipient_name") or "", organisation=slip.organisation),
                town=slip.county + slip.town,
                case_nos=tuple(dict.fromkeys(one.case_no for one in papers if one.seen)),
                documents=len(papers),
                elsewhere=sum(not one.seen for one in papers),
                missing=sum(one.scanned_at is None for one in papers),
                prints=shipment.prints,
                view=shipment.view,
                since=shipment.moved_at,
                overdue=shipment.view not in AT_AN_END
                and now > due_at(world, session, shipment.moved_at, shipment.view),
            )
        )
    return rows


def _why(world: World, case: Case, slip: CaseSlip, hold: Hold | None) -> str:
    """A clerk's own words may name the applicant."""
    if hold is None:
        return ""
    return Curtain.before(world, case, slip, reveal=False).free(world.vault.open(hold, "reason")) or "—"


def _inside(
    session: Session, ids: Collection[UUID], scope: Scope
) -> Mapping[UUID, list[Result[UUID, str, datetime | None, bool]]]:
    query = (
        select(Content.shipment_id, Case.case_no, Content.scanned_at, scope.of_cases().label("seen"))
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Content.shipment_id.in_(ids), ~Content.void)
        .order_by(Case.case_no, Document.number)
    )
    found: defaultdict[UUID, list[Result[UUID, str, datetime | None, bool]]] = defaultdict(list)
    for row in session.execute(query):
        found[row.shipment_id].append(row)
    return found
