"""How long a carrier is usually silent in each view: from the settings, learned where there are enough passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import distinct, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base
from dispatch.lease import Claim
from dispatch.shipment import Move, Shipment
from dispatch.tracking.sighting import Sighting
from dispatch.world import World

LEARN = "rhythm.learn"
EVERYONE = "carriers:all"
SINCE = timedelta(days=90)


class Rhythm(Base):
    """The median time that a carrier's shipments on one leg stayed in a view before the next news."""

    __tablename__ = "rhythms"

    carrier: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(primary_key=True)
    view: Mapped[str] = mapped_column(primary_key=True)
    median: Mapped[timedelta]
    passages: Mapped[int]
    learned_at: Mapped[datetime]


def silence(world: World, session: Session, shipment: Shipment) -> timedelta | None:
    """How long this shipment may be silent before its carrier is asked; None where no news is waited for."""
    usual = world.settings.rhythm.get(shipment.view)
    if usual is None:
        return None
    learned = session.get(Rhythm, (shipment.carrier, shipment.direction, shipment.view))
    if learned is None or learned.passages < world.settings.rhythm_enough:
        return usual
    return learned.median * world.settings.rhythm_factor


def learn(world: World, claim: Claim) -> None:
    """Take the medians of the last months anew; the job comes back."""
    with claim.later(world.settings.rhythm_learned) as session:
        for row in session.execute(_medians(world)).all():
            values = {
                "carrier": row.carrier,
                "direction": row.direction,
                "view": row.view,
                "median": row.median,
                "passages": row.passages,
                "learned_at": world.now(),
            }
            new = insert(Rhythm).values(**values)
            session.execute(new.on_conflict_do_update(index_elements=["carrier", "direction", "view"], set_=values))


def _medians(world: World):  # type: ignore[no-untyped-def]
    news = func.min(Move.at).filter(Move.cause.startswith("news:"))
    # GROUPS from the next one on: what came at the same moment is not after it.
    next_at = news.over(partition_by=Move.shipment_id, order_by=Move.at, groups=(1, None))
    moves = select(Move.shipment_id, Move.after, Move.at, next_at.label("next_at")).where(
        Move.at > world.now() - SINCE
    )
    each = moves.subquery()
    passages = (
        select(
            Shipment.carrier,
            Shipment.direction,
            each.c.after.label("view"),
            (each.c.next_at - each.c.at).label("took"),
        )
        .join(Shipment, Shipment.id == each.c.shipment_id)
        .where(each.c.after.in_(world.settings.rhythm), each.c.next_at.is_not(None))
        .subquery()
    )
    median = func.percentile_cont(0.5).within_group(passages.c.took)
    return select(
        passages.c.carrier,
        passages.c.direction,
        passages.c.view,
        median.label("median"),
        func.count().label("passages"),
    ).group_by(passages.c.carrier, passages.c.direction, passages.c.view)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a carrier's news its pushes told, and how much only our asking found."""

    carrier: str
    facts: int
    only_asked: int


def shares(session: Session, since: datetime) -> Sequence[Share]:
    """For each carrier: events (number, time, code) heard of since then, and those that no push ever told."""
    event = func.row(Sighting.waybill_no, Sighting.at, Sighting.code)
    query = (
        select(
            Sighting.carrier,
            func.count(distinct(event)).label("facts"),
            func.count(distinct(event)).filter(Sighting.pushed).label("pushed"),
        )
        .where(Sighting.received_at > since, Sighting.shipment_id.is_not(None))
        .group_by(Sighting.carrier)
        .order_by(Sighting.carrier)
    )
    return [Share(row.carrier, row.facts, row.facts - row.pushed) for row in session.execute(query)]
