"""An order as it comes, and what can become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sandbox.post.ledger.parcel import Parcel


class CutShortError(Exception):
    """The scenario's ``first_call``: the server plays this answer fault in place of the protocol's answer."""

    def __init__(self, fault: str) -> None:
        """``fault`` is one of `ANSWER_FAULTS`."""
        self.fault = fault
        super().__init__(fault)


class Outcome(Enum):
    """What became of an order call."""

    BOOKED = "new: it has its waybill numbers"
    SAME = "a repeat of an order that is in the books: its numbers again"
    DUPLICATE = "a repeat, and this post (or this order) answers a repeat with an error"
    OTHER_CONTENT = "the order number is in the books with other content"
    NUMBER_TAKEN = "a waybill number that the customer gave belongs to another order"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked order. Only a keyed digest of ``content`` (any JSON value) is kept.

    ``hint``: its last two digits choose the scenario (the recipient's mobile number, usually). ``extra`` is
    kept and must hold no personal data. ``numbers``: waybill numbers that the customer gives; empty: the
    post issues ``issue`` of them.
    """

    order_no: str
    content: Any
    hint: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    issue: int = 1


@dataclass(frozen=True)
class Placed:
    """The parcel in the books (of no use after NUMBER_TAKEN), and what became of the call."""

    parcel: Parcel
    outcome: Outcome
