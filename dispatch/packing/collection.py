"""A collection (揽收): the postman stands at the counter, and parcel after parcel is scanned out and counted.

Nothing has left until the collection is closed: then what was scanned is on the posting list, and with the postman.
What was not scanned stays. Two clerks work at one collection; a parcel counts once, whoever scans it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.within import EVERYTHING, Within
from dispatch.booking.route import unlawful_items
from dispatch.crash import Deed
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI, hall_time
from dispatch.journey import Act, Stage
from dispatch.packing.hand_over import hand_over_chosen
from dispatch.packing.put_back import may_put_back
from dispatch.packing.scan import clean_scan
from dispatch.shipment import Move, Shipment, lock, lock_all
from dispatch.waybill import Waybill
from dispatch.world import World


class Collection(Base):
    """One at a time for each carrier. `round_at`: the collection round (揽收频次) that it belongs to."""

    __tablename__ = "collections"

    id: Mapped[RowId]
    carrier: Mapped[str]
    round_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    number: Mapped[str | None]  # of its posting list; none where nothing was scanned

    __table_args__ = (
        Index("uq_collections_open", "carrier", unique=True, postgresql_where=text("closed_at IS NULL")),
    )


class CollectionScan(Base):
    """A parcel that was scanned out. Once, whoever scans it again."""

    __tablename__ = "collection_scans"

    id: Mapped[RowId]
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id"), index=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), unique=True)
    at: Mapped[datetime]
    by: Mapped[str]


STALE = (
    exists()
    .where(Move.shipment_id == CollectionScan.shipment_id, Move.at > CollectionScan.at)
    .where(Move.cause.in_([f"act:{Act.PACK}", f"act:{Act.PUT_BACK}"]))
    .correlate(CollectionScan)
)
"""Packed again since it was scanned, or never handed over after all: it must be scanned again. News are no reason:
the postman may scan a parcel before the clerk has closed the list."""


@dataclass(frozen=True, slots=True)
class ScannedOut:
    """What a scan came to. `by`: who scanned it first; `again`: it was counted before."""

    waybill_no: str
    by: str
    again: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The posting list, how many are on it, and what stays although it was scanned (opened or forbidden since)."""

    number: str
    count: int
    stays: tuple[str, ...]


def next_round(world: World) -> datetime:
    """The round that a collection belongs to now: the last of today that began an hour from now or before."""
    now = world.now().astimezone(SHANGHAI)
    rounds = sorted(world.settings.collection_rounds) or [world.settings.collection_cut_off]
    today = [datetime.combine(now.date(), one, SHANGHAI) for one in rounds]
    begun = [one for one in today if one <= now + timedelta(hours=1)]
    return begun[-1] if begun else today[0]


def open_collection(world: World, carrier: str, by: str) -> bool:
    """Begin to count out for this carrier; False where somebody has begun already: both go on with the same one.

    Raises NotFoundError where the settings do not name the carrier.
    """
    world.carrier(carrier)
    with world.begin() as session:
        values = {"carrier": carrier, "round_at": next_round(world), "opened_at": world.now(), "opened_by": by}
        fresh = insert(Collection).values(id=uuid7(), **values)
        once = fresh.on_conflict_do_nothing(index_elements=["carrier"], index_where=text("closed_at IS NULL"))
        return session.scalar(once.returning(Collection.id)) is not None


def scan_out(world: World, carrier: str, text_read: str, by: str, within: Within = EVERYTHING) -> ScannedOut:
    """Count one parcel out. Again it changes nothing, and says who was first.

    Raises NotFoundError (no such parcel, or no collection is open), NotAllowedError (not packed, or not this
    carrier's, or the law forbids it).
    """
    number = clean_scan(world, text_read)
    with world.begin() as session:
        collection = _open(world, session, carrier)
        shipment = lock(session, _parcel(world, session, carrier, number, within))
        if may_put_back(shipment):
            raise NotAllowedError(f"运单 {number} 已列入交寄清单。上次没有交出的，先点“放回待交寄”，再扫。")
        if shipment.stage != Stage.PACKED:
            raise NotAllowedError(f"运单 {number} 还没有封装，或已经交寄，不能交给揽投员。请放回台上。")
        if forbidden := unlawful_items(session, shipment, world.carrier(carrier)):
            raise NotAllowedError(f"运单 {number} 内有{'、'.join(forbidden)}，不得交给{world.title(carrier)}。")
        new = _count_out(world, session, collection, [shipment.id], by)
        first = session.scalars(select(CollectionScan.by).where(CollectionScan.shipment_id == shipment.id)).one()
        return ScannedOut(number, first, again=not new)


def scan_all_out(world: World, carrier: str, by: str, within: Within = EVERYTHING) -> int:
    """Count all out that are packed, without scanning each; how many that were. Raises NotFoundError."""
    with world.begin() as session:
        collection = _open(world, session, carrier)
        packed = select(Shipment.id).where(Shipment.carrier == carrier, Shipment.stage == Stage.PACKED)
        locked = lock_all(session, session.scalars(packed.where(within.shipments)).all())
        post = world.carrier(carrier)
        lawful = [one.id for one in locked if one.stage == Stage.PACKED and not unlawful_items(session, one, post)]
        new = _count_out(world, session, collection, lawful, by)
        audit.note(world, session, by, audit.Deed.CHANGE, f"collection:{collection.id}", f"整批计入 {new} 件")
        return new


