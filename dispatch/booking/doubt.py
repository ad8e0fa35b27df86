"""Out of doubt: by the surest means that the account declares, otherwise by a person (DESIGN promise 3)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import audit, jobs, worklist
from dispatch.booking.allot import spend
from dispatch.booking.book import (
    SETTLE_DOUBT,
    Intent,
    commit_intent,
    hear_number,
    is_meant,
    kept_when_late,
    refuse,
    speak,
    written_in,
)
from dispatch.booking.order import new_order
from dispatch.booking.past import NOT_AS_BEFORE, is_told_by_a_person, perhaps_otherwise, settled_since, words_of_doubt
from dispatch.call import Heard, conclude, converse, intend
from dispatch.carrier import Booked, Duplicate, Means, Refused, Unauthorised, Unavailable
from dispatch.errors import NotAllowedError
from dispatch.jobs import Job
from dispatch.journey import Act, Stage
from dispatch.lease import Claim
from dispatch.shipment import BOOK, Shipment, act, lock, subject_id
from dispatch.waybill import adopt
from dispatch.worklist import SYSTEM, Reason
from dispatch.world import World

WAITS = "寄递企业没有按订单号查单的接口，重复下单的后果未经确认。"


@dataclass(frozen=True, slots=True)
class Climb:
    """One rung: what was heard, and when the next one comes (None: this was the last)."""

    heard: Heard[Booked | None]
    rung: int
    next_in: timedelta | None
    refusal: Refused | None = None  # of the order itself

    @property
    def absent(self) -> bool:
        """A look-up was answered, and the order is not there."""
        return self.heard.told is None and self.heard.error is None


def settle_doubt(world: World, claim: Claim) -> None:
    """Climb one rung of the ladder. Nothing is ever booked anew while in doubt."""
    intent = _ask(world, claim)
    if intent is None:
        return
    looks_up = intent.carrier.means is Means.LOOK_UP
    heard = _look_up(world, claim, intent) if looks_up else speak(world, claim, intent)
    with kept_when_late(world, claim, intent, heard):
        _settle(world, claim, intent, heard)


def _settle(world: World, claim: Claim, intent: Intent, heard: Heard[Booked | None]) -> None:
    if isinstance(heard.error, Unavailable | Unauthorised):
        with written_in(claim, heard) as session:
            conclude(world, session, intent.call_id, heard)
        return
    climb = _climb(world, claim, heard, looks_up=intent.carrier.means is Means.LOOK_UP)
    with claim.later(climb.next_in) if climb.next_in else claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, intent.call_id, heard)
        if heard.told is not None:
            hear_number(world, session, shipment, intent, heard.told)
        elif shipment.stage == Stage.IN_DOUBT and is_meant(intent, shipment):
            _write(world, session, shipment, climb, claim)


def _ask(world: World, claim: Claim) -> Intent | None:
    """A look-up, or the identical order again where the account is idempotent; else a push or a person decides."""
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        ours = jobs.lane_of(claim.name) == shipment.carrier  # or it is a doubt about another carrier, long settled
        if ours and shipment.stage == Stage.IN_DOUBT:
            intent = _by_its_means(world, session, shipment)
            if intent is not None:
                return intent
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if ours and shipment.stage == Stage.IN_DOUBT:
            _ask_a_person(world, session, shipment, words_of_doubt(session, shipment, WAITS))
    return None


def _by_its_means(world: World, session: Session, shipment: Shipment) -> Intent | None:
    """What the carrier of a shipment in doubt is asked; None where it cannot be asked."""
    carrier, order_no = world.carrier(shipment.carrier), shipment.order_no or ""
    if is_told_by_a_person(session, shipment, carrier):
        return None
    if carrier.means is Means.REPEAT:
        return commit_intent(world, session, shipment, repeat=True)
    call = carrier.look_up(order_no) if carrier.means is Means.LOOK_UP else None
    return Intent(carrier, call, intend(world, session, shipment, call), order_no) if call is not None else None


def _look_up(world: World, claim: Claim, intent: Intent) -> Heard[Booked | None]:
    carrier = intent.carrier
    return converse(world, carrier, intent.call, lambda answer: carrier.read_look_up(answer, intent.order_no), claim)


def _climb(world: World, claim: Claim, heard: Heard[Booked | None], *, looks_up: bool) -> Climb:
    """Looking costs nothing and goes on, slowly; an order is not repeated beyond the ladder.

    A look-up may find that the carrier refused the order. A repeat that is refused may hide one that was taken.
    """
    with world.reading() as session:
        shipment = session.get_one(Shipment, subject_id(claim.subject))
        rung = shipment.doubts + 1
        absent = Climb(heard, rung, None).absent and _surely_absent(world, session, shipment, claim)
    ladder = world.settings.doubt_ladder
    if heard.told is not None or absent:
        return Climb(heard, rung, None)
    if looks_up and isinstance(heard.error, Refused):
        return Climb(heard, rung, None, heard.error)
    if rung < len(ladder):
        return Climb(heard, rung, ladder[rung])
    return Climb(heard, rung, max(ladder[-1], world.settings.ask_again) if looks_up else None)


def _surely_absent(world: World, session: Session, shipment: Shipment, claim: Claim) -> bool:
    """Missed so often in a row, and the carrier's own books have had time: the order was never placed.

    That time must be over on the database's clock too: on a machine that is ahead it would be over too soon.
    """
    settled = world.carrier(shipment.carrier).limits.settling
    since = shipment.intended_at or shipment.created_at
    doubted_at, now = session.execute(select(Job.created_at, func.now()).where(Job.id == claim.id)).one()
    age = min(world.now() - since, now - doubted_at, settled_since(session, shipment))
    return shipment.absences + 1 >= world.settings.absences and age > settled


def _write(world: World, session: Session, shipment: Shipment, climb: Climb, claim: Claim) -> None:
    shipment.doubts = climb.rung
    if climb.refusal is not None:
        refuse(world, session, shipment, climb.refusal)
        return
    if climb.absent and _surely_absent(world, session, shipment, claim):
        if perhaps_otherwise(session, shipment):
            _ask_a_person(world, session, shipment, NOT_AS_BEFORE)
        else:
            _never_placed(world, session, shipment)
        return
    if climb.absent:
        shipment.absences += 1
    elif climb.heard.error is not None and climb.heard.answer is not None:
        shipment.absences = 0  # the carrier says that it has the order, or something that may mean it
    taken = isinstance(climb.heard.error, Duplicate)  # only the number is missing: the patience of the view holds
    if climb.rung >= len(world.settings.doubt_ladder) and not (taken and climb.next_in):
        words = str(climb.heard.error) if climb.heard.error else "寄递企业按订单号查不到这张订单。"
        _ask_a_person(world, session, shipment, words)


def _never_placed(world: World, session: Session, shipment: Shipment, by: str = SYSTEM) -> None:
    act(world, session, shipment, Act.NEVER_PLACED, by=by)
    shipment.perhaps_placed = None  # nor any later order of it
    jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)


def _ask_a_person(world: World, session: Session, shipment: Shipment, known: str) -> None:
    since = shipment.moved_at.isoformat()  # doubt that comes back is a new fact
    worklist.put(world, session, Reason.BOOKING_IN_DOUBT, shipment.subject, cause=since, detail=known)


def adopt_by_hand(world: World, shipment_id: UUID, number: str, by: str) -> None:
    """A person learned the number from the post. Raises NotAllowedError, ConflictError."""
    with world.begin() as session:
        shipment = _in_doubt(session, shipment_id)
        post = world.carrier(shipment.carrier)
        if not post.is_number(number):
            raise NotAllowedError(f"“{number}”不是{post.title}的运单号。请核对后再填。")
        adopt(world, session, shipment, Booked(number), by)
        spend(session, shipment, number)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, f"认下运单号 {number}")


def confirm_never_placed(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned from the post that no such order exists: it is placed again under the same number."""
    with world.begin() as session:
        shipment = _in_doubt(session, shipment_id)
        _never_placed(world, session, shipment, by)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "核定从未下单")


