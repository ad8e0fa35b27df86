"""News meets its shipment: matched, kept, folded. Every source of news goes through here."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from dispatch import jobs, worklist
from dispatch.booking.book import take_number
from dispatch.carrier import Booked, Seen
from dispatch.journey import AT_AN_END, AWAITS_NUMBER, News, Stage
from dispatch.lease import Claim
from dispatch.shipment import ANNOUNCE, ASK, Shipment, find_order, follow_all, lock, subject_id
from dispatch.tracking.sighting import (
    claim_unmatched,
    find_by_new_number,
    fold_sightings,
    keep,
    keep_all,
    lacks_detail,
    let_go_of_voided,
    new_numbers,
    sighting,
    sightings_by_shipment,
    sightings_of,
)
from dispatch.waybill import find_live_number, live_waybill, lock_number
from dispatch.worklist import Reason
from dispatch.world import World

AHEAD = timedelta(hours=1)  # a carrier's clock may be a little ahead of ours
BEFORE = timedelta(days=1)  # news older than the shipment is of an earlier envelope with this number


def parcel_subject(carrier: str, number: str) -> str:
    """How the worklist names a parcel that is nobody's."""
    return f"parcel:{carrier}:{number}"


class Match(StrEnum):
    """Whether news found its shipment."""

    FOUND = "found"
    NOBODY = "nobody"
    LOOK_AGAIN = "look_again"  # its number is being committed at this moment


def observe(world: World, session: Session, carrier: str, seen: Seen, source: str) -> Match:
    """Keep one line of news and fold it into its shipment, if that is known. Locks the shipment."""
    post = world.carriers.get(carrier)
    shipment = _matching(world, session, carrier, seen, numbered=post is not None and post.is_number(seen.waybill_no))
    if shipment is None:
        # Whoever adopts a number holds this lock until the commit: either we see the number, or they see our row.
        lock_number(session, carrier, seen.waybill_no)
        if _matching(world, session, carrier, seen, numbered=False) is not None:
            return Match.LOOK_AGAIN
        return Match.FOUND if keep(world, session, carrier, seen, source) else Match.NOBODY
    locked = lock(session, shipment.id)
    if not _still_meant(world, session, locked, seen):
        return Match.LOOK_AGAIN  # its number was voided while we waited for the row
    if locked.stage in AWAITS_NUMBER:
        take_number(world, session, locked, Booked(seen.waybill_no), source)
    told = plausible(world, locked, seen)
    learn_new_numbers(world, session, locked, {told.new_number})
    keep_all(session, [sighting(world, carrier, told, source, locked.id)])
    refold(world, session, locked)
    if seen.watching_ended:
        _watch_again(world, session, locked, seen)
    return Match.FOUND


def _watch_again(world: World, session: Session, shipment: Shipment, seen: Seen) -> None:
    """Whoever followed a live number has given it up: announced anew after a pause; why it did so, a person sees.

    A number that is handed over and without a trace may be wrong. One that lies on the desk has no trace yet.
    """
    waybill, post = live_waybill(session, shipment.id), world.carriers.get(shipment.carrier)
    if shipment.view in AT_AN_END or post is None or waybill is None or waybill.number != seen.waybill_no:
        return
    jobs.leave(session, ANNOUNCE, shipment.subject, lane=shipment.carrier, after=post.limits.announce_again)
    if shipment.stage == Stage.HANDED_OVER:
        cause = f"{seen.code}:{seen.at.isoformat()}"
        worklist.put(world, session, Reason.STALLED, shipment.subject, cause=cause, detail=seen.text)


def learn_new_numbers(world: World, session: Session, shipment: Shipment, numbers: Iterable[str]) -> None:
    """Numbers under which a parcel comes back: what came before they were known is claimed, and they are asked after.

    To be called before the news that tell them are kept.
    """
    for number in sorted({number for number in numbers if number}):
        if find_by_new_number(world, session, shipment.carrier, number) is None:
            _claim(world, session, shipment, number)
            jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)


