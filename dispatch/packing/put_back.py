"""What was written down as handed over and never left the desk goes back to 待交寄, off its posting list.

Only while the post has told nothing of it. Where the post tells later that it had it before, the clerk was mistaken:
it was handed over, and its line stands again. So it comes to the same in whatever order the two are known.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit, words, worklist
from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import Act, Stage, Tracked
from dispatch.packing.hand_over import HandOver, HandOverLine, LinePutBack
from dispatch.packing.pack import lock_numbered
from dispatch.packing.scan import clean_scan
from dispatch.shipment import Move, Shipment, act, lock
from dispatch.waybill import Waybill, live_waybill
from dispatch.worklist import Reason
from dispatch.world import World


def may_put_back(shipment: Shipment) -> bool:
    """Handed over by our word alone."""
    return shipment.stage == Stage.HANDED_OVER and shipment.tracked == Tracked.UNSEEN


def put_back(
    world: World,
    text_read: str,
    by: str,
    *,
    carrier: str = "",
    within: Within = EVERYTHING,
    since: datetime | None = None,
) -> str:
    """The envelope with this number is here still; the number of the posting list that it stood on comes back.

    `carrier`: whose number, where two have it; `since`: only of a list that was made since then.
    Raises NotFoundError, NotAllowedError (it was not handed over, or the post has told of it).
    """
    with world.begin() as session:
        number = clean_scan(world, text_read)
        return _put_back(world, session, lock_numbered(world, session, number, carrier, within), by, since)


def put_back_envelope(world: World, shipment_id: UUID, by: str) -> str:
    """The same by the envelope itself."""
    with world.begin() as session:
        return _put_back(world, session, lock(session, shipment_id), by)


def _put_back(world: World, session: Session, shipment: Shipment, by: str, since: datetime | None = None) -> str:
    if not may_put_back(shipment):
        here = words.VIEWS[shipment.view]
        raise NotAllowedError(
            f"邮件 {shipment.order_no} 处于“{here}”，不能放回待交寄：只有已交寄、寄递企业还没有任何轨迹的才能。"
        )
    made, line, number = _line_of(session, shipment, since)
    row = LinePutBack(id=uuid7(), hand_over_id=made.id, shipment_id=shipment.id, waybill_id=number.id)
    row.put_back_at, row.put_back_by = world.now(), by
    told = f"没有交出，从交寄清单 {made.number} 放回待交寄"
    for entry in worklist.standing(session, shipment.subject):
        if entry.reason == Reason.NOT_COLLECTED:
            worklist.settle(world, entry, by, told)
    session.delete(line)
    session.add(row)
    session.flush()
    act(world, session, shipment, Act.PUT_BACK, by=by)
    audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, told)
    audit.note(world, session, by, audit.Deed.CHANGE, made.subject, f"运单 {number.number} 没有交出，放回待交寄")
    return made.number


def _line_of(session: Session, shipment: Shipment, since: datetime | None) -> tuple[HandOver, HandOverLine, Waybill]:
    """Its list, locked against whoever signs it, its line, and its number. Raises NotFoundError."""
    query = select(HandOver, HandOverLine).join(HandOverLine, HandOverLine.hand_over_id == HandOver.id)
    mine = query.where(HandOverLine.shipment_id == shipment.id).with_for_update(of=HandOver)
    found, number = session.execute(mine).one_or_none(), live_waybill(session, shipment.id)
    if found is None or number is None or (since is not None and found.HandOver.made_at < since):
        raise NotFoundError(f"邮件 {shipment.order_no} 不在您能改的交寄清单上。")
    return found.HandOver, found.HandOverLine, number


def taken_after_all(world: World, session: Session, shipment: Shipment, told: datetime) -> None:
    """The post tells that it had a locked envelope at that time. Was it put back after it, it was a mistake.

    Whoever has opened, packed or handed it over since has had it in hand: then nothing is changed.
    """
    row = session.scalars(
        select(LinePutBack)
        .where(LinePutBack.shipment_id == shipment.id, LinePutBack.put_back_at > told)
        .order_by(LinePutBack.put_back_at.desc())
        .limit(1)
    ).first()
    if row is None or _last_act(session, shipment) != Act.PUT_BACK:
        return
    session.add(HandOverLine(id=uuid7(), hand_over_id=row.hand_over_id, shipment_id=shipment.id))
    session.delete(row)
    act(world, session, shipment, Act.HAND_OVER)


def _last_act(session: Session, shipment: Shipment) -> str:
    acts = select(Move.cause).where(Move.shipment_id == shipment.id, Move.cause.startswith("act:"))
    return (session.scalars(acts.order_by(Move.at.desc(), Move.id.desc()).limit(1)).first() or "").partition(":")[2]
