"""A stored push is read: a new field or a bug in a translation never loses one, it only waits here."""

from sqlalchemy.orm import Session

from dispatch import worklist
from dispatch.carrier import Seen
from dispatch.jobs import Claim
from dispatch.shipment import subject_id
from dispatch.tracking.observe import Match, observe
from dispatch.tracking.push import Push
from dispatch.worklist import Reason
from dispatch.world import World

PUSHED = "push"


def read_push(world: World, claim: Claim) -> None:
    """Read a push and observe its news. News of nobody's parcel waits a little, then goes before a person."""
    with world.reading() as session:
        push = session.get_one(Push, subject_id(claim.subject))
        body = world.vault.open(push, "body") or ""
    try:
        news = world.carriers[push.carrier].read_push(body)
    except (ValueError, KeyError) as unreadable:
        with claim.done() as session:
            _finish(world, session, push, Reason.UNREADABLE_PUSH, f"推送的格式读不懂：{unreadable}")
        return
    matches = {_observe(world, push.carrier, seen) for seen in news}
    waited = world.now() - push.received_at >= world.settings.unmatched_grace
    if Match.LOOK_AGAIN in matches or (Match.NOBODY in matches and not waited):
        with claim.later(world.settings.unmatched_grace):
            return
    with claim.done() as session:
        numbers = "、".join(sorted({seen.waybill_no for seen in news}))
        unknown = Reason.UNKNOWN_PARCEL if Match.NOBODY in matches else None
        _finish(world, session, push, unknown, f"推送的运单号 {numbers} 不属于任何在途邮件。")


def _observe(world: World, carrier: str, seen: Seen) -> Match:
    """Each line in a transaction of its own: two pushes about two parcels never wait for each other crosswise."""
    with world.begin() as session:
        return observe(world, session, carrier, seen, PUSHED)


def _finish(world: World, session: Session, push: Push, reason: Reason | None, detail: str) -> None:
    session.get_one(Push, push.id).read_at = world.now()
    if reason is not None:
        worklist.put(world, session, reason, push.subject, detail=detail)
    else:
        worklist.settle_by_itself(world, session, push.subject, [Reason.UNKNOWN_PARCEL])
