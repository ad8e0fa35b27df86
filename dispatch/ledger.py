"""The ledger of visits: what a citizen had to do for a matter, counted twice (HALL.md §2).

Where the applicant says otherwise (`Testimony`), the higher figure of each counter stands until a supervisor rules
(`TripRuling`); what stands is kept for each matter that somebody has spoken of (`MatterTrips`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId, insert_rows
from dispatch.once import Keyed
from dispatch.visits import KINDS, Asked, VisitKind
from dispatch.world import World


class Visit(Base):
    """One thing the citizen did for a matter. `origin` makes a repeated recording of the same fact one row."""

    __tablename__ = "visits"

    id: Mapped[RowId]
    matter_id: Mapped[UUID] = mapped_column(ForeignKey("matters.id"), index=True)
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str]
    trip: Mapped[str]  # visits with the same trip were one trip of one person
    happened_on: Mapped[date | None]
    origin: Mapped[str] = mapped_column(unique=True)
    recorded_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Count:
    """The two counters of a matter: 上门 (trips to an office, the law's) and 跑动 (any trip)."""

    office_trips: int = 0
    trips: int = 0

    @property
    def zero(self) -> bool:
        """Neither counter moved."""
        return not self.office_trips and not self.trips

    def or_higher(self, other: "Count") -> "Count":
        """Of each counter the higher figure."""
        return Count(max(self.office_trips, other.office_trips), max(self.trips, other.trips))


class Figures:
    """What somebody says of the trips of a matter; `counted_…`: what the ledger said then."""

    office_trips: Mapped[int]
    trips: Mapped[int]
    counted_office_trips: Mapped[int]
    counted_trips: Mapped[int]

    @property
    def count(self) -> Count:
        """As it was said."""
        return Count(self.office_trips, self.trips)

    @property
    def counted(self) -> Count:
        """The ledger's, at that time."""
        return Count(self.counted_office_trips, self.counted_trips)


class Testimony(Keyed, Figures, Base):
    """群众反映: how often an applicant says to have gone for a matter."""

    __tablename__ = "testimonies"

    id: Mapped[RowId]
    matter_id: Mapped[UUID] = mapped_column(ForeignKey("matters.id"), index=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), index=True)  # in which it was told
    at: Mapped[datetime]
    by: Mapped[str]
    way: Mapped[str]
    note: Mapped[bytes | None]  # sealed
    heard: Mapped[bool]  # a supervisor has ruled since

    __table_args__ = (
        CheckConstraint(f"way IN ({', '.join(repr(str(one)) for one in Asked)})", name="way"),
        CheckConstraint("0 <= office_trips AND office_trips <= trips", name="trips"),
    )


class TripRuling(Figures, Base):
    """裁定: which figure stands, by a supervisor. `testimony_id` none: the ledger's. One stands for a matter."""

    __tablename__ = "trip_rulings"

    id: Mapped[RowId]
    matter_id: Mapped[UUID] = mapped_column(ForeignKey("matters.id"), index=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), index=True)
    testimony_id: Mapped[UUID | None] = mapped_column(ForeignKey("testimonies.id"))
    at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[bytes | None]  # sealed
    replaced_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_trip_rulings_standing", "matter_id", unique=True, postgresql_where=text("replaced_at IS NULL")),
    )


