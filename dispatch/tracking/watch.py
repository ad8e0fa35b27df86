"""Whatever waits is seen (DESIGN promise 10): after a silence the carrier is asked, past its patience a person.

A push is never trusted to be the only news: the carrier is asked as soon as it is silent for longer than usual.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.hall_time import hall_time
from dispatch.journey import AT_AN_END, View
from dispatch.lease import Claim
from dispatch.shipment import ASK, Shipment, lock, subject_id
from dispatch.tracking.rhythm import silence
from dispatch.waybill import live_waybill
from dispatch.working_days import due_at
from dispatch.worklist import Reason
from dispatch.world import World

OVERDUE: Mapping[View, Reason] = {
    View.GATHERING: Reason.JOB_STUCK,
    View.TO_BOOK: Reason.JOB_STUCK,
    View.BOOKING: Reason.JOB_STUCK,
    View.IN_DOUBT: Reason.BOOKING_IN_DOUBT,
    View.REFUSED: Reason.DEADLINE_NEAR,
    View.TO_PRINT: Reason.DEADLINE_NEAR,
    View.TO_PACK: Reason.DEADLINE_NEAR,
    View.TO_HAND_OVER: Reason.DEADLINE_NEAR,
    View.CANCELLING: Reason.NOT_CANCELLED,
    View.HANDED_OVER: Reason.NOT_COLLECTED,
    View.IN_TRANSIT: Reason.STALLED,
    View.OUT_FOR_DELIVERY: Reason.STALLED,
    View.ATTEMPT_FAILED: Reason.STALLED,
    View.AWAITING_PICKUP: Reason.NOT_FETCHED,
    View.DELIVERED: Reason.SIGNER_UNKNOWN,
    View.RETURNING: Reason.RETURNING,
    View.RETURNED: Reason.RETURNED,
    View.LOST: Reason.LOST,
}
assert set(OVERDUE) == set(View) - AT_AN_END  # noqa: S101 - a view without a reason would wait unseen

BEFORE_THE_POST = frozenset({View.TO_PRINT, View.TO_PACK, View.TO_HAND_OVER, View.IN_DOUBT, View.CANCELLING})
"""Views in which the post has nothing to tell yet, although the number may be known."""


def watch(world: World, claim: Claim) -> None:
    """Look at a shipment whose time has come: still waiting for the same thing?"""
    with world.reading() as session:
        shipment = session.get_one(Shipment, subject_id(claim.subject))
        over = shipment.view in AT_AN_END
        wait = timedelta(0) if over else _until_next(world, session, shipment)
    if over:
        with claim.done():
            return
    if wait > timedelta(0):
        with claim.later(wait):
            return
    _look(world, claim)


def _until_next(world: World, session: Session, shipment: Shipment) -> timedelta:
    """Until the silence or the patience is over, whichever comes first."""
    left = _left(world, session, shipment)
    quiet = silence(world, session, shipment)
    if quiet is None or shipment.overdue_asked:
        return left
    heard = max(shipment.moved_at, shipment.asked_at or shipment.moved_at)
    return min(left, heard + quiet - world.now())


def _look(world: World, claim: Claim) -> None:
    """Past a silence the post is asked. Past its patience too, once; then a person is told."""
    with world.reading() as session:
        seen = session.get_one(Shipment, subject_id(claim.subject))
        late = _left(world, session, seen) <= timedelta(0)
        pause = world.settings.ask_again if late and seen.overdue_asked else world.settings.after_asking
    with claim.later(pause) as session:
        shipment = lock(session, subject_id(claim.subject))
        if shipment.view in AT_AN_END:
            return
        if _left(world, session, shipment) <= timedelta(0):
            _overdue(world, session, shipment)
        elif live_waybill(session, shipment.id) is not None:
            jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)


def _left(world: World, session: Session, shipment: Shipment) -> timedelta:
    """The time left to this view."""
    return due_at(world, session, shipment.moved_at, shipment.view) - world.now()


def _overdue(world: World, session: Session, shipment: Shipment) -> None:
    may_ask = live_waybill(session, shipment.id) is not None and shipment.view not in BEFORE_THE_POST
    if may_ask and not shipment.overdue_asked:
        shipment.overdue_asked = True
        jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
        return
    reason = OVERDUE[shipment.view]
    # Settled by a person and still not moved, it rests for one patience, and then it is shown again.
    times, last = worklist.last_settled(session, shipment.subject, reason)
    rested = last is None or world.now() >= due_at(world, session, last, shipment.view)
    if rested and not _seen_to(session, shipment, reason):
        _put(world, session, shipment, reason, times)
    if may_ask:
        jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)


def _seen_to(session: Session, shipment: Shipment, reason: Reason) -> bool:
    """It is before a person already; that a tracker gave up on it says as much as that nobody has collected it."""
    same = {reason, Reason.STALLED} if reason is Reason.NOT_COLLECTED else {reason}
    stands = any(entry.reason in same for entry in worklist.standing(session, shipment.subject))
    return stands or worklist.in_hand(session, shipment.subject)


def _put(world: World, session: Session, shipment: Shipment, reason: Reason, times: int) -> None:
    worklist.put(
        world,
        session,
        reason,
        shipment.subject,
        cause=f"{shipment.view}:{shipment.moved_at.isoformat()}:{times}",
        detail=f"自 {hall_time(shipment.moved_at)} 起没有进展。",
    )
