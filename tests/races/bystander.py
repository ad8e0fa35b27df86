"""Whoever stands beside the service and knows what it must come to: cases, and the story the post plays for each."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

from dispatch.approval.decided_case import DecidedCase
from dispatch.worklist import Reason


@dataclass(frozen=True)
class End:
    """How a case may be left: whether closed (None: either), and which reasons stand before a person."""

    closed: bool | None
    reasons: frozenset[Reason] = frozenset()
    perhaps: frozenset[Reason] = frozenset()

    def allows(self, *, closed: bool, reasons: AbstractSet[Reason]) -> bool:
        """Whether this is such an end."""
        return self.closed in {None, closed} and self.reasons <= reasons <= self.reasons | self.perhaps


STORIES = {
    "01": End(closed=True),
    "02": End(closed=True),  # a failed attempt first
    "04": End(closed=False, reasons=frozenset({Reason.SIGNED_WITHOUT_CONSENT})),
    # That it was refused is told in a sub-code, which no push has: the post is asked where such a push came.
    "11": End(False, frozenset({Reason.RETURNED}), perhaps=frozenset({Reason.RECIPIENT_REFUSED})),
    "12": End(closed=False, reasons=frozenset({Reason.LOST})),
    # Revoked before it was weighed, it is never closed; after that, the proof is taken away.
    "14": End(closed=None, reasons=frozenset({Reason.DELIVERY_REVOKED})),
    "17": End(closed=True),  # the first order is taken in silence
    "23": End(closed=True),  # the first order is not taken
    "25": End(closed=True),  # its collection is taken back and made again
}
"""What each story comes to (HALL §2, §3). Everybody agreed to the own door, and to no proxy."""
NOT_SENT = End(closed=False)


@dataclass
class Known:
    """A case as its approval system and the desk know it."""

    decided: DecidedCase
    story: str
    case_id: UUID | None = None  # the answer; nothing where the service died before it gave one
    wanted: bool = True  # nobody held it back or called it off

    @property
    def end(self) -> End:
        """What it must come to."""
        return STORIES[self.story] if self.wanted else NOT_SENT


@dataclass
class Bystander:
    """All cases that were ever posted, by their number, and the pushes that the service has acknowledged."""

    cases: dict[str, Known] = field(default_factory=dict)
    acknowledged: set[bytes] = field(default_factory=set)

    def taken(self) -> list[Known]:
        """What was answered with success."""
        return [known for known in self.cases.values() if known.case_id is not None]
