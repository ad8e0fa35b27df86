"""Carriers that are known only through a tracker: a line of the settings each, bound to the tracker's account.

Such a carrier allots its numbers beforehand and is never spoken to. The tracker is told of each number, tells the
news by push, and can be asked (CARRIERS §3, §4).
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from dispatch.accounts import TrackedCarrier
from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    Carrier,
    Door,
    InDoubt,
    Knock,
    Limits,
    Line,
    NotVouched,
    Numbering,
    Order,
    Parcel,
    Reply,
    Seen,
    Standing,
    Unreadable,
    Vouched,
)

PHONE_END = 4
"""How many digits of a phone a tracker is told, at most, and only of carriers for which it asks."""


class Tracker(Door):
    """One account at a tracker. `carriers` names our carrier for each of the tracker's own codes: ZTO → zto."""

    line: Line
    carriers: Mapping[str, str]

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What the account permits."""

    @abstractmethod
    def subscription(self, code: str, parcel: Parcel) -> Call | None:
        """The call that asks for pushes about a parcel of this carrier; None where the account has no such thing."""

    @abstractmethod
    def read_subscription(self, answer: Answer) -> None:
        """Raises CarrierError; «subscribed already» is success."""

    @abstractmethod
    def query(self, code: str, parcel: Parcel) -> Call:
        """The call that asks for everything known of a parcel of this carrier."""

    @abstractmethod
    def read_query(self, answer: Answer) -> tuple[Seen, ...]:
        """All news of the parcel; empty where there is no trace yet. Raises CarrierError."""

    @abstractmethod
    def again(self, call: Call, kept: str) -> Call:
        """The call that says word for word what was said before: `kept` of an earlier call like `call`."""

    @abstractmethod
    def state_name(self, code: str) -> str:
        """The official name of a state, coarse or finer; empty for one that is not published."""

    def whose(self, code: str) -> str:
        """Our carrier of this code; a parcel of any other is nobody's, and is kept as the tracker's own word."""
        return self.carriers.get(code, f"{self.name}:{code}")


@dataclass(frozen=True)
class Tracked(Carrier):
    """One carrier without an adapter of its own; `name` is its key in the settings, for instance `zto`."""

    name: str
    account: TrackedCarrier
    tracker: Tracker
    title: str = field(default="", init=False)
    standing: Standing = field(default=Standing.EXPRESS, init=False)
    line: Line = field(init=False)

    def __post_init__(self) -> None:
        """The wire is the tracker's; title and standing are the settings' (邮政法 55)."""
        object.__setattr__(self, "title", self.account.title)
        object.__setattr__(self, "standing", Standing.POSTAL if self.account.postal else Standing.EXPRESS)
        object.__setattr__(self, "line", self.tracker.line)

    @property
    def limits(self) -> Limits:
        return self.tracker.limits

    @property
    def account_name(self) -> str:
        return self.tracker.name

    @property
    def numbering(self) -> Numbering:
        return Numbering.ALLOTTED

    def again(self, call: Call, kept: str) -> Call:
        return self.tracker.again(call, kept)

    def booking(self, order: Order) -> Call:  # noqa: ARG002 - the port's signature
        self._is_never_booked()

    def read_booking(self, answer: Answer, order_no: str) -> Booked:  # noqa: ARG002
        self._is_never_booked()

    def _is_never_booked(self) -> NoReturn:
        raise NotImplementedError(f"{self.title}的运单号取自号段，不向任何接口下单。")

    def announcing(self, parcel: Parcel) -> Call | None:
        return self.tracker.subscription(self.account.code, self._told(parcel))

    def read_announcing(self, answer: Answer) -> None:
        self.tracker.read_subscription(answer)

    def question(self, parcel: Parcel) -> Call:
        return self.tracker.query(self.account.code, self._told(parcel))

    def _told(self, parcel: Parcel) -> Parcel:
        """A tracker is told the end of a phone and no more, and nothing where it does not ask (promise 8)."""
        digits = re.sub(r"[^0-9]", "", parcel.phone) if self.account.wants_phone else ""
        return replace(parcel, phone=digits[-PHONE_END:] if len(digits) >= PHONE_END else "")

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        """The news of our parcel. A like number of another company is another parcel. Raises CarrierError."""
        news = self.tracker.read_query(answer)
        if others := {seen.carrier for seen in news} - {self.name}:
            raise InDoubt(f"查到的是别家快递公司的单号：{'、'.join(sorted(others))}。")
        return news

    def is_number(self, text: str) -> bool:
        """A digit is 0 to 9, whatever the pattern calls one: a full-width digit stands on no label of a carrier."""
        return re.fullmatch(self.account.number_pattern, text, re.ASCII) is not None

    def code_name(self, code: str) -> str:
        return self.tracker.state_name(code)

    def vouch(self, knock: Knock) -> Vouched:  # noqa: ARG002
        raise NotVouched(f"{self.title}不直接推送，轨迹由 {self.tracker.name} 推送")

    def read_push(self, body: str) -> tuple[Seen, ...]:  # noqa: ARG002
        raise Unreadable(f"{self.title}不直接推送")

    def reference(self, knock: Knock) -> str:
        return self.tracker.reference(knock)

    def acknowledge(self, reference: str) -> Reply:
        return self.tracker.acknowledge(reference)

    def turn_away(self, knock: Knock, reason: str) -> Reply:
        return self.tracker.turn_away(knock, reason)
