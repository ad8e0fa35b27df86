"""One case as its page shows it: the story, and beside it what stands where now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Case, Document, Item, Leg, awaits_release, find_case, is_over, open_hold
from dispatch.approval.decided_case import Way
from dispatch.booking.cancel import CAN_CALL_OFF, CAN_RELABEL
from dispatch.booking.take_off import Then
from dispatch.call import CarrierCall
from dispatch.journey import Stage, View
from dispatch.label.pages import tracking_url
from dispatch.ledger import Visit, visits_of
from dispatch.shipment import Content, Shipment
from dispatch.visits import KINDS, VisitKind
from dispatch.waybill import Waybill
from dispatch.worklist import Entry
from dispatch.world import World
from dispatch.zero_visits.close import Closure, LegEvidence
from dispatch.zero_visits.desk import OnDesk, show_entries
from dispatch.zero_visits.evidence import EVIDENCE_WORDS, Evidence
from dispatch.zero_visits.story import Story, tell
from dispatch.zero_visits.told.by_post import OUTCOMES
from dispatch.zero_visits.told.by_proof import LEGS
from dispatch.zero_visits.told.line import Teller, teller
from dispatch.zero_visits.trips.shown import TripsShown, show_trips, trips_of


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of the case, and who has it now (`custody`, in words)."""

    code: str
    name: str
    copies: int
    custody: str
    lost: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A waybill number of an envelope; `link`: the applicant's page, where the number is live."""

    number: str
    adopted_at: datetime
    voided_at: datetime | None
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Called:
    """A call to the post: what for and what came of it, nothing of what was said."""

    at: datetime
    operation: str
    outcome: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope that holds, or held, something of the case. `others`: cases that lie in it too."""

    id: UUID
    order_no: str
    carrier: str
    view: View
    since: datetime
    numbers: Sequence[Number]
    papers: Sequence[str]
    others: Sequence[str]
    calls: Sequence[Called]
    prints: int
    stage: Stage
    called_off: bool  # its waybill is being cancelled, or its order looked for, and then nothing is sent
    lies_in: bool  # something of the case lies in it still

    @property
    def may_call_off(self) -> bool:
        """撤销寄递."""
        return self.lies_in and not self.called_off and self.stage in CAN_CALL_OFF | {Stage.CANCELLING}

    @property
    def may_relabel(self) -> bool:
        """作废换单."""
        return self.lies_in and self.stage in CAN_RELABEL

    @property
    def must_open(self) -> bool:
        """It is packed, and must be opened before either."""
        return self.lies_in and self.stage == Stage.PACKED

    @property
    def live(self) -> Number | None:
        """The number that stands."""
        return next((one for one in self.numbers if one.voided_at is None), None)


@dataclass(frozen=True, slots=True)
class LegShown:
    """One direction, and what proves it."""

    direction: str
    evidence: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Trip:
    """One row of the ledger."""

    words: str
    on: date | None
    office_trips: int
    trips: int
    fault: str
    voluntary: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about one case; personal data masked unless `story.revealed`.

    `erased_at`: since then it is forgotten who it was for, and nothing is written down of them. `over`: nothing of it
    is sent any more. `to_release`: it waits for a person to let it go.
    """

    id: UUID
    story: Story
    id_no: str = field(repr=False)
    point: str = field(repr=False)
    way: str
    decided_at: datetime
    paper_ready_at: datetime | None
    released_at: datetime | None
    closed_at: datetime | None
    erased_at: datetime | None
    hold: str
    over: bool
    to_release: bool
    papers: Sequence[Paper]
    envelopes: Sequence[Envelope]
    legs: Sequence[LegShown]
    visits: Sequence[Trip]
    trips: TripsShown
    entries: Sequence[OnDesk]
    subjects: Sequence[str]


def record(world: World, case_no: str, *, reveal: bool = False) -> Record:
    """Read it. With `reveal` personal data are in full: the caller logged that act before. Raises NotFoundError."""
    with world.reading() as session:
        case = find_case(session, case_no)
        of = teller(world, session, case, reveal=reveal)
        closed = session.scalar(select(Closure.closed_at).where(Closure.case_id == case.id))
        envelopes = _envelopes(of)
        return Record(
            id=case.id,
            story=tell(session, of),
            id_no=of.curtain.id_no,
            point=of.curtain.point,
            way=Way(of.slip.way).chinese,
            decided_at=case.decided_at,
            paper_ready_at=case.paper_ready_at,
            released_at=case.released_at,
            closed_at=closed,
            erased_at=case.erased_at,
            hold=_why_held(of),
            over=closed is not None or is_over(case),
            to_release=closed is None and awaits_release(case, session.get_one(Item, case.item_id)),
            papers=_papers(of, envelopes),
            envelopes=envelopes,
            legs=_legs(session, case),
            visits=[_trip(visit) for visit in visits_of(session, case.matter_id)],
            trips=show_trips(world, trips_of(session, case.matter_id), of.curtain),
            entries=_entries(world, session, of.subjects),
            subjects=of.subjects,
        )


def _why_held(of: Teller) -> str:
    """Why nothing of it is sent now, masked as the story is; empty where no hold stands."""
    standing = open_hold(of.session, of.case.id)
    return (of.curtain.free(of.world.vault.open(standing, "reason")) or "—") if standing else ""


