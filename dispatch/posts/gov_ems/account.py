"""One centre at the 政务专递 interface, behind the port: what is asked, and how its answers are read. Pure."""

from dataclasses import dataclass, field

from dispatch.accounts import GovEmsAccount
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
    Unreadable,
    Vouched,
)
from dispatch.posts.ems.booking import is_waybill_no
from dispatch.posts.gov_ems import booking, logistics
from dispatch.posts.gov_ems.des import enciphered
from dispatch.posts.gov_ems.soap import CONTENT_TYPE, HEADERS, enveloped

NO_PUSHES = "本接口只能查询，没有推送"


@dataclass(frozen=True)
class GovEms(Carrier):
    """The carrier `gov_ems`. It offers no push and no cancelling, and tells its number only when it is asked."""

    account: GovEmsAccount
    line: Line
    name: str = "gov_ems"
    standing: Standing = field(default=Standing.POSTAL, init=False)

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.account.title

    @property
    def limits(self) -> Limits:
        return Limits(self.account.per_second, self.account.ask_floor, self.account.settling)

    @property
    def means(self) -> Means:
        return Means.LOOK_UP

    def booking(self, order: Order) -> Call:
        return self._call(booking.OPERATION, booking.order_text(order, self.account))

    def again(self, call: Call, kept: str) -> Call:
        return self._call(call.operation, kept)

    def look_up(self, order_no: str) -> Call:
        return self._call(logistics.OPERATION, logistics.question_text(order_no, self.account))

    def question(self, parcel: Parcel) -> Call | None:
        """It knows parcels by our order number alone."""
        return self.look_up(parcel.order_no) if parcel.order_no else None

    def _call(self, operation: str, text: str) -> Call:
        message = enveloped(operation, enciphered(text, self.account.des_key.get_secret_value()))
        return Call(operation, text, Request(self.account.endpoint, message.encode(), CONTENT_TYPE, HEADERS))

    def read_booking(self, answer: Answer, order_no: str) -> Booked:  # noqa: ARG002 - the port's signature
        return booking.read_booking(answer, self.account)

    def read_look_up(self, answer: Answer, order_no: str) -> Booked | None:
        return logistics.read_look_up(answer, order_no, self.account)

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        return logistics.read_trace(answer, self.account)

    def code_name(self, code: str) -> str:
        return logistics.NAMES.get(code, "")

    def is_number(self, text: str) -> bool:
        return is_waybill_no(text)

    def vouch(self, knock: Knock) -> Vouched:  # noqa: ARG002 - the port's signature
        raise NotVouched(NO_PUSHES)

    def read_push(self, body: str) -> tuple[Seen, ...]:  # noqa: ARG002
        raise Unreadable(NO_PUSHES)

    def acknowledge(self, reference: str) -> Reply:  # noqa: ARG002
        return Reply(404, NO_PUSHES, "text/plain; charset=utf-8")

    def turn_away(self, knock: Knock, reason: str) -> Reply:  # noqa: ARG002
        return Reply(404, NO_PUSHES, "text/plain; charset=utf-8")
