"""A stored push is read: a new field or a bug in a translation never loses one, it only waits here.

Pushes that speak of nothing but parcels on their way are read together, in one transaction; every other singly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch import audit, jobs, worklist
from dispatch.carrier import Seen, Unreadable
from dispatch.crash import Deed
from dispatch.journey import AWAITS_NUMBER
from dispatch.lease import Claim, done_together
from dispatch.shipment import Shipment, lock_all, subject_id
from dispatch.tracking.observe import Match, observe, parcel_subject, plausible, refold_all, speaks_of
from dispatch.tracking.push import READ, Push
from dispatch.tracking.sighting import PUSHED, keep_all, sighting
from dispatch.waybill import find_live_numbers
from dispatch.worklist import Reason
from dispatch.world import World

Parcel = tuple[str, str]
"""Carrier and number."""


@dataclass(frozen=True, slots=True)
class _News:
    """What a push says, line by line with the parcel of each."""

    claim: Claim
    push_id: UUID
    lines: Sequence[tuple[Parcel, Seen]]

    @property
    def parcels(self) -> set[Parcel]:
        """Whatever it speaks of."""
        return {parcel for parcel, _ in self.lines}


def read_together(world: World, claims: Sequence[Claim]) -> list[Claim]:
    """Read the pushes that are plain, in one transaction; the claims of the others, of which nothing is written.

    Plain is a push whose every line tells of a live number and of no new one. Whatever goes wrong is raised, and then
    nothing is written of any.
    """
    plain, holders = _plain(world, claims)
    if not plain:
        return list(claims)
    done: list[Claim] = []
    with done_together(world, claims[0].name, done) as session:
        done += _take_in(world, session, plain, holders)
    return [claim for claim in claims if claim not in done]


def _plain(world: World, claims: Sequence[Claim]) -> tuple[list[_News], dict[Parcel, UUID]]:
    """The plain pushes among these, and whose their parcels are."""
    with world.reading() as session:
        ids = [subject_id(claim.subject) for claim in claims]
        pushes = {push.subject: push for push in session.scalars(select(Push).where(Push.id.in_(ids)))}
        read = [news for claim in claims if (news := _read(world, claim, pushes[claim.subject])) is not None]
        holders = find_live_numbers(world, session, {parcel for news in read for parcel in news.parcels})
    plain = [news for news in read if all(_is_plain(seen, holders.get(parcel)) for parcel, seen in news.lines)]
    wanted = {parcel for news in plain for parcel in news.parcels}
    return plain, {parcel: holder.id for parcel, holder in holders.items() if parcel in wanted}


def _read(world: World, claim: Claim, push: Push) -> _News | None:
    try:
        return _News(claim, push.id, _lines(world, push))
    except (ValueError, KeyError):
        return None  # whoever reads it singly says so


def _is_plain(seen: Seen, holder: Shipment | None) -> bool:
    if holder is None or holder.stage in AWAITS_NUMBER:
        return False
    return speaks_of(seen, holder) and not seen.new_number and not seen.watching_ended


def _take_in(world: World, session: Session, plain: Sequence[_News], holders: Mapping[Parcel, UUID]) -> list[Claim]:
    """Keep every line and fold each shipment once; the claims of the pushes that are read."""
    lock_all(session, set(holders.values()))
    # Asked again under the lock: a number may have been voided while we waited for the rows.
    found = find_live_numbers(world, session, holders.keys())
    standing = {parcel: shipment for parcel, shipment in found.items() if shipment.id == holders[parcel]}
    sure = [news for news in plain if news.parcels <= standing.keys()]
    lines = [(parcel, standing[parcel], seen) for news in sure for parcel, seen in news.lines]
    for news in sure:
        for parcel in news.parcels:
            jobs.because(session, standing[parcel].subject, news.claim.subject)
    keep_all(
        session,
        [
            sighting(world, carrier, plausible(world, shipment, seen), PUSHED, shipment.id)
            for (carrier, _), shipment, seen in lines
        ],
    )
    refold_all(world, session, list({shipment.id: shipment for _, shipment, _ in lines}.values()))
    mark = update(Push).where(Push.id.in_([news.push_id for news in sure])).values(read_at=world.now())
    session.execute(mark.execution_options(synchronize_session=False))
    return [news.claim for news in sure]


def read_push(world: World, claim: Claim) -> None:
    """Read a push and observe its news. News of nobody's parcel waits a little, then goes before a person."""
    with world.reading() as session:
        push = session.get_one(Push, subject_id(claim.subject))
    try:
        lines = _lines(world, push)
    except (ValueError, KeyError) as error:
        with claim.done() as session:
            session.get_one(Push, push.id).read_at = world.now()
            # Any other error may quote what stood in a field, and no case is known whose people could be masked.
            wrong = str(error) if isinstance(error, Unreadable) else type(error).__name__
            words = f"推送的格式读不懂：{wrong}。原文已留存。"
            worklist.put(world, session, Reason.UNREADABLE_PUSH, push.subject, detail=words)
        return
    matches = [(parcel, _observe(world, parcel[0], seen)) for parcel, seen in lines]
    nobodys = sorted({parcel for parcel, match in matches if match is Match.NOBODY})
    waited = world.now() - push.received_at >= world.settings.unmatched_grace
    if any(match is Match.LOOK_AGAIN for _, match in matches) or (nobodys and not waited):
        with claim.later(world.settings.unmatched_grace):
            return
    with claim.done() as session:
        session.get_one(Push, push.id).read_at = world.now()
        for carrier, number in nobodys:
            parcel, words = parcel_subject(carrier, number), f"推送的运单号 {number} 不属于任何在途邮件。"
            worklist.put(world, session, Reason.UNKNOWN_PARCEL, parcel, cause=push.subject, detail=words)


def read_again(world: World, push_id: UUID, by: str) -> None:
    """What could not be read is read once more; a person is told anew where it still cannot be."""
    with world.begin() as session:
        push = session.get_one(Push, push_id, with_for_update=True)
        push.read_at = None
        worklist.let_go(world, session, push.subject, Reason.UNREADABLE_PUSH)
        jobs.leave(session, READ, push.subject)
        audit.note(world, session, by, audit.Deed.CHANGE, push.subject, "再读推送")


def _lines(world: World, push: Push) -> list[tuple[Parcel, Seen]]:
    """What it says. Raises ValueError (Unreadable) and KeyError."""
    door = world.door(push.carrier)
    if door is None:
        raise Unreadable(f"没有对接寄递企业 {push.carrier} 了")
    news = door.read_push(world.vault.open(push, "body") or "")
    return [((seen.carrier or push.carrier, seen.waybill_no), seen) for seen in news]


def _observe(world: World, carrier: str, seen: Seen) -> Match:
    """Each line in a transaction of its own: two pushes about two parcels never wait for each other crosswise."""
    with world.begin(Deed.NEWS) as session:
        return observe(world, session, carrier, seen, PUSHED)
