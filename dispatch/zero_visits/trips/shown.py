"""A matter's trips on one look: what the ledger counts, what applicants say, what was ruled, and what stands."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Item
from dispatch.approval.curtain import Curtain
from dispatch.ledger import Count, MatterTrips, Stands, Testimony, TripRuling, Visit, count
from dispatch.visits import ASKED_WORDS, Asked
from dispatch.world import World

DIGITS = 16
Told = TypeVar("Told", Testimony, TripRuling)
Row = TypeVar("Row", Visit, Testimony, TripRuling)


@dataclass(frozen=True, slots=True)
class Trips:
    """Of one matter. `testimonies` and `rulings`: the oldest first. `published`: trips to an office, at the most."""

    counted: Count
    stands: Stands
    published: int
    testimonies: Sequence[Testimony]
    rulings: Sequence[TripRuling]

    @property
    def basis(self) -> str:
        """What a ruling stands on: other by now, it would be another ruling."""
        facts = repr((self.counted, [one.id for one in self.testimonies], [one.id for one in self.rulings]))
        return hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]

    @property
    def is_over(self) -> bool:
        """承诺不符."""
        return self.stands.count.office_trips > self.published


@dataclass(frozen=True, slots=True)
class Heard:
    """One word of an applicant; the note masked. `counted`: the ledger's figure at that time."""

    number: str
    at: datetime
    by: str
    way: str
    count: Count
    counted: Count
    note: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ruled:
    """One ruling; the reason masked. `for_record`: the ledger's figure was to stand."""

    at: datetime
    by: str
    count: Count
    for_record: bool
    reason: str = field(repr=False)
    replaced_at: datetime | None


@dataclass(frozen=True, slots=True)
class TripsShown:
    """The same as it may be shown."""

    trips: Trips
    heard: Sequence[Heard]
    ruled: Sequence[Ruled]


def trips_of(session: Session, matter_id: UUID) -> Trips:
    """Read one matter."""
    return trips_of_each(session, [matter_id])[matter_id]


def trips_of_each(session: Session, matter_ids: Collection[UUID]) -> Mapping[UUID, Trips]:
    """Read these matters: five queries, however many they are."""
    visits = _by_matter(session.scalars(select(Visit).where(Visit.matter_id.in_(matter_ids))))
    testimonies = _by_matter(session.scalars(_in_order(Testimony, matter_ids)))
    rulings = _by_matter(session.scalars(_in_order(TripRuling, matter_ids)))
    standing = {
        row.matter_id: Stands(Count(row.office_trips, row.trips), row.differs_since)
        for row in session.scalars(select(MatterTrips).where(MatterTrips.matter_id.in_(matter_ids)))
    }
    most = select(Case.matter_id, func.max(Item.published_trips)).join(Item, Item.id == Case.item_id)
    published = dict(session.execute(most.where(Case.matter_id.in_(matter_ids)).group_by(Case.matter_id)).all())
    found = {}
    for one in matter_ids:
        counted = count(visits[one])
        stands = standing.get(one, Stands(counted))
        found[one] = Trips(counted, stands, published.get(one, 0), testimonies[one], rulings[one])
    return found


def show_trips(world: World, trips: Trips, curtain: Curtain) -> TripsShown:
    """What people wrote is masked by the curtain before one of the matter's cases."""
    heard = [
        Heard(
            number=str(one.id),
            at=one.at,
            by=one.by,
            way=ASKED_WORDS[Asked(one.way)],
            count=one.count,
            counted=one.counted,
            note=curtain.free(world.vault.open(one, "note")),
        )
        for one in trips.testimonies
    ]
    ruled = [
        Ruled(
            at=one.at,
            by=one.by,
            count=one.count,
            for_record=one.testimony_id is None,
            reason=curtain.free(world.vault.open(one, "reason")),
            replaced_at=one.replaced_at,
        )
        for one in trips.rulings
    ]
    return TripsShown(trips, heard, ruled)


def _in_order(of: type[Told], matter_ids: Collection[UUID]) -> Select[Told]:
    return select(of).where(of.matter_id.in_(matter_ids)).order_by(of.at, of.id)


def _by_matter(rows: Iterable[Row]) -> Mapping[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.matter_id].append(row)
    return found
