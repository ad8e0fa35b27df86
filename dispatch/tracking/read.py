"""A stored push is read: a new field or a bug in a translation never loses one, it only waits here."""

from dispatch import worklist
from dispatch.carrier import Door, Seen, Unreadable
from dispatch.crash import Deed
from dispatch.lease import Claim
from dispatch.shipment import subject_id
from dispatch.tracking.observe import Match, observe, parcel_subject
from dispatch.tracking.push import Push
from dispatch.tracking.sighting import PUSHED
from dispatch.worklist import Reason
from dispatch.world import World


def read_push(world: World, claim: Claim) -> None:
    """Read a push and observe its news. News of nobody's parcel waits a little, then goes before a person."""
    with world.reading() as session:
        push = session.get_one(Push, subject_id(claim.subject))
        body = world.vault.open(push, "body") or ""
    try:
        news = _door(world, push).read_push(body)
    except (ValueError, KeyError) as error:
        with claim.done() as session:
            session.get_one(Push, push.id).read_at = world.now()
            # Any other error may quote what stood in a field, and no case is known whose people could be masked.
            wrong = str(error) if isinstance(error, Unreadable) else type(error).__name__
            words = f"推送的格式读不懂：{wrong}。原文已留存。"
            worklist.put(world, session, Reason.UNREADABLE_PUSH, push.subject, detail=words)
        return
    parcels = [(seen.carrier or push.carrier, seen) for seen in news]
    matches = [(carrier, seen.waybill_no, _observe(world, carrier, seen)) for carrier, seen in parcels]
    nobodys = sorted({(carrier, number) for carrier, number, match in matches if match is Match.NOBODY})
    waited = world.now() - push.received_at >= world.settings.unmatched_grace
    if any(match is Match.LOOK_AGAIN for _, _, match in matches) or (nobodys and not waited):
        with claim.later(world.settings.unmatched_grace):
            return
    with claim.done() as session:
        session.get_one(Push, push.id).read_at = world.now()
        for carrier, number in nobodys:
            parcel, words = parcel_subject(carrier, number), f"推送的运单号 {number} 不属于任何在途邮件。"
            worklist.put(world, session, Reason.UNKNOWN_PARCEL, parcel, cause=push.subject, detail=words)


def _door(world: World, push: Push) -> Door:
    door = world.door(push.carrier)
    if door is None:
        raise Unreadable(f"没有对接寄递企业 {push.carrier} 了")
    return door


def _observe(world: World, carrier: str, seen: Seen) -> Match:
    """Each line in a transaction of its own: two pushes about two parcels never wait for each other crosswise."""
    with world.begin(Deed.NEWS) as session:
        return observe(world, session, carrier, seen, PUSHED)