def _claim(world: World, session: Session, shipment: Shipment, number: str) -> None:
    """News of this number that came too early is this shipment's; later news waits for our commit, and sees it."""
    lock_number(session, shipment.carrier, number)
    since, until = _plausible_times(world, shipment)
    claim_unmatched(session, shipment, number, since, until)
    parcel = parcel_subject(shipment.carrier, number)
    worklist.settle_by_itself(world, session, parcel, [Reason.UNKNOWN_PARCEL])


def _matching(world: World, session: Session, carrier: str, seen: Seen, *, numbered: bool) -> Shipment | None:
    """By the live number; or by our own order number, while the shipment has no number yet and this can be one."""
    by_number = find_live_number(world, session, carrier, seen.waybill_no)
    if by_number is not None:
        return by_number if speaks_of(seen, by_number) else None
    if (coming_back := find_by_new_number(world, session, carrier, seen.waybill_no)) is not None:
        return coming_back
    if not seen.order_no or not numbered:
        return None
    by_order = find_order(session, carrier, seen.order_no)
    waiting = by_order is not None and by_order.stage in AWAITS_NUMBER
    return by_order if waiting else None


def _still_meant(world: World, session: Session, locked: Shipment, seen: Seen) -> bool:
    """What was matched before the lock holds under it: by our order number, by the live number, or by a new one."""
    if locked.stage in AWAITS_NUMBER:
        return seen.order_no == locked.order_no
    live = live_waybill(session, locked.id)
    if live is None or live.number == seen.waybill_no:
        return live is not None
    return find_by_new_number(world, session, locked.carrier, seen.waybill_no) is not None


def speaks_of(seen: Seen, shipment: Shipment) -> bool:
    """A number of this shipment beside another order's number speaks of neither: a person looks."""
    return seen.order_no in {"", shipment.order_no}


def plausible(world: World, shipment: Shipment, seen: Seen) -> Seen:
    """News from the future, or from before the envelope, moves nothing: a person reads it."""
    since, until = _plausible_times(world, shipment)
    if seen.watching_ended or since <= seen.at <= until:  # that nobody watches any more has no time of its own
        return seen
    return Seen(
        waybill_no=seen.waybill_no,
        at=seen.at,
        code=seen.code,
        news=News.UNKNOWN,
        detail=seen.detail,
        text=f"（时间可疑）{seen.text}",
        place=seen.place,
        carrier=seen.carrier,
    )


def _plausible_times(world: World, shipment: Shipment) -> tuple[datetime, datetime]:
    return shipment.created_at - BEFORE, world.now() + AHEAD


def refold(world: World, session: Session, shipment: Shipment, *, asked: bool = False) -> None:
    """Fold all news of a locked shipment; the post is asked where a sub-code is missing, unless it just was."""
    refold_all(world, session, [shipment], asked=asked)


def refold_all(world: World, session: Session, shipments: Sequence[Shipment], *, asked: bool = False) -> None:
    """The same for several locked shipments."""
    session.flush()
    ids = [shipment.id for shipment in shipments]
    let_go_of_voided(session, ids)
    rows = sightings_by_shipment(session, ids)
    follow_all(world, session, [(shipment, fold_sightings(rows[shipment.id])) for shipment in shipments])
    for shipment in shipments:
        if lacks_detail(rows[shipment.id]) and not asked:
            jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)


def follow(world: World, claim: Claim) -> None:
    """The shipment has its number, or has lost it: news that came before that is folded in now, or let go."""
    with claim.done() as session:
        shipment = lock(session, subject_id(claim.subject))
        waybill = live_waybill(session, shipment.id)
        if waybill is not None:
            _claim(world, session, shipment, waybill.number)
            for number in sorted(new_numbers(sightings_of(session, shipment.id))):
                _claim(world, session, shipment, number)
                jobs.leave(session, ASK, shipment.subject, lane=shipment.carrier)
        if waybill is not None or shipment.stage != Stage.CLOSED:  # of a closed one the number may rest by now
            refold(world, session, shipment)
