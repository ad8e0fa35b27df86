"""How far a case is proved, as conditions on `cases` that every count shares, so that no two counts differ."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from sqlalchemy import ColumnElement, String, and_, cast, distinct, exists, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from dispatch.approval.case import Case, Document, Item, Leg
from dispatch.journey import Signer, Stage, Tracked
from dispatch.ledger import MatterTrips, Visit
from dispatch.shipment import Content, Shipment
from dispatch.visits import KINDS
from dispatch.worklist import SYSTEM, Entry, Reason
from dispatch.zero_visits.close import Closure, LegEvidence
from dispatch.zero_visits.evidence import Evidence

TRIPS = tuple(sorted(kind for kind, rule in KINDS.items() if not rule.zero))
OFFICE_TRIPS = tuple(sorted(kind for kind, rule in KINDS.items() if rule.office_trips))
STANDING: Mapping[tuple[str, ...], InstrumentedAttribute[int]] = MappingProxyType(
    {TRIPS: MatterTrips.trips, OFFICE_TRIPS: MatterTrips.office_trips}
)
"""What stands of each counter, where an applicant has spoken of the matter."""
assert all(rule.office_trips in {0, 1} for rule in KINDS.values())  # noqa: S101 - or `office_trips` counts wrongly

CONTRADICTING = frozenset(
    {Reason.DELIVERY_REVOKED, Reason.SIGNED_WITHOUT_CONSENT, Reason.SIGNER_UNKNOWN, Reason.UNKNOWN_CODE}
    | {Reason.RETURNING, Reason.RETURNED, Reason.LOST}
)
"""Open entries that speak, or may speak, against a delivery: while one stands, nothing counts as proved."""


def proved() -> ColumnElement[bool]:
    """Closed, and every leg evidenced (a leg that was added after the closing counts too).

    Evidence stands as long as the news behind it do: revoked or returned since, it is none, unless the applicant
    has said that it is in hand; and none at all once the letter was taken back or given up as lost. A receipt of our
    own window stands by itself.
    """
    word = LegEvidence.evidence == Evidence.CONFIRMED_BY_APPLICANT
    stands = and_(Shipment.stage != Stage.UNDELIVERED, or_(_in_hand(), word))
    behind = exists().where(LegEvidence.leg_id == Leg.id, Shipment.id == LegEvidence.shipment_id, stands)
    receipt = exists().where(LegEvidence.leg_id == Leg.id, LegEvidence.evidence == Evidence.COLLECTED_AT_WINDOW)
    bare = exists().where(Leg.case_id == Case.id, ~behind, ~receipt)
    return and_(exists().where(Closure.case_id == Case.id), ~bare)


def _in_hand() -> ColumnElement[bool]:
    """Delivered, and it is known to whom: signed for on its way back to us, it may be in our own hands."""
    return and_(Shipment.tracked == Tracked.DELIVERED, Shipment.signer.is_distinct_from(Signer.UNKNOWN))


def without(kinds: tuple[str, ...]) -> ColumnElement[bool]:
    """The counter of these kinds (`TRIPS`, `OFFICE_TRIPS`) is nought: no visit, or a word or ruling that stands."""
    made = select(Visit.id).where(Visit.matter_id == Case.matter_id, Visit.kind.in_(kinds)).correlate(Case).exists()
    told = select(STANDING[kinds] == 0).where(MatterTrips.matter_id == Case.matter_id).correlate(Case)
    return func.coalesce(told.scalar_subquery(), ~made)  # looked up for each: an EXISTS may read the table whole


def office_trips() -> ColumnElement[int]:
    """What stands of the matter's trips to an office (see `ledger.count`)."""
    mine = select(func.count(distinct(Visit.trip))).where(Visit.matter_id == Case.matter_id)
    counted = mine.where(Visit.kind.in_(OFFICE_TRIPS)).correlate(Case).scalar_subquery()
    told = select(MatterTrips.office_trips).where(MatterTrips.matter_id == Case.matter_id).correlate(Case)
    return func.coalesce(told.scalar_subquery(), counted)


def published() -> ColumnElement[int]:
    """How many trips to an office are published for the matter: the most of its items', for one trip serves them."""
    beside, item = aliased(Case), aliased(Item)
    most = select(func.max(item.published_trips)).join(beside, beside.item_id == item.id)
    return most.where(beside.matter_id == Case.matter_id).correlate(Case).scalar_subquery()


def over_published() -> ColumnElement[bool]:
    """承诺不符: somebody had to go oftener than it is published."""
    return office_trips() > published()


def on_the_worklist(reasons: Collection[Reason] = tuple(Reason)) -> ColumnElement[bool]:
    """An entry of these reasons is open on the case itself, or on an envelope that holds something of it.

    One that a person has settled counts for as long as nothing has moved since and nothing is proved: it rests with
    that person, and is shown again after its patience. Asked from the case outwards: for one it looks at no other.
    """
    return or_(_by_case(reasons), _by_shipment(reasons))


def _by_case(reasons: Collection[Reason]) -> ColumnElement[bool]:
    own = Entry.subject == literal("case:") + cast(Case.id, String)
    entry = select(Entry.id).where(own, Entry.settled_at.is_(None), Entry.reason.in_(reasons))
    return entry.correlate(Case).exists()


def _by_shipment(reasons: Collection[Reason]) -> ColumnElement[bool]:
    entry = (
        select(Entry.id)
        .select_from(Document)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .join(Entry, Entry.subject == literal("shipment:") + cast(Shipment.id, String))
        .where(Document.case_id == Case.id, ~Content.void)
        .where(or_(Entry.settled_at.is_(None), _rests()), Entry.reason.in_(reasons))
    )
    return entry.correlate(Case).exists()


def _rests() -> ColumnElement[bool]:
    word = exists().where(
        LegEvidence.shipment_id == Shipment.id, LegEvidence.evidence == Evidence.CONFIRMED_BY_APPLICANT
    )
    ended = and_(Shipment.stage == Stage.CLOSED, or_(_in_hand(), word))
    return and_(Entry.settled_by != SYSTEM, Entry.settled_at >= Shipment.moved_at, ~ended)
