"""The port: what we ask of any carrier, and our words for its answers.

An adapter keeps three things apart: building a call (pure), speaking (HTTP), reading the answer (pure), so that
the call can be committed as an intent before it is spoken, and kept afterwards. The error tree is the retry policy:

CarrierError
├── Unavailable     surely not processed (refused connection, failed TLS): try again, after `retry_after` if told
│   └── Throttled   the carrier asks for patience
├── Refused         a documented refusal: a person looks, with the carrier's own words
├── Unauthorised    our account is not accepted: nothing was processed, every further call will fail too
└── InDoubt         it may have been processed: ask before anything else
    ├── NoAnswer    nothing came, or nothing that this carrier would say: the line or the carrier is sick, and
    │               `retry_after` says for how long if it was told (503)
    └── Duplicate   the carrier has this order; with its number that is as good as booked, and the number is not told
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from dispatch.errors import ZhuandiError
from dispatch.journey import News, Signer

WORD_MOST = 64
"""Characters of a number or code that a carrier tells."""


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
    """It may have been processed: the answer says nothing certain."""


class NoAnswer(InDoubt):
    """No answer came in time, or one that cannot be this carrier's (an error page, a cut text)."""

    def __init__(self, words: str, retry_after: timedelta | None = None) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class Duplicate(InDoubt):
    """The carrier knows this order number already, and did not tell the waybill (yet)."""


class NotVouched(CarrierError):  # noqa: N818
    """A push that its carrier cannot have sent like this, or that does not open under our key."""


class Unreadable(ValueError):  # noqa: N818
    """News whose shape is not known. Its text names what is wrong, and never a value: that may be somebody's name."""


class Means(StrEnum):
    """The surest way that an account offers out of doubt (DESIGN promise 3)."""

    LOOK_UP = "look_up"  # by our order number
    REPEAT = "repeat"  # the identical order under the same number
    WAIT = "wait"  # for a push that carries our number, or a person


class Standing(StrEnum):
    """What a carrier is in the eyes of the law (邮政法 55: express companies may not carry 国家机关公文)."""

    POSTAL = "postal"  # the postal enterprise
    OWN = "own"  # the centre's own people
    EXPRESS = "express"


class Numbering(StrEnum):
    """Where waybill numbers come from."""

    ANSWERED = "answered"  # the carrier gives one in its answer to the order
    ALLOTTED = "allotted"  # the carrier has allotted us a segment of numbers beforehand


@dataclass(frozen=True, slots=True)
class Limits:
    """What the account permits, and how long its own books need."""

    per_second: float = 5.0  # calls
    ask_floor: timedelta = timedelta(0)  # the least time between two questions about one number
    settling: timedelta = timedelta(minutes=10)  # an order younger than this may be missing in a look-up
    announce_again: timedelta = timedelta(0)  # after a watching has ended, the least time until the next announcing
    announcements: int | None = None  # of one number in a month; None where nobody counts


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
    direction: str = "outbound"  # or inbound: from the applicant to the centre
    case_nos: tuple[str, ...] = ()
    department: str = ""
    collection_code: str = ""  # six digits that the citizen is asked for at the door, where the carrier asks


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a carrier may need to be told when it is asked about a parcel."""

    number: str
    order_no: str = ""
    phone: str = field(default="", repr=False)  # the recipient's


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire."""

    url: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it will go out. `kept` is its business part, without secrets: it is sealed and stored."""

    operation: str
    kept: str
    request: Request


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came."""

    status: int
    raw: bytes
    content_type: str = ""
    retry_after: timedelta | None = None

    @property
    def text(self) -> str:
        """As UTF-8, whatever set is claimed: JSON is UTF-8 (RFC 8259), and a claimed set may decode nothing."""
        return self.raw.decode(errors="replace")


class Line(Protocol):
    """The wire to a carrier, with a limit on every wait."""

    def speak(self, request: Request) -> Answer:
        """Send it. Raises Unavailable where it was surely not processed, NoAnswer otherwise."""


@dataclass(frozen=True, slots=True)
class Booked:
    """The carrier's waybill number for our order, and the sorting code to print."""

    waybill_no: str
    sorting_code: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether the carrier collects or delivers at an address; None where it cannot tell. `words` are its own."""

    inside: bool | None
    words: str = ""


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
    carrier: str = ""  # whose parcel it is, where a tracker tells of others' parcels; else whoever tells it
    new_number: str = ""  # the parcel goes on under this number, on its way back to us (SF 648, 631)
    watching_ended: bool = False  # whoever tells it tells no more of this parcel, unless it is announced anew

    def __post_init__(self) -> None:
        """Numbers and codes are untrusted, and stand in indexes: the whole of one that is too long goes into `text`.

        No number or code of any carrier is so long, so what is cut is no other's, and means nothing.
        """
        for name in ("waybill_no", "order_no", "code", "detail", "carrier", "new_number"):
            told: str = getattr(self, name)
            if len(told) > WORD_MOST:
                object.__setattr__(self, name, told[:WORD_MOST])
                object.__setattr__(self, "text", f"{self.text}（{name}：{told}）")


@dataclass(frozen=True, slots=True)
class Knock:
    """A push as it arrived at the door."""

    raw: bytes
    content_type: str = ""
    source: str = ""  # the caller's address
    secret: str = field(default="", repr=False)  # the last part of the address that was called, if any
    signature: str = ""  # the header X-Signature, where the carrier signs so


@dataclass(frozen=True, slots=True)
class Vouched:
    """A push that passed the door: `body` is what to keep, `reference` what the acknowledgement must echo."""

    body: str
    reference: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What we answer to a push: the carrier's own words, bare."""

    status: int
    text: str
    content_type: str = "application/json"