def take_back(world: World, carrier: str, text_read: str, by: str, within: Within = EVERYTHING) -> None:
    """A parcel stays after all. Raises NotFoundError where it was not counted out."""
    number = clean_scan(world, text_read)
    with world.begin() as session:
        collection = _open(world, session, carrier)
        shipment_id = _parcel(world, session, carrier, number, within)
        mine = delete(CollectionScan).where(
            CollectionScan.collection_id == collection.id, CollectionScan.shipment_id == shipment_id
        )
        if session.scalar(mine.returning(CollectionScan.id)) is None:
            raise NotFoundError(f"运单 {number} 没有计入这次交寄，无需取回。")
        audit.note(world, session, by, audit.Deed.CHANGE, f"shipment:{shipment_id}", "从本次交寄取回")


def close_collection(world: World, carrier: str, by: str, shown: int | None = None) -> Closed:
    """Hand what was counted out to the postman, whoever counted it: one list for the centre, and on its way.

    `shown`: how many whoever closes has seen. Raises NotFoundError (none is open), ConflictError (nothing was counted
    out, or not so many as were seen: it stays open).
    """
    with world.begin(Deed.HAND_OVER) as session:
        collection = _open(world, session, carrier)
        mine = CollectionScan.collection_id == collection.id
        scans = {scan.shipment_id: scan for scan in session.scalars(select(CollectionScan).where(mine))}
        locked = lock_all(session, scans.keys())
        fresh = set(session.scalars(select(CollectionScan.shipment_id).where(mine, ~STALE)))
        counted = [one for one in locked if one.id in fresh]
        _check_count(sum(one.stage == Stage.PACKED for one in counted), shown)
        made, chosen = hand_over_chosen(world, session, carrier, counted, by)
        if made is None:
            raise ConflictError("还没有扫出一件，没有可交寄的。请逐件扫描，或点“全部计入”。")
        left = [one for one in locked if one not in chosen]
        for shipment in left:
            session.delete(scans[shipment.id])
        collection.closed_at, collection.closed_by, collection.number = world.now(), by, made.number
        return Closed(made.number, len(chosen), tuple(one.order_no or "" for one in left))


def _check_count(going: int, shown: int | None) -> None:
    if shown is not None and going != shown:
        raise ConflictError(
            f"全中心现在计入 {going} 件，您看到的是 {shown} 件：刚才有人又计入或取回了。没有交寄，请核对件数再交。"
        )


def abandon_collection(world: World, carrier: str, by: str, within: Within = EVERYTHING) -> int:
    """The postman did not come: what was counted out stays packed. How many of others stay counted out.

    Where there are such, the collection goes on with them. Raises NotFoundError.
    """
    with world.begin() as session:
        collection = _open(world, session, carrier)
        scans = select(CollectionScan.id).join(Shipment, Shipment.id == CollectionScan.shipment_id)
        mine = session.scalars(scans.where(CollectionScan.collection_id == collection.id, within.shipments)).all()
        session.execute(delete(CollectionScan).where(CollectionScan.id.in_(mine)))
        left = len(session.scalars(scans.where(CollectionScan.collection_id == collection.id, ~STALE)).all())
        if not left:
            collection.closed_at, collection.closed_by = world.now(), by
        told = f"从本次交寄取回 {len(mine)} 件，其他部门的 {left} 件照交" if left else "本次交寄作罢"
        audit.note(world, session, by, audit.Deed.CHANGE, f"collection:{collection.id}", told)
        return left


def _open(world: World, session: Session, carrier: str) -> Collection:
    found = session.scalar(begun(carrier).with_for_update())
    if found is None:
        last = select(Collection).where(Collection.carrier == carrier).order_by(Collection.closed_at.desc()).limit(1)
        raise NotFoundError(f"{world.title(carrier)}没有正在办的交寄。{_by_whom(session.scalar(last))}请先开始一次。")
    return found


def begun(carrier: str) -> Select[Collection]:
    """The carrier's collection that is open."""
    return select(Collection).where(Collection.carrier == carrier, Collection.closed_at.is_(None))


def _by_whom(last: Collection | None) -> str:
    """Two people at one collection: the second is told who has ended it."""
    if last is None or last.closed_at is None:
        return ""
    return f"上一次由“{last.closed_by}”于 {hall_time(last.closed_at)} 办结。"


def _parcel(world: World, session: Session, carrier: str, number: str, within: Within) -> UUID:
    live = (Waybill.voided_at.is_(None), Waybill.retired_at.is_(None), Waybill.number == number)
    query = select(Shipment.id, Shipment.carrier).join(Waybill, Waybill.shipment_id == Shipment.id).where(*live)
    found = session.execute(query.where(within.shipments)).all()
    if not found:
        raise NotFoundError(f"没有运单号为“{number}”的邮件。请重新扫描面单条码。")
    mine = [shipment_id for shipment_id, of in found if of == carrier]
    if not mine:
        raise NotAllowedError(f"运单 {number} 是{world.title(found[0].carrier)}的，不能交给{world.title(carrier)}。")
    return mine[0]


def _count_out(world: World, session: Session, collection: Collection, shipment_ids: Sequence[UUID], by: str) -> int:
    if not shipment_ids:
        return 0
    session.execute(delete(CollectionScan).where(CollectionScan.shipment_id.in_(shipment_ids), STALE))
    told = {"collection_id": collection.id, "at": world.now(), "by": by}
    rows = [{"id": uuid7(), "shipment_id": one, **told} for one in shipment_ids]
    once = insert(CollectionScan).values(rows).on_conflict_do_nothing(index_elements=["shipment_id"])
    return len(session.scalars(once.returning(CollectionScan.id)).all())
