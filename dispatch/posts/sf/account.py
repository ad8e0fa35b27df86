"""One application at SF's 丰桥, behind the port: what is asked, and how its answers are read. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatch.accounts import SfAccount
from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    Carrier,
    Knock,
    Limits,
    Line,
    Means,
    Order,
    Parcel,
    Reply,
    Request,
    Seen,
    Standing,
    Vouched,
)
from dispatch.posts.reading import FORM
from dispatch.posts.sf import booking, label, push, routes, update
from dispatch.posts.sf.codes import OPERATIONS, is_waybill_no
from dispatch.posts.sf.envelope import form
from dispatch.posts.times import NEVER

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Sf(Carrier):
    """The carrier `sf`. `now` and `new_id` stamp the form; `msgData` inside does not depend on them."""

    account: SfAccount
    line: Line
    now: Callable[[], datetime]
    new_id: Callable[[], str]  # requestID: 40 characters at the most, new for each call
    name: str = "sf"
    title: str = "顺丰速运"
    standing: Standing = field(default=Standing.EXPRESS, init=False)

    @property
    def limits(self) -> Limits:
        return Limits(self.account.per_second, self.account.ask_floor, self.account.settling)

    @property
    def means(self) -> Means:
        return Means.LOOK_UP

    @property
    def insists_on_label(self) -> bool:
        return self.account.prints_own_label

    def booking(self, order: Order) -> Call:
        return self._call(booking.CREATE, booking.order_text(order, self.account))

    def again(self, call: Call, kept: str) -> Call:
        """A label's download has no business part to say again: it is `call` itself."""
        return call if call.operation == label.DOWNLOAD else self._call(call.operation, kept)

    def look_up(self, order_no: str) -> Call:
        return self._call(booking.SEARCH, booking.search_text(order_no))

    def announcing(self, parcel: Parcel) -> Call | None:
        return self._call(update.UPDATE, update.confirm_text(parcel)) if self.account.confirms else None

    def cancelling(self, parcel: Parcel) -> Call:
        return self._call(update.UPDATE, update.cancel_text(parcel))

    def own_label(self, number: str) -> Call:
        return self._call(label.PRINT, label.label_text(number, self.account))

    def question(self, parcel: Parcel) -> Call:
        return self._call(routes.ROUTES, routes.question_text(parcel))

    def _call(self, service: str, text: str) -> Call:
        stamp = str((self.now() - NEVER) // MILLISECOND)  # since 1970, exactly
        body = form(self.account, service, text, stamp, self.new_id())
        return Call(service, text, Request(self.account.endpoint, body, FORM))

    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        return booking.read_booking(answer, order_no, self.account)

    def read_look_up(self, answer: Answer, order_no: str) -> Booked | None:
        return booking.read_search(answer, order_no, self.account)

    def read_announcing(self, answer: Answer) -> None:
        update.read_confirming(answer, self.account)

    def read_cancelling(self, answer: Answer) -> None:
        update.read_cancelling(answer, self.account)

    def read_label(self, answer: Answer) -> bytes | Call:
        return label.read_label(answer, self.account)

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        return routes.read_trace(answer, self.account)

    def code_name(self, code: str) -> str:
        return self.account.order_states.get(code) or OPERATIONS.get(code, ("",))[0]

    def is_number(self, text: str) -> bool:
        return is_waybill_no(text)

    def vouch(self, knock: Knock) -> Vouched:
        """SF signs nothing: genuine is what comes from, or to, the agreed place."""
        return push.vouched(knock, self.account)

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return push.read_push(body, self.account)

    def reference(self, knock: Knock) -> str:
        """The form that was used: SF knows an acknowledgement in no other."""
        return push.form_used(knock)

    def acknowledge(self, reference: str) -> Reply:
        return push.acknowledged(reference)

    def turn_away(self, knock: Knock, reason: str) -> Reply:
        return push.turned_away(push.form_used(knock), reason)