class Door(ABC):
    """Whoever may tell us news by push: a carrier, or a tracker of others' parcels. One account each."""

    name: str
    """The word in tables and URLs, for instance `ems`."""

    @abstractmethod
    def vouch(self, knock: Knock) -> Vouched:
        """Is this push genuine? Raises NotVouched with the reason."""

    @abstractmethod
    def read_push(self, body: str) -> tuple[Seen, ...]:
        """The news in a vouched push; a bad line is UNKNOWN news. Raises Unreadable where its shape is not known."""

    def reference(self, knock: Knock) -> str:  # noqa: ARG002 - the port's signature
        """What an acknowledgement of this push must echo, read without believing it; empty for nothing."""
        return ""

    @abstractmethod
    def acknowledge(self, reference: str) -> Reply:
        """«Received»: it will not be sent again."""

    @abstractmethod
    def turn_away(self, knock: Knock, reason: str) -> Reply:
        """«Not received», in the carrier's terms."""


class Carrier(Door):
    """One account at one carrier. What a carrier does not offer is None: there is no such call."""

    title: str
    """The name on labels and pages."""
    standing: Standing
    line: Line

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What the account permits."""

    @property
    def account_name(self) -> str:
        """Whose limits and health its calls share: a tracked carrier's calls are its tracker's."""
        return self.name

    @property
    def numbering(self) -> Numbering:
        """Where its waybill numbers come from."""
        return Numbering.ANSWERED

    @property
    def means(self) -> Means:
        """How doubt about a booking is resolved."""
        return Means.WAIT

    @property
    def insists_on_label(self) -> bool:
        """Only the carrier's own label is accepted: it is fetched and printed as it is."""
        return False

    def speak(self, call: Call) -> Answer:
        """Send it. Raises Unavailable where it was surely not processed, NoAnswer otherwise."""
        return self.line.speak(call.request)

    @abstractmethod
    def again(self, call: Call, kept: str) -> Call:
        """The call that says word for word what was said before: `kept` of an earlier call like `call`."""

    @abstractmethod
    def booking(self, order: Order) -> Call:
        """The call that places this order; its `kept` is identical for an identical order."""

    @abstractmethod
    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        """Raises Refused, Unauthorised, Throttled, Duplicate or InDoubt."""

    def look_up(self, order_no: str) -> Call | None:  # noqa: ARG002 - the port's signature
        """The call that asks for our order by our own number."""
        return None

    def read_look_up(self, answer: Answer, order_no: str) -> Booked | None:
        """The number of the order; None where the carrier surely has no such order.

        Raises Refused where it has the order and will not carry it: a refused question is doubt. Else CarrierError.
        """
        raise NotImplementedError

    def announcing(self, parcel: Parcel) -> Call | None:  # noqa: ARG002
        """What must be said once the number is known: a tracker's subscription, SF's confirmation."""
        return None

    def read_announcing(self, answer: Answer) -> None:
        """Raises CarrierError; «you have told me already» is success."""
        raise NotImplementedError

    def cancelling(self, parcel: Parcel) -> Call | None:  # noqa: ARG002
        """The call that takes a booking back. May be repeated."""
        return None

    def read_cancelling(self, answer: Answer) -> None:
        """Nothing where it is cancelled now, or was before. Raises Refused (it was collected), InDoubt and so on."""
        raise NotImplementedError

    def own_label(self, number: str) -> Call | None:  # noqa: ARG002
        """The call that fetches the carrier's own label."""
        return None

    def read_label(self, answer: Answer) -> bytes | Call:
        """The label as PDF, or the call that fetches it from where the answer points. Raises CarrierError."""
        raise NotImplementedError

    def reach(self, party: Party) -> Call | None:  # noqa: ARG002
        """The call that asks whether the carrier serves an address."""
        return None

    def read_reach(self, answer: Answer) -> Reach:
        """Raises CarrierError."""
        raise NotImplementedError

    @abstractmethod
    def question(self, parcel: Parcel) -> Call | None:
        """The call that asks for everything known of a parcel."""

    @abstractmethod
    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        """All news of the parcel, in any order; empty where the carrier has none yet. Raises CarrierError."""

    @abstractmethod
    def is_number(self, text: str) -> bool:
        """Whether this can be a waybill number of this carrier."""

    def code_name(self, code: str) -> str:  # noqa: ARG002
        """What the carrier officially calls a code of its own; empty for one that it has not published."""
        return ""
