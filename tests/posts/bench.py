"""A bench for one adapter: its sandbox post, its account there, its door for pushes, and what a test does with them.

Carriers that book and carriers whose numbers are allotted are served alike: what counts here is the first word that
commits something, an order at the one, a subscription at the other.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from dispatch.accounts import Account
from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    Carrier,
    Door,
    Duplicate,
    InDoubt,
    Means,
    Numbering,
    Order,
    Parcel,
    Party,
    Seen,
)
from dispatch.posts.tracked import Tracked
from sandbox.post import PostSettings, Scenario
from tests.posts.push_book import PushBook
from tests.posts.sandbox_steps import until

AWKWARD = "景宁*~+/&%=\"'\\畲族🏮𠮷县"
UNPUBLISHED = "19"
HASTY_SECONDS = 0.4  # how long we wait where nothing will come
COUNT = itertools.count(1)
TOWN = {"province": "浙江省", "city": "丽水市", "county": "景宁畲族自治县"}
SENDER = Party("县政务服务中心", "0578-5082345", address="人民中路1号", postcode="323500", **TOWN)
RECIPIENT = Party("蓝小雨", "13900000001", address="团结西路8号", postcode="", **TOWN)


def order_for(digits: str, **changes: Any) -> Order:
    """An order of its own; the digits choose its story."""
    told = {
        "order_no": f"ZWZD{next(COUNT):014d}",
        "created_at": datetime(2026, 11, 23, 1, tzinfo=UTC),
        "sender": SENDER,
        "recipient": replace(RECIPIENT, phone=f"139000000{digits}"),
        "contents": ("食品经营许可证", "告知书"),
        "way": "door",
        "way_of_delivery": "须上门投递",
        "case_nos": ("331127202611220001",),
        "department": "县市场监督管理局",
        "collection_code": "482915",
    }
    return Order(**{**told, **changes})


@dataclass(frozen=True)
class Attempt:
    """The word that commits: how it is said, how its answer is read, and whose parcel it is."""

    order: Order
    call: Call
    read: Callable[[Answer], Booked | None]
    number: str = ""  # where it is allotted


@dataclass(frozen=True)
class Bench:
    """One adapter at work. `make` builds the carrier anew, with changes to its account."""

    name: str
    settings: PostSettings
    account: Account
    make: Callable[..., Carrier]
    carrier: Carrier
    hasty: Carrier  # the same, and it waits for an answer only as long as it must
    push_book: PushBook
    post: httpx2.Client
    allot: Callable[[str], str]  # a number with these digits, of a carrier that allots
    scenarios: Mapping[str, Scenario]
    closed_address: str  # nobody listens there
    deaf_address: str  # somebody is there who never answers, nor hears what is said
    parcels: dict[str, Parcel] = field(default_factory=dict)  # by what they were sent out for

    # --- the post's side

    def entries(self) -> list[dict[str, Any]]:
        return list(self.post.get("/books").json()["orders"])

    def entry(self, parcel: Parcel) -> dict[str, Any]:
        (entry,) = self.entries_of(parcel)
        return entry

    def entries_of(self, *parcels: Parcel) -> list[dict[str, Any]]:
        """One entry for each parcel, from one look into the books."""
        by_number = {number: entry for entry in self.entries() for number in entry["numbers"]}
        return [by_number[parcel.number] for parcel in parcels]

    def accepted(self, attempt: Attempt) -> int:
        """How many times this order, or this subscription, stands in the post's own books."""
        known = {attempt.order.order_no, attempt.number}
        return sum(entry["order_no"] in known and entry["subscribed"] for entry in self.entries())

    @staticmethod
    def is_live(entry: Mapping[str, Any]) -> bool:
        return entry["cancelled_at"] is None

    def stories(self) -> dict[str, Parcel]:
        """The parcels of all stories that the sandbox knows, by their digits."""
        return {digits: self.parcels[digits] for digits in self.scenarios}

    def told_to_their_ends(self) -> Iterator[tuple[str, Parcel, dict[str, Any]]]:
        """Digits, parcel and entry of every story, once everything has happened and every push is done with."""
        stories = self.stories()
        until(lambda: self.are_through(*stories.values()))
        return zip(stories, stories.values(), self.entries_of(*stories.values()), strict=True)

    def unpublished(self) -> str:
        """The code that only the story of an unpublished code has."""
        codes = {digits: {step.code for step in scenario.steps} for digits, scenario in self.scenarios.items()}
        (code,) = codes[UNPUBLISHED].difference(*(codes[digits] for digits in codes if digits != UNPUBLISHED))
        return code

    def never_pushed(self, digits: str) -> int:
        return sum(not step.pushed for step in self.scenarios[digits].steps)

    def spoil(self, **faults: list[str]) -> None:
        self.post.post("/faults", json=faults).raise_for_status()

    def has_struck(self) -> bool:
        """Every one-shot fault was used up."""
        waiting = self.post.post("/faults", json={}).json()
        return not any(waiting.values())

    def collect(self, *parcels: Parcel) -> None:
        said = self.post.post("/counter/collect", json={"waybills": [parcel.number for parcel in parcels]}).json()
        assert sorted(said["collected"]) == sorted(parcel.number for parcel in parcels)

    # --- our side

    def by_default(self) -> dict[str, object]:
        """The settings of an account that say what a post's codes mean, as they are where nobody has set them."""
        known = type(self.account).model_fields.items()
        return {
            name: field.get_default()
            for name, field in known
            if name.endswith("_codes") or name == "repeats_are_idempotent"
        }

    @property
    def allots(self) -> bool:
        return self.carrier.numbering is Numbering.ALLOTTED

    def attempt(self, digits: str = "01", carrier: Carrier | None = None, **changes: Any) -> Attempt:
        """The word that commits an order of its own, not yet said."""
        ours, order = carrier or self.carrier, order_for(digits, **changes)
        if not self.allots:
            return Attempt(order, ours.booking(order), lambda answer: ours.read_booking(answer, order.order_no))
        number = self.allot(digits)
        call = ours.announcing(Parcel(number, order.order_no, order.recipient.phone))
        assert call is not None
        return Attempt(order, call, ours.read_announcing, number)

    def say(self, attempt: Attempt, carrier: Carrier | None = None) -> Booked | None:
        """Said and read. Raises CarrierError."""
        return attempt.read(self.speak(attempt.call, carrier))

    def speak(self, call: Call, carrier: Carrier | None = None) -> Answer:
        """As the product's worker speaks: from what was kept of the call, so that a repetition is built anew."""
        ours = carrier or self.carrier
        return ours.speak(ours.again(call, call.kept))

    def settle(self, attempt: Attempt, *, known: bool = False) -> str:
        """The number, by whatever this carrier declares as the way out of doubt. `known`: the post has the order."""
        if self.allots:
            self.say(attempt)  # «subscribed already» is success
            return attempt.number
        if self.carrier.means is Means.LOOK_UP:
            return str(until(lambda: self._looked_up(attempt, known=known)))
        assert self.carrier.means is Means.REPEAT
        booked = self.say(attempt)
        assert booked is not None
        return booked.waybill_no

    def _looked_up(self, attempt: Attempt, *, known: bool) -> str:
        """The number of an order; empty while the carrier has not told it. An order that it has not is said again."""
        try:
            booked = self.look_up(attempt.order.order_no)
        except Duplicate:
            return ""
        if booked is None:
            assert not known, "the post has the order, and the look-up did not find it"
            with contextlib.suppress(Duplicate):
                booked = self.say(attempt)
        return booked.waybill_no if booked else ""

    def look_up(self, order_no: str) -> Booked | None:
        """As the adapter reads it. Raises CarrierError."""
        call = self.carrier.look_up(order_no)
        assert call is not None
        return self.carrier.read_look_up(self.speak(call), order_no)

    def number_of(self, attempt: Attempt, carrier: Carrier | None = None) -> str:
        """Said, and out of doubt."""
        try:
            booked = self.say(attempt, carrier)
        except InDoubt:
            return self.settle(attempt)
        return booked.waybill_no if booked else attempt.number

    def sent(self, digits: str = "01", **changes: Any) -> Parcel:
        """A parcel at this carrier, known to the post."""
        attempt = self.attempt(digits, **changes)
        number = self.number_of(attempt, self.hasty if self.scenarios[digits].first_call == "lost_after" else None)
        return Parcel(number, attempt.order.order_no, attempt.order.recipient.phone)

    def trace(self, parcel: Parcel, number: str = "") -> tuple[Seen, ...]:
        """All news under its number, or under another that it got on its way back."""
        call = self.carrier.question(replace(parcel, number=number or parcel.number))
        assert call is not None
        return self.carrier.read_trace(self.speak(call))

    def whole_trace(self, parcel: Parcel, numbers: Iterable[str] = ()) -> list[Seen]:
        """The news under all its numbers."""
        under = numbers or self.entry(parcel)["numbers"]
        return [seen for number in under for seen in self.trace(parcel, number)]

    def are_through(self, *parcels: Parcel) -> bool:
        """Everything happened, and every push of them is done with."""
        return all(entry["ended"] and entry["unacknowledged_pushes"] == 0 for entry in self.entries_of(*parcels))


def door_of(carrier: Carrier) -> Door:
    """Who tells us of this carrier's parcels: the carrier, or the tracker that follows it."""
    return carrier.tracker if isinstance(carrier, Tracked) else carrier


def known_as(seen: Seen) -> tuple[object, ...]:
    """What the product knows one piece of news by: the same again is no second event."""
    return seen.waybill_no, seen.at, seen.code, seen.detail, seen.text, seen.place
