"""Once more, now: what is stuck is tried, and what nobody had agreed to is weighed anew."""

from uuid import UUID

from dispatch import audit, jobs, worklist
from dispatch.approval.consent import allow_proxy
from dispatch.errors import NotAllowedError
from dispatch.journey import Signer
from dispatch.shipment import WEIGH, lock
from dispatch.worklist import Reason
from dispatch.world import World
from dispatch.zero_visits.evidence import PROXIES
from dispatch.zero_visits.settle import signed


def try_now(world: World, subject: str, by: str) -> None:
    """Whatever is to be done about it and was put off is due at once. Raises NotAllowedError: nothing is."""
    with world.begin() as session:
        if not jobs.hurry(session, subject):
            raise NotAllowedError("没有在等的任务，不用再试。")
        audit.note(world, session, by, audit.Deed.CHANGE, subject, "马上再试")


def record_consent(world: World, shipment_id: UUID, by: str, note: str) -> None:
    """补授权: whoever signed was authorised, and the paper that says so is there; it is weighed anew, and closes.

    Raises NotAllowedError: nobody signed for the recipient, or no note says where the authorisation is kept.
    """
    signed(by, note)
    with world.begin() as session:
        shipment = lock(session, shipment_id)
        if shipment.signer is None or Signer(shipment.signer) not in PROXIES:
            raise NotAllowedError(f"邮件 {shipment.order_no} 不是由他人代收的，补授权没有用。请问本人是否收到。")
        allow_proxy(session, shipment.slip_id)
        for entry in worklist.standing(session, shipment.subject):
            if entry.reason == Reason.SIGNED_WITHOUT_CONSENT:
                worklist.settle(world, entry, by, f"补授权：{note.strip()}")
        jobs.leave(session, WEIGH, shipment.subject)
        audit.note(world, session, by, audit.Deed.CHANGE, shipment.subject, f"补授权：{note.strip()}")
