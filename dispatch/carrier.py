"""The port: what we ask of any post, and our words for its answers.

An adapter keeps three things apart: building a call (pure), speaking (HTTP), reading the answer (pure), so that
the call can be committed as an intent before it is spoken, and kept afterwards. The error tree is the retry policy:

CarrierError
├── Unavailable     surely not processed (refused connection, failed TLS): try again, after `retry_after` if told
│   └── Throttled   the carrier asks for patience
├── Refused         a documented refusal: a person looks, with the carrier's own words
├── Unauthorised    our account is not accepted: nothing was processed, every further call will fail too
└── InDoubt         it may have been processed: ask before anything else
    └── Duplicate   the carrier says that it has this order; with a number that is as good as booked
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from dispatch.errors import ZhuandiError
from dispatch.journey import News, Signer


class CarrierError(ZhuandiError):
    """What a carrier's answer, or its silence, means for the next step."""


class Unavailable(CarrierError):  # noqa: N818 - the tree reads as states of the carrier
    """Surely not processed; may be repeated as it is."""

    def __init__(self, words: str, retry_after: timedelta | None = None) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class Throttled(Unavailable):
    """The carrier's rate limit; nothing was processed."""


class Refused(CarrierError):  # noqa: N818
    """A documented refusal in the carrier's own words."""


class Unauthorised(CarrierError):  # noqa: N818
    """Our credentials are not accepted."""


class InDoubt(CarrierError):  # noqa: N818
    """No answer, or one that says nothing certain."""


class Duplicate(InDoubt):
    """The carrier knows this order number already, and did not tell the waybill."""


class Means(StrEnum):
    """The surest way that an account offers out of doubt (DESIGN promise 3)."""

    REPEAT = "repeat"  # the identical order under the same number
    WAIT = "wait"  # for a push that carries our number, or a person


@dataclass(frozen=True, slots=True)
class Party:
    """Sender or recipient, in full: only the carrier sees this."""

    name: str
    phone: str
    province: str
    city: str
    county: str
    address: str
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One envelope to be carried. Built from what does not change, so a repetition is identical byte for byte."""

    order_no: str
    created_at: datetime
    sender: Party
    recipient: Party
    contents: tuple[str, ...]
    way: str  # door, locker, village_station or post_office
    way_of_delivery: str  # what the waybill says of it: 须上门投递, or the named point


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it will go out. `kept` is its business part, without secrets: it is sealed and stored."""

    operation: str
    kept: str
    form: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: HTTP status and text."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Booked:
    """The carrier's waybill number for our order, and the sorting code to print."""

    waybill_no: str
    sorting_code: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of news: our word beside the carrier's code and text."""

    waybill_no: str
    at: datetime
    code: str
    news: News
    order_no: str = ""
    detail: str = ""
    signer: Signer | None = None
    voids: frozenset[str] = frozenset()
    wants_detail: bool = False
    text: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """A push that passed the door: `body` is what to keep, `reference` what the acknowledgement must echo."""

    body: str
    reference: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What we answer to a push: the carrier's own words, bare."""

    status: int
    body: Mapping[str, object]


class NotVouched(CarrierError):  # noqa: N818
    """A push that its carrier cannot have sent like this, or that does not open under our key."""


class Carrier(Protocol):
    """One account at one post."""

    @property
    def name(self) -> str:
        """The carrier's word in tables and URLs, for instance `ems`."""

    @property
    def title(self) -> str:
        """The carrier's name on labels and pages."""

    @property
    def means(self) -> Means:
        """How doubt about a booking is resolved."""

    def booking(self, order: Order) -> Call:
        """The call that places this order; identical for an identical order."""

    def again(self, call: Call, kept: str) -> Call:
        """The call that says word for word what was said before: `kept` of an earlier call like `call`."""

    def question(self, waybill_no: str) -> Call:
        """The call that asks for everything known of a number."""

    def code_name(self, code: str) -> str:
        """What the carrier officially calls a code of its own; empty for one that it has not published."""

    def is_number(self, text: str) -> bool:
        """Whether this can be a waybill number of this carrier."""

    def speak(self, call: Call) -> Answer:
        """Send it. Raises Unavailable where it was surely not processed, InDoubt otherwise."""

    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        """Raises Refused, Unauthorised, Throttled, Duplicate or InDoubt."""

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        """All news of the number, in any order; empty where the carrier has none yet. Raises CarrierError."""

    def vouch(self, raw: bytes) -> Vouched:
        """Is this push genuine? Raises NotVouched with the reason."""

    def read_push(self, body: str) -> tuple[Seen, ...]:
        """The news in a vouched push. Raises ValueError where its shape is not known."""

    def acknowledge(self, reference: str) -> Reply:
        """«Received»: the carrier will not send it again."""

    def turn_away(self, reason: str) -> Reply:
        """«Not received», in the carrier's terms."""
