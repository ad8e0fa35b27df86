"""What a supervisor must see of trips: where applicant and ledger differ, and where more were made than published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Item
from dispatch.approval.curtain import Curtain
from dispatch.approval.within import EVERYTHING, Within
from dispatch.ledger import MatterTrips
from dispatch.world import World
from dispatch.zero_visits.figures import month_in_shanghai
from dispatch.zero_visits.proof import office_trips, over_published, published
from dispatch.zero_visits.trips.shown import TripsShown, show_trips, trips_of_each

PAGE = 20
MOST_OVER = 200


@dataclass(frozen=True, slots=True)
class Differing:
    """A matter that waits for a ruling, by its cases that may be seen."""

    case_nos: Sequence[str]
    item: str
    department: str
    since: datetime
    shown: TripsShown


@dataclass(frozen=True, slots=True)
class ToRule:
    """A page of them, the longest waiting first. `total`: on all pages."""

    rows: Sequence[Differing]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many there are, one at least."""
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class Over:
    """A case whose matter cost more trips to an office than are published (承诺不符)."""

    case_no: str
    item: str
    department: str
    office_trips: int
    published: int


def count_to_rule(session: Session, within: Within = EVERYTHING) -> int:
    """How many matters wait for a ruling."""
    return session.scalar(select(func.count()).select_from(MatterTrips).where(_waits(within))) or 0


def to_rule(world: World, within: Within = EVERYTHING, number: int = 1) -> ToRule:
    """A page of what waits for a ruling; past the end, the last one."""
    with world.reading() as session:
        total = count_to_rule(session, within)
        number = min(max(1, number), max(1, -(-total // PAGE)))
        query = select(MatterTrips.matter_id).where(_waits(within))
        query = query.order_by(MatterTrips.differs_since, MatterTrips.id)
        chosen = session.scalars(query.offset((number - 1) * PAGE).limit(PAGE)).all()
        return ToRule(_rows(world, session, chosen, within), total, number)


def over_in(world: World, month: str, within: Within = EVERYTHING) -> Sequence[Over]:
    """The cases decided in a month (YYYY-MM) whose matters cost too many trips, at most 200. Raises NotFoundError."""
    begin, end = month_in_shanghai(month)
    query = (
        select(Case.case_no, Item, Case.department, office_trips(), published())
        .join(Item, Item.id == Case.item_id)
        .where(Case.decided_at >= begin, Case.decided_at < end, within.cases, over_published())
        .order_by(Case.case_no)
        .limit(MOST_OVER)
    )
    with world.reading() as session:
        return [
            Over(case_no, item.title, department, made, most)
            for case_no, item, department, made, most in session.execute(query)
        ]


def _waits(within: Within) -> ColumnElement[bool]:
    mine = exists().where(Case.matter_id == MatterTrips.matter_id, within.cases)
    return MatterTrips.differs_since.is_not(None) & mine


def _rows(world: World, session: Session, matter_ids: Sequence[UUID], within: Within) -> list[Differing]:
    query = (
        select(Case, Item, CaseSlip)
        .join(Item, Item.id == Case.item_id)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .where(Case.matter_id.in_(matter_ids), within.cases)
        .order_by(Case.case_no)
    )
    cases: dict[UUID, list[tuple[Case, Item, CaseSlip]]] = {one: [] for one in matter_ids}
    for case, item, slip in session.execute(query):
        cases[case.matter_id].append((case, item, slip))
    trips = trips_of_each(session, matter_ids)
    rows = []
    for matter_id, mine in cases.items():
        case, item, slip = mine[0]
        shown = show_trips(world, trips[matter_id], Curtain.before(world, case, slip, reveal=False))
        since = trips[matter_id].stands.differs_since or world.now()
        numbers = [one.case_no for one, _, _ in mine]
        rows.append(Differing(numbers, item.title, case.department, since, shown))
    return rows
