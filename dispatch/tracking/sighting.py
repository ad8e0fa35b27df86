"""Sightings: one line of news each, our word beside the carrier's, kept for ever in the set that is folded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import String
from uuid_utils.compat import uuid7

from dispatch.carrier import Seen
from dispatch.db import Base, RowId, insert_rows
from dispatch.journey import MEANS, News, Observed, Signer, Tracking, fold, taken_back
from dispatch.shipment import Shipment
from dispatch.waybill import Waybill, still_followed
from dispatch.world import World

PUSHED = "push"
ASKED = "question"


class Sighting(Base):
    """One line of a carrier's news. Without a shipment it belongs to nobody yet: kept, and shown to a person."""

    __tablename__ = "sightings"

    id: Mapped[RowId]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"), index=True)
    carrier: Mapped[str]
    waybill_no: Mapped[str]
    order_no: Mapped[str]  # our number as the carrier tells it; empty where it does not
    at: Mapped[datetime]  # the carrier's own event time
    code: Mapped[str]
    detail: Mapped[str]
    news: Mapped[str]
    signer: Mapped[str | None]
    voids: Mapped[list[str]] = mapped_column(ARRAY(String))
    wants_detail: Mapped[bool]
    words: Mapped[bytes]  # sealed: the carrier's words may name people
    place: Mapped[bytes]  # sealed
    source: Mapped[str]  # push or question: who told it first
    pushed: Mapped[bool]  # a push has told it, sooner or later
    new_number: Mapped[str] = mapped_column(default="")  # the parcel goes on under this number, back to us
    received_at: Mapped[datetime]
    digest: Mapped[bytes]  # keyed, over everything the carrier said

    __table_args__ = (
        UniqueConstraint("carrier", "waybill_no", "digest"),
        Index("ix_sightings_unmatched", "carrier", "waybill_no", postgresql_where=text("shipment_id IS NULL")),
        Index("ix_sightings_received_at", "received_at", postgresql_using="brin"),  # they come in this order
        Index("ix_sightings_new_number", "carrier", "new_number", postgresql_where=text("new_number <> ''")),
    )

    def observed(self, *, coming_back: bool = False) -> Observed:
        """As the fold needs it. `coming_back`: told of the number under which it travels back to us."""
        news, signer = News(self.news), Signer(self.signer) if self.signer else None
        if coming_back and news in HANDED_OUT:
            news, signer = News.RETURNED, None  # what is signed for there is signed for by us
        return Observed(
            at=self.at,
            code=self.code,
            news=news,
            detail=self.detail,
            signer=signer,
            voids=frozenset(self.voids),
            digest=self.digest.hex(),
        )


def keep(world: World, session: Session, carrier: str, seen: Seen, source: str) -> bool:
    """Store a line of news that is nobody's yet, once; whether it is anybody's after all (it was told before)."""
    row = sighting(world, carrier, seen, source, None)
    keep_all(session, [row])
    whose = select(Sighting.shipment_id).where(
        Sighting.carrier == carrier, Sighting.waybill_no == seen.waybill_no, Sighting.digest == row.digest
    )
    return session.scalar(whose) is not None


def keep_all(session: Session, rows: Sequence[Sighting]) -> None:
    """Store lines of news, each once. What a push tells after a question did has been pushed too."""
    added = insert_rows(session, rows, once="carrier, waybill_no, digest")
    again = [(row.carrier, row.waybill_no, row.digest) for row in rows if row.pushed and row.id not in added]
    if again:
        line = tuple_(Sighting.carrier, Sighting.waybill_no, Sighting.digest)
        pushed = update(Sighting).where(line.in_(again), ~Sighting.pushed).values(pushed=True)
        session.execute(pushed.execution_options(synchronize_session=False))


def sighting(world: World, carrier: str, seen: Seen, source: str, shipment_id: UUID | None) -> Sighting:
    """A line of news as it will be stored."""
    row = Sighting(
        id=uuid7(),
        shipment_id=shipment_id,
        carrier=carrier,
        waybill_no=seen.waybill_no,
        order_no=seen.order_no,
        at=seen.at,
        code=seen.code,
        detail=seen.detail,
        news=seen.news,
        signer=seen.signer,
        voids=sorted(seen.voids),
        wants_detail=seen.wants_detail,
        source=source,
        pushed=source == PUSHED,
        new_number=seen.new_number,
        received_at=world.now(),
        digest=_digest(world, seen),
    )
    world.vault.seal(row, "words", seen.text)
    world.vault.seal(row, "place", seen.place)
    return row


