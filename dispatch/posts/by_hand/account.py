"""The centre's own people behind the port: what their desk is asked, and how it answers. Pure but for the line."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from dispatch.accounts import ByHandAccount
from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    Carrier,
    Knock,
    Limits,
    Line,
    Means,
    NotVouched,
    Order,
    Parcel,
    Reply,
    Request,
    Seen,
    Standing,
    Vouched,
)
from dispatch.posts.by_hand import booking, trace
from dispatch.posts.by_hand.codes import CODES, is_number
from dispatch.posts.by_hand.signature import HEADER, fault, sign
from dispatch.posts.reading import secrets_set

PATHS = {
    booking.BOOK: "/book",
    booking.LOOK_UP: "/look-up",
    booking.CANCEL: "/cancel",
    trace.TRACE: "/trace",
}
"""Where each operation is spoken, under the account's endpoint."""


@dataclass(frozen=True)
class ByHand(Carrier):
    """The carrier `by_hand`. `now` stamps and signs the call; the body does not depend on it."""

    account: ByHandAccount
    line: Line
    now: Callable[[], datetime]
    name: str = "by_hand"
    title: str = field(default="", init=False)
    standing: Standing = field(default=Standing.OWN, init=False)

    def __post_init__(self) -> None:
        """The centre names its people itself: 干部代送, 村邮员代送."""
        object.__setattr__(self, "title", self.account.title)

    @property
    def limits(self) -> Limits:
        return Limits(self.account.per_second, self.account.ask_floor, self.account.settling)

    @property
    def means(self) -> Means:
        return Means.LOOK_UP

    def booking(self, order: Order) -> Call:
        return self._call(booking.BOOK, booking.order_text(order))

    def again(self, call: Call, kept: str) -> Call:
        return self._call(call.operation, kept)

    def look_up(self, order_no: str) -> Call:
        return self._call(booking.LOOK_UP, booking.body_text(booking.LOOK_UP, order_no=order_no))

    def cancelling(self, parcel: Parcel) -> Call:
        return self._call(booking.CANCEL, booking.cancel_text(parcel))

    def question(self, parcel: Parcel) -> Call:
        return self._call(trace.TRACE, trace.question_text(parcel.number))

    def _call(self, operation: str, text: str) -> Call:
        raw = text.encode()
        signed = {HEADER: sign(self._key, self.now(), raw)}
        url = self.account.endpoint.rstrip("/") + PATHS[operation]
        return Call(operation, text, Request(url, raw, "application/json", signed))

    @property
    def _key(self) -> str:
        return self.account.key.get_secret_value()

    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        return booking.read_booking(answer, order_no)

    def read_look_up(self, answer: Answer, order_no: str) -> Booked | None:
        return booking.read_look_up(answer, order_no)

    def read_cancelling(self, answer: Answer) -> None:
        booking.read_cancelling(answer)

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        return trace.read_trace(answer)

    def code_name(self, code: str) -> str:
        return CODES.get(code, ("",))[0]

    def is_number(self, text: str) -> bool:
        return is_number(text)

    def vouch(self, knock: Knock) -> Vouched:
        """Genuine is what is signed with a key of ours, in time, and says that it is news."""
        now, retired = self.now(), secrets_set(self.account.retired_keys)
        reasons = [fault(key, knock.signature, knock.raw, now) for key in (self._key, *retired)]
        if all(reasons):
            raise NotVouched(reasons[0])
        return trace.vouched(knock)

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return trace.read_push(body)

    def reference(self, knock: Knock) -> str:
        return trace.reference(knock)

    def acknowledge(self, reference: str) -> Reply:
        return Reply(200, json.dumps({"ok": True, "id": reference}, ensure_ascii=False))

    def turn_away(self, knock: Knock, reason: str) -> Reply:  # noqa: ARG002 - the port's signature
        said = {"ok": False, "code": "bad_signature", "words": reason}
        return Reply(401, json.dumps(said, ensure_ascii=False))
