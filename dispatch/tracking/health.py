"""How each carrier does: its breaker, what waits for it and why, what its pushes left for our asking to find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.booking.allot import numbers_left
from dispatch.breaker import Breaker, breakers
from dispatch.carrier import Carrier, Numbering
from dispatch.jobs import LANE, Job
from dispatch.tracking.push import Push
from dispatch.tracking.rhythm import Share, shares
from dispatch.world import World

SHARE_OF = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Health:
    """One carrier. `closed_until`: its breaker lets no call through before; `reason` in the carrier's words."""

    carrier: str
    title: str
    closed_until: datetime | None
    reason: str
    waiting: int
    share: Share | None
    numbers_left: int | None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A push that was not vouched for."""

    carrier: str
    at: datetime
    source: str
    times: int
    reason: str


def healths(world: World) -> list[Health]:
    """All carriers of the settings, by name."""
    with world.reading() as session:
        sick = {breaker.account: breaker for breaker in breakers(session)}
        waiting = _waiting(session)
        told = {share.carrier: share for share in shares(session, world.now() - SHARE_OF)}
        return [
            _health(world, session, carrier, sick.get(carrier.account_name), waiting, told)
            for _, carrier in sorted(world.carriers.items())
        ]


def _health(
    world: World,
    session: Session,
    carrier: Carrier,
    breaker: Breaker | None,
    waiting: Mapping[str, int],
    told: Mapping[str, Share],
) -> Health:
    allotted = carrier.numbering is Numbering.ALLOTTED
    return Health(
        carrier=carrier.name,
        title=carrier.title,
        closed_until=breaker.open_until if breaker else None,
        reason=(world.vault.open(breaker, "reason") or "") if breaker and breaker.open_until else "",
        waiting=waiting.get(carrier.name, 0),
        share=told.get(carrier.name),
        numbers_left=numbers_left(session, carrier.name) if allotted else None,
    )


def _waiting(session: Session) -> Mapping[str, int]:
    """Open jobs that are due or were put off, for each carrier."""
    lane = func.split_part(Job.name, LANE, 2)
    query = (
        select(lane.label("lane"), func.count().label("jobs"))
        .where(Job.done_at.is_(None), lane != "", (Job.next_at <= func.now()) | Job.last_error.is_not(None))
        .group_by(lane)
    )
    return {row.lane: row.jobs for row in session.execute(query)}


def turned_away(session: Session, since: datetime) -> Sequence[TurnedAway]:
    """Pushes that were turned away since then, newest first: a wrong key, or a stranger."""
    query = select(Push).where(Push.turned_away.is_not(None), Push.received_at > since)
    return [
        TurnedAway(push.carrier, push.received_at, push.source, push.times, push.turned_away or "")
        for push in session.scalars(query.order_by(Push.received_at.desc()))
    ]