def _entries(world: World, session: Session, subjects: Sequence[str]) -> list[OnDesk]:
    query = select(Entry).where(Entry.subject.in_(subjects), Entry.settled_at.is_(None)).order_by(Entry.opened_at)
    return show_entries(world, session, list(session.scalars(query)))


def _contents(of: Teller) -> Mapping[UUID, list[tuple[Content, Document, Case]]]:
    """What lies, or lay, in the envelopes of this case; papers of other cases too."""
    query = (
        select(Content, Document, Case)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Content.shipment_id.in_(of.shipments))
        .order_by(Document.code)
    )
    found: defaultdict[UUID, list[tuple[Content, Document, Case]]] = defaultdict(list)
    for content, document, case in of.session.execute(query):
        found[content.shipment_id].append((content, document, case))
    return found


def _envelopes(of: Teller) -> list[Envelope]:
    ids, inside = list(of.shipments), _contents(of)
    numbers: defaultdict[UUID, list[Waybill]] = defaultdict(list)
    waybills = select(Waybill).where(Waybill.shipment_id.in_(ids)).order_by(Waybill.adopted_at)
    for waybill in of.session.scalars(waybills):
        numbers[waybill.shipment_id].append(waybill)
    calls: defaultdict[UUID, list[Called]] = defaultdict(list)
    for call in of.session.scalars(
        select(CarrierCall).where(CarrierCall.shipment_id.in_(ids)).order_by(CarrierCall.id)
    ):
        outcome = OUTCOMES.get(call.outcome, call.outcome) if call.outcome else "尚无结果"
        calls[call.shipment_id].append(Called(call.intended_at, call.operation, outcome, call.status))
    return [
        _envelope(of, one, numbers[one.id], inside.get(one.id, []), calls[one.id]) for one in of.shipments.values()
    ]


def _envelope(
    of: Teller,
    shipment: Shipment,
    waybills: Sequence[Waybill],
    inside: Sequence[tuple[Content, Document, Case]],
    calls: Sequence[Called],
) -> Envelope:
    here = [document.code for _, document, case in inside if case.id == of.case.id]
    lies_in = any(case.id == of.case.id and not content.void for content, _, case in inside)
    others = sorted({case.case_no for content, _, case in inside if case.id != of.case.id and not content.void})
    return Envelope(
        id=shipment.id,
        order_no=shipment.order_no or "",
        carrier=of.title(shipment.carrier),
        view=shipment.view,
        since=shipment.moved_at,
        numbers=[_number(of.world, waybill) for waybill in waybills],
        papers=here,
        others=others,
        calls=calls,
        prints=shipment.prints,
        stage=Stage(shipment.stage),
        called_off=shipment.stage != Stage.CANCELLED and shipment.after_voiding == Then.CANCEL,
        lies_in=lies_in,
    )


def _number(world: World, waybill: Waybill) -> Number:
    link = "" if waybill.voided_at else tracking_url(world, waybill)
    return Number(waybill.number, waybill.adopted_at, waybill.voided_at, link)


def _papers(of: Teller, envelopes: Sequence[Envelope]) -> list[Paper]:
    inside = _contents(of)
    lying = {
        document.id: (content, key)
        for key, rows in inside.items()
        for content, document, _ in rows
        if not content.void
    }
    numbers = {one.id: one.live.number if one.live else one.order_no for one in envelopes}
    query = select(Document).where(Document.case_id == of.case.id).order_by(Document.number)
    return [
        Paper(paper.code, paper.name, paper.copies, _custody(of, paper, lying.get(paper.id), numbers), paper.is_lost)
        for paper in of.session.scalars(query)
    ]


WITH_WHOM: Mapping[Stage, str] = {
    Stage.HANDED_OVER: "寄递企业",
    Stage.CLOSED: "收件人",
    Stage.PACKED: "本中心，已封装待交寄",
}
"""Who has what lies in an envelope at this stage; before it is packed, the desk has it."""
AS_TOLD: Mapping[View, str] = {View.RETURNED: "寄递企业称已退回本中心", View.LOST: "寄递企业称已丢失"}


def _custody(of: Teller, paper: Document, lying: tuple[Content, UUID] | None, numbers: Mapping[UUID, str]) -> str:
    if paper.is_lost:
        return "已报失，另行补证"
    if lying is None:
        return "出证科室（待出证）" if of.case.paper_ready_at is None else "本中心，未封装"
    content, shipment_id = lying
    shipment = of.shipments[shipment_id]
    default = "本中心，已扫入信封" if content.scanned_at else "本中心，待封装"
    told = AS_TOLD.get(shipment.view) or WITH_WHOM.get(Stage(shipment.stage), default)
    return f"{told}（{numbers[shipment_id] or words.VIEWS[shipment.view]}）"


def _legs(session: Session, case: Case) -> list[LegShown]:
    query = select(Leg, LegEvidence).outerjoin(LegEvidence, LegEvidence.leg_id == Leg.id)
    return [
        LegShown(
            LEGS[leg.direction],  # type: ignore[index] # the words go by the direction's own text
            EVIDENCE_WORDS[Evidence(proof.evidence)] if proof else "",
            proof.happened_at if proof else None,
        )
        for leg, proof in session.execute(query.where(Leg.case_id == case.id).order_by(Leg.direction))
    ]


def _trip(visit: Visit) -> Trip:
    rule = KINDS[VisitKind(visit.kind)]
    fault = rule.fault.chinese if rule.fault else ""
    return Trip(rule.chinese, visit.happened_on, rule.office_trips, rule.trips, fault, rule.voluntary)
