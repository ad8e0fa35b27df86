"""Out of doubt: by the surest means that the account declares, otherwise by a person (DESIGN promise 3)."""

from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.booking.book import Heard, Intent, commit_intent, speak, take_number, written_in
from dispatch.booking.call import conclude
from dispatch.booking.gather import BOOK
from dispatch.carrier import Booked, Means, Unauthorised, Unavailable
from dispatch.errors import NotAllowedError
from dispatch.jobs import Claim
from dispatch.journey import Act, Stage
from dispatch.shipment import Shipment, act, adopt, lock, subject_id
from dispatch.worklist import Reason
from dispatch.world import World


def settle_doubt(world: World, claim: Claim) -> None:
    """Climb one rung of the ladder. Nothing is ever booked anew while in doubt."""
    intent = _repeat(world, claim)
    if intent is None:
        return
    heard = speak(intent)
    if isinstance(heard.error, Unavailable | Unauthorised):
        with written_in(claim, heard) as session:
            conclude(world, session, intent.call_id, heard.answer, heard.outcome)
        return
    _climb(world, claim, intent, heard)


def _repeat(world: World, claim: Claim) -> Intent | None:
    """The identical order again, where the account is known to be idempotent; else wait for a push or a person."""
    with world.begin() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.IN_DOUBT and world.carriers[shipment.carrier].means is Means.REPEAT:
            return commit_intent(world, session, shipment, repeat=True)
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.stage == Stage.IN_DOUBT:
            _ask_a_person(world, session, shipment, "寄递企业没有按订单号查单的接口，重复下单的后果未经确认。")
    return None


def _climb(world: World, claim: Claim, intent: Intent, heard: Heard) -> None:
    with world.reading() as session:
        rung = session.get_one(Shipment, subject_id(claim.subject)).doubts + 1
    ladder = world.settings.doubt_ladder
    settled = heard.booked is not None
    with claim.done() if settled or rung >= len(ladder) else claim.later(ladder[rung]) as session:
        shipment = lock(session, subject_id(claim.subject))
        conclude(world, session, intent.call_id, heard.answer, heard.outcome)
        if shipment.stage != Stage.IN_DOUBT:
            return
        if heard.booked is not None:
            take_number(world, session, shipment, heard.booked, "answer")
            return
        shipment.doubts = rung
        if rung >= len(ladder):
            _ask_a_person(world, session, shipment, str(heard.error))


def _ask_a_person(world: World, session: Session, shipment: Shipment, known: str) -> None:
    since = shipment.moved_at.isoformat()  # doubt that comes back is a new fact
    worklist.put(world, session, Reason.BOOKING_IN_DOUBT, shipment.subject, cause=since, detail=known)


def adopt_by_hand(world: World, shipment_id: UUID, number: str, by: str) -> None:
    """A person learned the number from the post. Raises NotAllowedError, ConflictError."""
    with world.begin() as session:
        shipment = _in_doubt(session, shipment_id)
        if not world.carriers[shipment.carrier].is_number(number):
            raise NotAllowedError(f"“{number}”不是{world.carriers[shipment.carrier].title}的运单号。请核对后再填。")
        adopt(world, session, shipment, Booked(number), by)


def confirm_never_placed(world: World, shipment_id: UUID, by: str) -> None:
    """A person learned from the post that no such order exists: it is placed again under the same number."""
    with world.begin() as session:
        shipment = _in_doubt(session, shipment_id)
        act(world, session, shipment, Act.NEVER_PLACED, by=by)
        jobs.leave(session, BOOK, shipment.subject)


def book_again(world: World, shipment_id: UUID, by: str) -> None:
    """What the carrier refused was mended: the order goes out again."""
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        act(world, session, shipment, Act.AMEND, by=by)
        for entry in worklist.standing(session, shipment.subject):
            if entry.reason == Reason.REFUSED_BY_CARRIER:
                worklist.settle(world, entry, by, "改后重下")
        jobs.leave(session, BOOK, shipment.subject)


def _in_doubt(session: Session, shipment_id: UUID) -> Shipment:
    shipment = lock(session, shipment_id)
    if shipment.stage != Stage.IN_DOUBT:
        raise NotAllowedError(f"邮件 {shipment.order_no} 不在“下单结果不明”中，无需核定。")
    return shipment
