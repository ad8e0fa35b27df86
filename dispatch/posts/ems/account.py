"""One agreement account at China Post/EMS, behind the port: what is asked, and how its answers are read. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from dispatch.accounts import EmsAccount
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
    Party,
    Reach,
    Reply,
    Request,
    Seen,
    Standing,
    Vouched,
)
from dispatch.posts.ems import booking, cancel, label, reach, trace
from dispatch.posts.ems.codes import OPERATIONS
from dispatch.posts.ems.envelope import EnvelopeError, unwrap, wrap
from dispatch.posts.reading import FORM, as_object, text_of
from dispatch.posts.times import wire_time

ACCEPTED = booking.SUCCESS


@dataclass(frozen=True)
class Ems(Carrier):
    """The carrier `ems`. `now` stamps the envelope; the business text inside does not depend on it."""

    account: EmsAccount
    line: Line
    now: Callable[[], datetime]
    name: str = "ems"
    title: str = "中国邮政 EMS"
    standing: Standing = field(default=Standing.POSTAL, init=False)

    @property
    def limits(self) -> Limits:
        return Limits(self.account.per_second, self.account.ask_floor, self.account.settling)

    @property
    def means(self) -> Means:
        """EMS has no look-up by our order number (CARRIERS §1.5)."""
        return Means.REPEAT if self.account.repeats_are_idempotent else Means.WAIT

    @property
    def insists_on_label(self) -> bool:
        return self.account.prints_own_label

    def booking(self, order: Order) -> Call:
        return self._call(booking.OPERATION, booking.order_text(order, self.account))

    def again(self, call: Call, kept: str) -> Call:
        """A label's download has no business part to say again: it is `call` itself."""
        return call if call.operation == label.DOWNLOAD else self._call(call.operation, kept)

    def cancelling(self, parcel: Parcel) -> Call:
        return self._call(cancel.OPERATION, cancel.cancel_text(parcel))

    def own_label(self, number: str) -> Call:
        return self._call(label.OPERATION, label.label_text(number, self.account))

    def reach(self, party: Party) -> Call:
        return self._call(reach.OPERATION, reach.reach_text(party, self.account))

    def question(self, parcel: Parcel) -> Call:
        return self._call(trace.QUESTION, trace.question_text(parcel.number))

    def _call(self, operation: str, text: str) -> Call:
        account = self.account
        form = {
            "apiCode": operation,
            "senderNo": account.sender_no,
            "authorization": account.authorization.get_secret_value(),
            "msgType": "0",
            "timeStamp": wire_time(self.now()),
            "version": "V1.0.0",
            "logitcsInterface": wrap(text, account.sk.get_secret_value()),
        }
        return Call(operation, text, Request(account.endpoint, urlencode(form).encode(), FORM))

    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        return booking.read_booking(answer, order_no, self.account)

    def read_cancelling(self, answer: Answer) -> None:
        cancel.read_cancelling(answer, self.account)

    def read_label(self, answer: Answer) -> bytes | Call:
        return label.read_label(answer, self.account)

    def read_reach(self, answer: Answer) -> Reach:
        return reach.read_reach(answer, self.account)

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        return trace.read_trace(answer, self.account)

    def code_name(self, code: str) -> str:
        return OPERATIONS.get(code, ("",))[0]

    def is_number(self, text: str) -> bool:
        return booking.is_waybill_no(text)

    def vouch(self, knock: Knock) -> Vouched:
        """Genuine is what opens under our key and is addressed to our number; EMS signs nothing else."""
        if (pushed := _envelope(knock)) is None:
            raise NotVouched("报文不是 JSON 对象")
        if text_of(pushed, "senderNo") != self.account.sender_no:
            raise NotVouched("协议客户号不是本中心的")
        if text_of(pushed, "method") != trace.PUSH:
            raise NotVouched("不是轨迹推送 040002")
        body = self._open(text_of(pushed, "logitcsInterface"))
        if as_object(body) is None:
            raise NotVouched("密文打开后不是 JSON 对象")
        return Vouched(body, text_of(pushed, "serialNo"))

    def _open(self, wrapped: str) -> str:
        for sk in (self.account.sk, *self.account.retired_sk):
            try:
                return unwrap(wrapped, sk.get_secret_value())
            except EnvelopeError as error:
                reason = str(error)
        raise NotVouched(reason)

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return trace.read_push(body)

    def reference(self, knock: Knock) -> str:
        """`serialNo` of the envelope, which is not sealed."""
        return text_of(_envelope(knock) or {}, "serialNo")

    def acknowledge(self, reference: str) -> Reply:
        return self._reply(reference, ACCEPTED, "")

    def turn_away(self, knock: Knock, reason: str) -> Reply:
        return self._reply(self.reference(knock), self.account.not_accepted_code, reason)

    def _reply(self, reference: str, code: str, words: str) -> Reply:
        echo = {"serialNo": reference, "code": code, "codeMessage": words, "senderNo": self.account.sender_no}
        return Reply(200, json.dumps(echo))  # as escapes: half a surrogate pair goes out as it came in


def _envelope(knock: Knock) -> dict[str, Any] | None:
    """The JSON object around what is sealed; None where there is none."""
    try:
        return as_object(knock.raw.decode())
    except UnicodeDecodeError:
        return None