class MatterTrips(Base):
    """What stands of a matter that an applicant has spoken of. Of others the ledger's own count stands."""

    __tablename__ = "matter_trips"

    id: Mapped[RowId]
    matter_id: Mapped[UUID] = mapped_column(ForeignKey("matters.id"), unique=True)
    office_trips: Mapped[int]
    trips: Mapped[int]
    differs_since: Mapped[datetime | None]  # and nobody has ruled

    __table_args__ = (
        Index("ix_matter_trips_differing", "differs_since", postgresql_where=text("differs_since IS NOT NULL")),
    )


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands of a matter. `differs_since`: applicant and ledger differ, and a supervisor must rule."""

    count: Count
    differs_since: datetime | None = None


def record_all(session: Session, visits: Sequence[Visit]) -> None:
    """Write each visit once for its origin."""
    added = insert_rows(session, visits, once="origin")
    new = [visit for visit in visits if visit.id in added]
    if new:
        # The rows that went in lock their matters (foreign key) against whoever takes a testimony or rules.
        _reckon(session, {visit.matter_id for visit in new}, max(visit.recorded_at for visit in new))


def visit(
    world: World,
    matter_id: UUID,
    kind: VisitKind,
    origin: str,
    *,
    case_id: UUID | None = None,
    trip: str = "",
    on: date | None = None,
) -> Visit:
    """A visit as it will be written."""
    return Visit(
        id=uuid7(),
        matter_id=matter_id,
        case_id=case_id,
        kind=kind,
        trip=trip or origin,
        happened_on=on,
        origin=origin,
        recorded_at=world.now(),
    )


def visits_of(session: Session, matter_id: UUID) -> list[Visit]:
    """All visits of a matter, oldest first."""
    return list(session.scalars(select(Visit).where(Visit.matter_id == matter_id).order_by(Visit.recorded_at)))


def count(visits: Iterable[Visit]) -> Count:
    """Both counters of one matter: several windows in one trip are one 上门 for the matter and one 跑动."""
    office: dict[str, int] = {}
    trips: dict[str, int] = {}
    for visit in visits:
        rule = KINDS[VisitKind(visit.kind)]
        office[visit.trip] = max(office.get(visit.trip, 0), rule.office_trips)
        trips[visit.trip] = max(trips.get(visit.trip, 0), rule.trips)
    return Count(sum(office.values()), sum(trips.values()))


def what_stands(session: Session, matter_id: UUID) -> Stands:
    """The count that everybody is told of a matter."""
    row = session.scalar(select(MatterTrips).where(MatterTrips.matter_id == matter_id))
    if row is None:
        return Stands(count(visits_of(session, matter_id)))
    return Stands(Count(row.office_trips, row.trips), row.differs_since)


def hear(session: Session, testimony: Testimony) -> None:
    """Write down what an applicant says of a matter that is locked; what stands follows from it."""
    session.add(testimony)
    here = {"matter_id": testimony.matter_id, "office_trips": 0, "trips": 0}
    session.execute(insert(MatterTrips).values(id=uuid7(), **here).on_conflict_do_nothing())
    session.flush()
    _reckon(session, {testimony.matter_id}, testimony.at)


def decide(session: Session, ruling: TripRuling) -> None:
    """Write down a ruling on a matter that is locked, instead of the one that stood."""
    mine = update(TripRuling).where(TripRuling.matter_id == ruling.matter_id, TripRuling.replaced_at.is_(None))
    session.execute(mine.values(replaced_at=ruling.at))
    session.add(ruling)
    session.execute(update(Testimony).where(Testimony.matter_id == ruling.matter_id).values(heard=True))
    session.flush()
    _reckon(session, {ruling.matter_id}, ruling.at)


def judge(counted: Count, testimonies: Iterable[Testimony], ruling: TripRuling | None) -> tuple[Count, bool]:
    """What stands, and whether a supervisor must rule.

    A ruling holds until the ledger counts otherwise than it did then: with the news everything is open again. What an
    applicant says after it is compared with the ruling.
    """
    holds = ruling is not None and ruling.counted == counted
    base = ruling.count if ruling is not None and holds else counted
    standing, differs = base, False
    for told in testimonies:
        if holds and told.heard:
            continue
        standing, differs = standing.or_higher(told.count), differs or told.count != base
    return standing, differs


def standing_ruling(session: Session, matter_id: UUID) -> TripRuling | None:
    """The ruling on a matter that no later one has replaced."""
    mine = select(TripRuling).where(TripRuling.matter_id == matter_id, TripRuling.replaced_at.is_(None))
    return session.scalar(mine)


def _reckon(session: Session, matter_ids: Collection[UUID], at: datetime) -> None:
    """Find anew what stands of those of these matters of which somebody has spoken."""
    mine = select(MatterTrips).where(MatterTrips.matter_id.in_(matter_ids)).order_by(MatterTrips.matter_id)
    for row in session.scalars(mine.with_for_update().execution_options(populate_existing=True)):
        told = session.scalars(select(Testimony).where(Testimony.matter_id == row.matter_id))
        ruling = standing_ruling(session, row.matter_id)
        standing, differs = judge(count(visits_of(session, row.matter_id)), told, ruling)
        row.office_trips, row.trips = standing.office_trips, standing.trips
        row.differs_since = (row.differs_since or at) if differs else None
