"""The ledger of visits: what a citizen had to do for a matter, counted twice (HALL.md §2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId, insert_rows
from dispatch.visits import KINDS, VisitKind
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


def record_all(session: Session, visits: Sequence[Visit]) -> None:
    """Write each visit once for its origin."""
    insert_rows(session, visits, once="origin")


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
