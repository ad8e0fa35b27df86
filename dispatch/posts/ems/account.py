"""One agreement account at China Post/EMS, behind the port. HTTP happens here; the rest is pure."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from dispatch.carrier import (
    Answer,
    Booked,
    Call,
    InDoubt,
    Means,
    NotVouched,
    Order,
    Reply,
    Seen,
    Unavailable,
    Vouched,
)
from dispatch.posts.ems import booking, trace
from dispatch.posts.ems.codes import OPERATIONS
from dispatch.posts.ems.envelope import EnvelopeError, unwrap, wrap
from dispatch.posts.ems.times import wire_time
from dispatch.settings import EmsAccount

ACCEPTED = booking.SUCCESS
ANSWER_MOST = 4_000_000  # bytes: a label in Base64 is the longest answer that EMS gives
NOT_ACCEPTED = "S00001"  # what receivers answer on an error (CARRIERS §1.7, M)
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.LocalProtocolError)


@dataclass(frozen=True)
class Ems:
    """The carrier `ems`. `now` stamps the envelope; the business text inside does not depend on it."""

    account: EmsAccount
    client: httpx2.Client
    now: Callable[[], datetime]
    name: str = field(default="ems", init=False)
    title: str = field(default="中国邮政 EMS", init=False)

    @property
    def means(self) -> Means:
        """EMS has no look-up by our order number (CARRIERS §1.5)."""
        return Means.REPEAT if self.account.repeats_are_idempotent else Means.WAIT

    def booking(self, order: Order) -> Call:
        return self._call(booking.OPERATION, booking.order_text(order, self.account))

    def again(self, call: Call, kept: str) -> Call:
        return self._call(call.operation, kept)

    def question(self, waybill_no: str) -> Call:
        return self._call(trace.QUESTION, trace.question_text(waybill_no))

    def _call(self, operation: str, text: str) -> Call:
        account = self.account
        return Call(
            operation,
            text,
            {
                "apiCode": operation,
                "senderNo": account.sender_no,
                "authorization": account.authorization.get_secret_value(),
                "msgType": "0",
                "timeStamp": wire_time(self.now()),
                "version": "V1.0.0",
                "logitcsInterface": wrap(text, account.sk.get_secret_value()),
            },
        )

    def code_name(self, code: str) -> str:
        return OPERATIONS.get(code, ("",))[0]

    def is_number(self, text: str) -> bool:
        return booking.is_waybill_no(text)

    def speak(self, call: Call) -> Answer:
        try:
            with self.client.stream("POST", self.account.endpoint, data=dict(call.form)) as response:
                content = self._whole(response)
        except NEVER_SENT as error:
            raise Unavailable("连不上寄递企业的接口，请求没有送出。") from error
        except httpx2.HTTPError as error:
            raise InDoubt("请求已送出，但没有等到寄递企业的答复。") from error
        # JSON is UTF-8 (RFC 8259) whatever the header claims; a claimed set may be one that decodes nothing.
        return Answer(response.status_code, content.decode(errors="replace"))

    def _whole(self, response: httpx2.Response) -> bytes:
        """The body, within the time and size of an answer: one that drips would outlive the job's lease."""
        deadline, content = time.monotonic() + self.account.answer_seconds, b""
        for piece in response.iter_bytes():
            content += piece
            if len(content) > ANSWER_MOST or time.monotonic() > deadline:
                raise InDoubt("寄递企业的答复太长或太慢，没有读完。")
        return content

    def read_booking(self, answer: Answer, order_no: str) -> Booked:
        return booking.read_booking(answer, order_no, self.account)

    def read_trace(self, answer: Answer) -> tuple[Seen, ...]:
        return trace.read_trace(answer, self.account)

    def vouch(self, raw: bytes) -> Vouched:
        """Genuine is what opens under our key and is addressed to our number; EMS signs nothing else."""
        pushed = _json_object(raw)
        if str(pushed.get("senderNo") or "") != self.account.sender_no:
            raise NotVouched("协议客户号不是本中心的")
        if str(pushed.get("method") or "") != trace.PUSH:
            raise NotVouched("不是轨迹推送 040002")
        body = self._open(str(pushed.get("logitcsInterface") or ""))
        if not _is_object(body):
            raise NotVouched("密文打开后不是 JSON 对象")
        return Vouched(body, str(pushed.get("serialNo") or ""))

    def _open(self, wrapped: str) -> str:
        for sk in (self.account.sk, *self.account.retired_sk):
            try:
                return unwrap(wrapped, sk.get_secret_value())
            except EnvelopeError as error:
                reason = str(error)
        raise NotVouched(reason)

    def read_push(self, body: str) -> tuple[Seen, ...]:
        return (trace.read_event(json.loads(body)),)

    def acknowledge(self, reference: str) -> Reply:
        return self._reply(reference, ACCEPTED, "")

    def turn_away(self, reason: str) -> Reply:
        return self._reply("", NOT_ACCEPTED, reason)

    def _reply(self, reference: str, code: str, words: str) -> Reply:
        echo = {"serialNo": reference, "code": code, "codeMessage": words, "senderNo": self.account.sender_no}
        return Reply(200, echo)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        pushed = json.loads(raw)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise NotVouched("报文不是 JSON") from error
    if not isinstance(pushed, dict):
        raise NotVouched("报文不是 JSON 对象")
    return pushed


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def open_client(account: EmsAccount) -> httpx2.Client:
    """One client for the account, with a limit on every wait. Redirects are not followed."""
    timeout = httpx2.Timeout(account.answer_seconds, connect=account.connect_seconds)
    return httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False)