def _digest(world: World, seen: Seen) -> bytes:
    parts = (seen.at.isoformat(), seen.code, seen.detail, seen.text, seen.place)
    return world.vault.digest("sighting", *parts)


def claim_unmatched(session: Session, shipment: Shipment, number: str, since: datetime, until: datetime) -> None:
    """News of this number that came before the number did belongs to this shipment, if its time can be meant."""
    session.execute(
        update(Sighting)
        .where(Sighting.carrier == shipment.carrier, Sighting.waybill_no == number, Sighting.shipment_id.is_(None))
        .where(Sighting.order_no.in_(("", shipment.order_no)), Sighting.at.between(since, until))
        .values(shipment_id=shipment.id)
    )


def let_go_of_voided(session: Session, shipment_ids: Collection[UUID]) -> None:
    """News of a number that was taken back from its shipment is nobody's: it proves nothing of its second label."""
    mine = select(Waybill.number).where(Waybill.shipment_id == Sighting.shipment_id)
    session.execute(
        update(Sighting)
        .where(Sighting.shipment_id.in_(shipment_ids))
        .where(Sighting.waybill_no.in_(mine.where(Waybill.voided_at.is_not(None))))
        .where(Sighting.waybill_no.not_in(mine.where(Waybill.voided_at.is_(None))))
        .values(shipment_id=None)
        .execution_options(synchronize_session=False)
    )


def sightings_of(session: Session, shipment_id: UUID) -> list[Sighting]:
    """All news of a shipment, by the carrier's time."""
    return sightings_by_shipment(session, [shipment_id])[shipment_id]


def sightings_by_shipment(session: Session, shipment_ids: Collection[UUID]) -> Mapping[UUID, list[Sighting]]:
    """All news of each of these shipments, by the carrier's time."""
    found: dict[UUID, list[Sighting]] = {shipment_id: [] for shipment_id in shipment_ids}
    query = select(Sighting).where(Sighting.shipment_id.in_(shipment_ids))
    for row in session.scalars(
        query.order_by(Sighting.at, Sighting.received_at), execution_options={"populate_existing": True}
    ):
        if row.shipment_id is not None:
            found[row.shipment_id].append(row)
    return found


def fold_sightings(rows: Sequence[Sighting]) -> Tracking:
    """What all news of one shipment say together."""
    back = new_numbers(rows)
    return fold(row.observed(coming_back=row.waybill_no in back) for row in rows)


def first_told(rows: Sequence[Sighting]) -> datetime | None:
    """When the carrier first had it, by its own time: of the news that say where it is and were not taken back."""
    gone = taken_back(row.observed() for row in rows)
    return min((row.at for row in rows if News(row.news) in MEANS and (row.at, row.code) not in gone), default=None)


HANDED_OUT = frozenset({News.DELIVERED, News.FETCHED})


def new_numbers(sightings: Iterable[Sighting]) -> frozenset[str]:
    """The numbers under which a shipment travels back, as its own news tell them."""
    return frozenset(row.new_number for row in sightings if row.new_number)


def find_by_new_number(world: World, session: Session, carrier: str, number: str) -> Shipment | None:
    """The live shipment that travels back under this number."""
    query = (
        select(Shipment)
        .join(Sighting, Sighting.shipment_id == Shipment.id)
        .join(Waybill, Waybill.shipment_id == Shipment.id)
        .where(Sighting.carrier == carrier, Sighting.new_number == number)
        .where(Waybill.voided_at.is_(None), Waybill.retired_at.is_(None), still_followed(world))
    )
    return session.scalars(query.limit(1)).first()


def lacks_detail(sightings: Iterable[Sighting]) -> bool:
    """Whether some news waits for its sub-code, and nothing has told it yet."""
    rows = list(sightings)
    told = {(row.at, row.code) for row in rows if row.detail}
    return any(row.wants_detail and (row.at, row.code) not in told for row in rows)
