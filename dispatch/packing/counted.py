"""How far a collection is counted out: what the counter sees between two scans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from dispatch.approval.within import EVERYTHING, Within
from dispatch.db import spelled
from dispatch.journey import Stage
from dispatch.packing.collection import STALE, CollectionScan, begun, next_round
from dispatch.shipment import Shipment
from dispatch.waybill import Waybill
from dispatch.world import World

SHOWN = 50
"""So many parcels of either kind are listed at most: the page is drawn anew after each scan."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A packed envelope that is expected in the collection; `scanned_by` is empty while it was not scanned."""

    waybill_no: str
    order_no: str
    scanned_by: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A collection as it stands. `opened_by` is empty where none is open.

    `expected`: all that are packed; `scanned`: of them, counted out; `going`: what would be handed over now, which
    holds what is out of reach too. `parcels`: some of those that are missing, and those that were scanned last.
    """

    carrier: str
    round_at: datetime
    opened_by: str
    opened_at: datetime | None
    expected: int
    scanned: int
    going: int
    parcels: Sequence[Parcel]

    @property
    def others(self) -> int:
        """How many of those that would go are other departments'."""
        return self.going - self.scanned

    @property
    def unlisted(self) -> int:
        """How many are not among `parcels`."""
        return self.expected - len(self.parcels)


def count_collection(world: World, carrier: str, within: Within = EVERYTHING) -> Counted:
    """What is packed for this carrier, and how far it is counted out."""
    with world.reading() as session:
        found = session.scalar(begun(carrier))
        expected, scanned = session.execute(
            _packed(carrier, within, func.count(Shipment.id), func.count(CollectionScan.id))
        ).one()
        going = session.scalar(_packed(carrier, EVERYTHING, func.count(CollectionScan.id))) or 0
        rows = _packed(carrier, within, Waybill.number, Shipment.order_no, CollectionScan.by)
        missing = rows.where(CollectionScan.id.is_(None)).order_by(Waybill.number).limit(SHOWN)
        latest = rows.where(CollectionScan.id.is_not(None)).order_by(CollectionScan.at.desc()).limit(SHOWN)
        parcels = [
            Parcel(number, order_no or "", by or "")
            for chosen in (missing, latest)
            for number, order_no, by in session.execute(chosen)
        ]
    if found is None:
        return Counted(carrier, next_round(world), "", None, expected, scanned, going, parcels)
    began = (found.round_at, found.opened_by, found.opened_at)
    return Counted(carrier, *began, expected, scanned, going, parcels)


def _packed(carrier: str, within: Within, *columns: Any) -> Select[Any]:
    """These columns of what is packed for this carrier, beside its scan where it has one that counts."""
    return (
        select(*columns)
        .select_from(Shipment)
        .join(Waybill, Waybill.shipment_id == Shipment.id)
        .outerjoin(CollectionScan, (CollectionScan.shipment_id == Shipment.id) & ~STALE)
        .where(Shipment.stage == spelled(Stage.PACKED), Shipment.carrier == carrier, Waybill.voided_at.is_(None))
        .where(within.shipments)
    )
