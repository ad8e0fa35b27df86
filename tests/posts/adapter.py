"""What an adapter's entry in the conformance suite says, and what all entries share."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dispatch.accounts import Account
from dispatch.carrier import Call as OurCall
from dispatch.carrier import Carrier, Line, Order, Request, Seen
from sandbox.post import BEIJING, TIME_FORMAT, Call, PostSettings

SERIALS = itertools.count(1)
Event = tuple[str, datetime, str]
"""Code, time, number."""
Texts = dict[str, object]
"""Fields of the wire by their names."""


@dataclass(frozen=True)
class Absence:
    """Why a case does not apply. `shown` asserts that it is so, of the adapter and of its sandbox."""

    reason: str
    shown: Callable[[Any, "Adapter"], None]
    """From the bench and the adapter."""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One adapter, its sandbox, and what of the contract its protocol cannot have."""

    name: str
    title: str
    """For people."""
    settings: Callable[[Path, str], PostSettings]
    """From the storage and the address of our door."""
    account: Callable[[str, str], Account]
    """From the post's address and that of our door."""
    carrier: Callable[[Any, Line], Carrier]
    endpoints: tuple[str, ...] = ("endpoint",)
    wrong_secret: Mapping[str, object] = field(default_factory=dict)
    other_door: Mapping[str, object] = field(default_factory=dict)
    """Changes of the account under which our pushes are a stranger's."""
    never_booked: tuple[str, ...] = ()  # stories whose order the post turns away
    unacceptable: Mapping[str, object] = field(default_factory=lambda: {"name": " "})  # changes of the recipient
    unacceptable_digits: str = "01"  # of an allotted number
    refusal: str = ""  # words of the post that must reach the clerk
    patience: timedelta | None = timedelta(seconds=1)  # what the post tells where it throttles
    letters: Mapping[str, str] = field(default_factory=dict)  # codes of the books that are others on the wire
    only_pushed: frozenset[str] = frozenset()  # codes of the books that no trace shows
    tells_words: bool = True  # beside a code that nobody published
    has_retired_key: bool = True  # a push under the key before is still ours
    awkward_field: str = "county"  # a text of ours that the post tells again
    opens: Callable[[Request], object]
    """What the sandbox opens of the bytes of any call, once it has checked its signature or cipher."""
    kept: Callable[[OurCall], object] = lambda call: json.loads(call.kept)
    """The same as the adapter keeps it."""
    texts: Callable[[Carrier, Order], tuple[Texts, Texts]]
    """What we have to say, and what the sandbox opens of the bytes that say it."""
    unlisted: Mapping[str, object] = field(default_factory=dict)
    """Changes of an order that the post then turns away under a code, or in words, that nobody has published."""
    unlisted_account: Mapping[str, object] = field(default_factory=dict)
    """Changes of the account that do the same."""
    absent: Mapping[str, Absence] = field(default_factory=dict)
    finer: bool = False  # the books' code is the finer state, which is our detail
    tells_history: bool = False  # a push holds the whole story so far, and not one event

    def event(self, seen: Seen) -> Event:
        """A piece of news as the post's books would tell it."""
        return (seen.detail if self.finer and seen.detail else seen.code), seen.at, seen.waybill_no

    def happened(self, entry: Mapping[str, Any]) -> list[Event]:
        """What the post's books say happened."""
        return sorted(
            (self.letters.get(event["code"], event["code"]), moment(event["at"]), event["number"])
            for event in entry["event_list"]
        )


def moment(at: str) -> datetime:
    """The time in the books, read without the product's own reader: else both could be wrong alike."""
    return datetime.strptime(at, TIME_FORMAT).replace(tzinfo=BEIJING).astimezone(UTC)


def allot(digits: str) -> str:
    """A number of our segment, whose last digits choose its story."""
    return f"77{next(SERIALS):08d}{digits}"


def heard_by(request: Request) -> Call:
    """The request as the sandbox's server hands it on."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(
        urlsplit(request.url).path, {**headers, "content-type": request.content_type}, {}, request.body, "http://post"
    )


WAITS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "seed": 7,
    "gap_seconds": 1.0,
    "push_retry_seconds": 0.1,
    "lost_answer_seconds": 60.0,  # longer than any of us waits
    "late_seconds": 0.5,
}
LIMITS: dict[str, Any] = {"connect_seconds": 2.0, "answer_seconds": 10.0}


PLAIN = {name: name for name in ("name", "province", "city", "county", "address")}


def party_texts(
    order: Order, opened: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[Texts, Texts]:
    """What we have to say of both parties, and what the sandbox opened; `names` are the wire's names of the fields.

    `{side}` in a name stands for the wire's word for sender or recipient.
    """
    said: Texts = {}
    heard: Texts = {}
    for (ours, fields), side in zip(opened.items(), ("SEND", "RCV"), strict=True):
        for name, other in names.items():
            said[f"{ours}.{name}"] = getattr(getattr(order, ours), name)
            heard[f"{ours}.{name}"] = fields[other.format(side=side)]
    return said, heard
