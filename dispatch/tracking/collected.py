"""The evening's comparison: what was handed over against what the post says it has collected (203).

A posting list is our word, the trace is the post's. What was handed over and is not in any trace by the evening is
asked after at once and put before a person (已交寄未收寄); the first news of it settles that by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.approval.within import EVERYTHING, Within
from dispatch.db import spelled
from dispatch.hall_time import SHANGHAI, hall_time
from dispatch.journey import News, Stage, Tracked
from dispatch.lease import Claim
from dispatch.packing.hand_over import HandOver, HandOverLine
from dispatch.packing.put_back import may_put_back
from dispatch.shipment import ASK, Shipment
from dispatch.tracking.sighting import Sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Reason
from dispatch.world import World

CHECK = "collection.check"
EVENING = "collection:evening"
LOOKED_BACK = timedelta(days=14)
"""Of older hand-overs the watch tells, which looks at each envelope by itself."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One envelope of a posting list. `collected_at`: the post's 203; `seen`: any news of it at all.

    `may_go_back`: where it lies on the desk still, it may be put back.
    """

    number: str
    carrier: str
    waybill_no: str
    order_no: str
    handed_over_at: datetime
    collected_at: datetime | None
    seen: bool
    carrier_code: str
    may_go_back: bool

    @property
    def missing(self) -> bool:
        """The post has told nothing of it."""
        return not self.seen


def compare(world: World, day: date, within: Within = EVERYTHING) -> list[Compared]:
    """Everything that was handed over on this day in Shanghai, what is missing first."""
    begin = datetime.combine(day, time(), SHANGHAI)
    collected = (
        select(func.min(Sighting.at))
        .where(Sighting.shipment_id == Shipment.id, Sighting.news == News.COLLECTED)
        .scalar_subquery()
    )
    query = (
        select(HandOver, Waybill.number, Shipment, collected)
        .join(HandOverLine, HandOverLine.hand_over_id == HandOver.id)
        .join(Shipment, Shipment.id == HandOverLine.shipment_id)
        .outerjoin(Waybill, (Waybill.shipment_id == Shipment.id) & Waybill.voided_at.is_(None))
        .where(HandOver.made_at >= begin, HandOver.made_at < begin + timedelta(days=1), within.shipments)
        .order_by(HandOver.made_at, Waybill.number)
    )
    with world.reading() as session:
        found = [
            Compared(
                number=made.number,
                carrier=world.title(made.carrier),
                waybill_no=number or "",
                order_no=one.order_no or "",
                handed_over_at=made.made_at,
                collected_at=at,
                seen=one.tracked != Tracked.UNSEEN or at is not None,
                carrier_code=made.carrier,
                may_go_back=may_put_back(one),
            )
            for made, number, one, at in session.execute(query)
        ]
    return sorted(found, key=lambda one: one.seen)


def check_collected(world: World, claim: Claim) -> None:
    """Every evening: whoever was handed over before it and not seen since is asked after, and shown."""
    last, following = _evenings(world)
    with claim.later(following - world.now()) as session:
        told = worklist.open_subjects(session, Reason.NOT_COLLECTED, "shipment:")
        told |= worklist.open_subjects(session, Reason.STALLED, "shipment:")  # its tracker gave up: that says as much
        for shipment, made in _unseen(session, last):
            if shipment.subject in told or worklist.in_hand(session, shipment.subject):
                continue
            jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
            words = f"交寄清单 {made.number}（{hall_time(made.made_at)}）已交，至今没有收寄轨迹。"
            worklist.put(
                world, session, Reason.NOT_COLLECTED, shipment.subject, cause=f"list:{made.number}", detail=words
            )


def _unseen(session: Session, before: datetime) -> Sequence[tuple[Shipment, HandOver]]:
    query = (
        select(Shipment, HandOver)
        .join(HandOverLine, HandOverLine.shipment_id == Shipment.id)
        .join(HandOver, HandOver.id == HandOverLine.hand_over_id)
        .where(Shipment.stage == spelled(Stage.HANDED_OVER), Shipment.tracked == spelled(Tracked.UNSEEN))
        .where(HandOver.made_at < before, HandOver.made_at >= before - LOOKED_BACK)
        .order_by(Shipment.id)
        .with_for_update(of=Shipment)
    )
    return [(shipment, made) for shipment, made in session.execute(query)]


def _evenings(world: World) -> tuple[datetime, datetime]:
    """The last comparison that is due, and the next one."""
    now = world.now().astimezone(SHANGHAI)
    today = datetime.combine(now.date(), world.settings.collection_check, SHANGHAI)
    return (today, today + timedelta(days=1)) if now >= today else (today - timedelta(days=1), today)
