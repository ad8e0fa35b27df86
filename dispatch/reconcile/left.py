"""What is left to reconcile, and the end of the mode."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch.approval.lodge import GATHER
from dispatch.booking.allot import AllottedNumber, Withheld
from dispatch.booking.gather import SEAL
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.jobs import wake
from dispatch.journey import AT_AN_END, BY_STAGE, Stage
from dispatch.reconcile.begin import database_time
from dispatch.restored import Restore, alone, open_restore
from dispatch.shipment import BOOK, CANCEL, Shipment
from dispatch.waybill import Waybill
from dispatch.worklist import SYSTEM
from dispatch.world import World

HELD_BACK = (GATHER, SEAL, BOOK, CANCEL)
"""Jobs that wait for the end of the mode."""
UNKNOWN = (Stage.TO_BOOK, Stage.BOOKING, Stage.IN_DOUBT)
log = structlog.get_logger()
NONE_OPEN = "数据库没有在等核对。"


@dataclass(frozen=True, slots=True)
class Left:
    """What is not known yet. `numbers`: by carrier, how many allotted numbers wait for a person's word."""

    how: str
    restored_at: datetime
    backup_taken_at: datetime | None
    all_sent_at: datetime | None
    looked_through: bool
    unknown: int  # envelopes whose order may stand at the carrier
    unasked: int  # envelopes with a number, whose carrier has not answered since
    numbers: Mapping[str, int]

    @property
    def nothing(self) -> bool:
        """Whether the carriers have told everything, and people the rest."""
        told = self.looked_through and self.all_sent_at is not None
        return told and not (self.unknown or self.unasked or self.numbers)


def left(world: World) -> Left | None:
    """What is left to reconcile; None while the mode is off."""
    with world.reading() as session:
        restore = open_restore(session)
        return _left(session, restore) if restore else None


def _left(session: Session, restore: Restore) -> Left:
    unknown = select(func.count()).where(Shipment.perhaps_placed.is_not(None), Shipment.stage.in_(UNKNOWN))
    waiting = (
        select(AllottedNumber.carrier, func.count())
        .where(AllottedNumber.withheld == Withheld.UNTIL_TOLD)
        .group_by(AllottedNumber.carrier)
        .order_by(AllottedNumber.carrier)
    )
    return Left(
        how=restore.how,
        restored_at=restore.restored_at,
        backup_taken_at=restore.backup_taken_at,
        all_sent_at=restore.all_sent_at,
        looked_through=restore.looked_through_at is not None,
        unknown=session.scalar(unknown) or 0,
        unasked=len(unasked(session, restore)),
        numbers={row[0]: row[1] for row in session.execute(waiting).all()},
    )


def unasked(session: Session, restore: Restore) -> list[Shipment]:
    """Envelopes with a live number that are not at their end, and whose carrier has not answered since."""
    over = [stage for stage, seen in BY_STAGE.items() if seen in AT_AN_END]
    query = (
        select(Shipment)
        .join(Waybill, Waybill.shipment_id == Shipment.id)
        .where(Waybill.voided_at.is_(None), Shipment.stage.not_in(over))
        .where(func.coalesce(Shipment.asked_at, Shipment.created_at) < restore.restored_at)
        .where(Waybill.adopted_at < restore.restored_at)
        .order_by(Shipment.id)
    )
    return list(session.scalars(query))


def all_sent(world: World, by: str) -> None:
    """A person says that the approval systems have sent again whatever they sent since the backup."""
    with world.begin() as session:
        restore = _open(session)
        restore.all_sent_at, restore.all_sent_by = database_time(session), by


def tell_numbers(world: World, carrier: str, last: str | None, by: str) -> tuple[int, int]:
    """A person read from the labels which number of the segment was used last (None: none since the backup).

    Numbers are given out in the order of the segment: those up to that one are never given out (again), those behind
    it from now on. How many of either. Raises NotFoundError for a number that does not wait for this word.
    """
    with world.begin() as session:
        waiting = select(AllottedNumber).where(
            AllottedNumber.carrier == carrier, AllottedNumber.withheld == Withheld.UNTIL_TOLD
        )
        rows = list(session.scalars(waiting.order_by(AllottedNumber.id).with_for_update()))
        numbers = [row.number for row in rows]
        if last is not None and last not in numbers:
            raise NotFoundError(f"“{last}”不在 {carrier} 待核定的运单号之中。请核对最后一张已用面单。")
        used = numbers.index(last) + 1 if last is not None else 0
        for place, row in enumerate(rows):
            row.withheld = Withheld.USED if place < used else None
        wake(session, (BOOK,), carrier)
    log.info("restore.numbers_told", carrier=carrier, used=used, free=len(rows) - used, by=by)
    return used, len(rows) - used


def finish(world: World, by: str, accept: str | None = None) -> None:
    """End the mode. Raises NotAllowedError while anything is left, unless somebody takes that on, and says why."""
    with world.begin() as session:
        alone(session)
        restore = _open(session)
        rest = _left(session, restore)
        if not rest.nothing and not accept:
            raise NotAllowedError(f"还没有核对完：{words_of(rest)}。确要现在结束，请用 --accept 写明原因。")
        if accept:
            world.vault.seal(restore, "accepted", accept)
        _end(session, by)


def end_by_itself(world: World) -> bool:
    """End the mode if nothing is left; whether it is off now."""
    with world.begin() as session:
        alone(session)
        restore = open_restore(session)
        if restore is not None and _left(session, restore).nothing:
            _end(session, SYSTEM)
            return True
        return restore is None


def _end(session: Session, by: str) -> None:
    waiting = update(Restore).where(Restore.reconciled_at.is_(None))
    session.execute(waiting.values(reconciled_at=func.now(), reconciled_by=by))
    wake(session, HELD_BACK)


def _open(session: Session) -> Restore:
    restore = open_restore(session)
    if restore is None:
        raise NotAllowedError(NONE_OPEN)
    return restore


def words_of(rest: Left) -> str:
    """What is left, for people."""
    told = [
        "" if rest.looked_through else "在途邮件还没有清点完",
        f"{rest.unknown} 封邮件是否已下单尚不明" if rest.unknown else "",
        f"{rest.unasked} 封邮件的轨迹还没有问到" if rest.unasked else "",
        *(f"{carrier} 有 {count} 个运单号是否已用尚未核定" for carrier, count in rest.numbers.items()),
        "" if rest.all_sent_at else "还没有人确认审批系统已全部重发",
    ]
    return "；".join(words for words in told if words) or "没有剩下的"
