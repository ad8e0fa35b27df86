"""Whether a worklist entry gives the true reason, seen from what the carrier itself says of the shipment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatch.journey import ENDS, ON_THE_WAY, News, Stage, Tracked, Tracking
from dispatch.shipment import Shipment
from dispatch.worklist import Reason


@dataclass(frozen=True)
class Truth:
    """A shipment, and its whole trace folded. `unread`: one of its sightings has a code that nobody knows."""

    shipment: Shipment
    tracking: Tracking | None  # None where it has no number
    unread: bool
    signed_by_others: bool = False  # once at least: a fact that somebody must have seen, also where it was revoked

    @property
    def state(self) -> Tracked:
        return self.tracking.state if self.tracking else Tracked.UNSEEN


def _told_of(news: News) -> Callable[[Truth], bool]:
    return lambda truth: (
        truth.tracking is not None and truth.tracking.cause is not None and (truth.tracking.cause.news is news)
    )


TRUE: Mapping[Reason, Callable[[Truth], bool]] = {
    Reason.BOOKING_IN_DOUBT: lambda truth: truth.shipment.stage == Stage.IN_DOUBT,
    Reason.REFUSED_BY_CARRIER: lambda truth: truth.shipment.stage == Stage.REFUSED,
    Reason.NOT_CANCELLED: lambda truth: truth.shipment.stage in {Stage.CANCELLING, Stage.BOOKED},
    Reason.STALLED: lambda truth: truth.state in ON_THE_WAY,
    Reason.NOT_FETCHED: lambda truth: truth.state is Tracked.AWAITING_PICKUP,
    Reason.SIGNER_UNKNOWN: lambda truth: truth.state is Tracked.DELIVERED,
    Reason.SIGNED_WITHOUT_CONSENT: lambda truth: truth.signed_by_others,
    Reason.DELIVERY_REVOKED: lambda truth: truth.tracking is not None and bool(truth.tracking.contradictions),
    Reason.RETURNING: lambda truth: truth.state is Tracked.RETURNING,
    Reason.RETURNED: lambda truth: truth.state is Tracked.RETURNED,
    Reason.LOST: lambda truth: truth.state is Tracked.LOST,
    Reason.RECIPIENT_REFUSED: lambda truth: truth.tracking is not None and bool(truth.tracking.refusals),
    Reason.ADDRESS_UNCLEAR: _told_of(News.ADDRESS_UNCLEAR),
    Reason.UNKNOWN_CODE: lambda truth: truth.unread,
    Reason.NOT_COLLECTED: lambda truth: truth.state is Tracked.UNSEEN,
    Reason.NOT_FOLLOWED: lambda truth: truth.state not in ENDS,
}
"""What must hold for each reason that a storm can lead to. A stuck job aside, any other is untrue in a storm."""


def is_true(reason: str, truth: Truth, *, stuck: bool) -> bool:
    """Whether the carrier's own word bears the reason out. `stuck`: a job of it fails again and again."""
    if Reason(reason) is Reason.JOB_STUCK:
        return stuck
    holds = TRUE.get(Reason(reason))
    return holds is not None and holds(truth)