def look_up_again(world: World, shipment_id: UUID, by: str) -> None:
    """Ask the carrier now by the means it declares, without waiting for the next rung. Raises NotAllowedError."""
    with world.begin() as session:
        shipment = _in_doubt(session, shipment_id)
        post = world.carrier(shipment.carrier)
        if post.means is Means.WAIT or is_told_by_a_person(session, shipment, post):
            raise NotAllowedError(f"{post.title}：{WAITS}请电话查询后，认下运单号或核定从未下单。")
        jobs.leave(session, SETTLE_DOUBT, shipment.subject, lane=shipment.carrier)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "再次查单")


def book_again(world: World, shipment_id: UUID, by: str) -> None:
    """What the carrier refused was mended: another order goes out. The old number stands for what was refused."""
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        act(world, session, shipment, Act.AMEND, by=by)
        settle_refusal(world, session, shipment, by, "改后重下")
        new_order(world, session, shipment)
        jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, "改后重下")


def settle_refusal(world: World, session: Session, shipment: Shipment, by: str, note: str) -> None:
    """What was refused goes another way."""
    for entry in worklist.standing(session, shipment.subject):
        if entry.reason == Reason.REFUSED_BY_CARRIER:
            worklist.settle(world, entry, by, note)


def _in_doubt(session: Session, shipment_id: UUID) -> Shipment:
    shipment = lock(session, shipment_id)
    if shipment.stage != Stage.IN_DOUBT:
        raise NotAllowedError(f"邮件 {shipment.order_no} 不在“下单结果不明”中，无需核定。")
    return shipment
