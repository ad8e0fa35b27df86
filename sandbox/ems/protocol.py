"""The open-platform door and the trace push (CARRIERS §1.1, §1.4, §1.7)."""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import httpx2

from sandbox.ems import booking, check, envelope, label, reach, trace
from sandbox.ems.envelope import JsonObject, Refusal, RefusedError
from sandbox.ems.scenarios import PLAY
from sandbox.ems.settings import EmsSettings
from sandbox.post import (
    PUSH_FAULTS,
    Answer,
    Call,
    Door,
    Message,
    Orders,
    Play,
    PostProtocol,
    PushRequest,
    beijing,
    is_time,
    now_ms,
)

OPEN_PATH: Final = "/amp-prod-api/f/amp/api/open"
TEST_PATH: Final = "/amp-prod-api/f/amp/api/test"
NOBODYS_KEY: Final = "c2FuZGJveCB3cm9uZyBrZQ=="  # what a wrongly sealed push is sealed with

Interface = Callable[[Any, Call], JsonObject | str]


class Ems(PostProtocol[EmsSettings]):
    """协议客户 API 开放平台: one door for every interface, one event in each push."""

    play: ClassVar[Play] = PLAY
    push_faults: ClassVar[tuple[str, ...]] = PUSH_FAULTS

    def __init__(self, settings: EmsSettings, orders: Orders) -> None:
        """The interfaces are a table."""
        super().__init__(settings, orders)
        self._interfaces: dict[str, Interface] = {
            "010004": lambda body, call: label.find(orders, body, call.base_url),
            "020003": lambda body, _: booking.place(orders, check.order_in(body, settings.sender_no)),
            "020006": lambda body, _: booking.cancel(orders, body),
            "030005": lambda body, _: reach.judge(body, settings.sender_no),
            "040001": lambda body, _: trace.query(orders, body),
        }

    def doors(self) -> tuple[Door, ...]:
        """The open platform and its test address, which are one here, and where labels are fetched."""
        return (
            Door(OPEN_PATH, self._open, key=self._key),
            Door(TEST_PATH, self._open, key=self._key),
            Door(label.PATH, lambda call: label.serve(self.orders, call), ("GET",), lambda call: call.path),
        )

    def push(self, message: Message) -> PushRequest:
        """040002; a push is sealed without the key text (CARRIERS §1.7)."""
        (news,) = message.news
        event = {"waybillNo": news.number, "orderNo": news.order_no, **trace.told(news.parcel, news.event)}
        if self.settings.push_detail:
            event |= trace.codes(news.event)
        sk = {"right": self.settings.sk, "wrong": NOBODYS_KEY, "old": self.settings.old_sk or self.settings.sk}
        body = {
            "logitcsInterface": envelope.seal(json.dumps(event, ensure_ascii=False), sk[message.seal]),
            "method": "040002",
            "msgType": "0",
            "senderNo": self.settings.sender_no,
            "serialNo": news.serial_no,
            "timeStamp": beijing(now_ms()),
            "version": "v1.0.0",
        }
        return PushRequest(self.settings.push_url, json.dumps(body).encode(), "application/json")

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:
        """True for HTTP 200 with a bare ``{"serialNo": <echo>, "code": "00000", ...}`` and nothing else."""
        if response.status_code != httpx2.codes.OK:
            return False
        try:
            body = response.json()
        except (ValueError, RecursionError):
            return False
        if not isinstance(body, dict) or body.get("code") != envelope.SUCCESS:
            return False
        return bool(body.get("serialNo") == message.news[0].serial_no)

    def _open(self, call: Call) -> Answer:
        try:
            form = _form(call)
            interface = self._check(form)
            body = envelope.open_request(form["logitcsInterface"], self.settings.sk)
            return Answer.of_json(envelope.success(interface(body, call)))
        except RefusedError as error:
            return Answer.of_json(envelope.refusal(error))

    def _key(self, call: Call) -> str:
        """Interface and order or waybill number: what a storm's draws are repeated by."""
        try:
            form = _form(call)
            body = envelope.open_request(form["logitcsInterface"], self.settings.sk)
        except RefusedError as error:
            raise ValueError(error.code) from error
        order = body[0] if isinstance(body, list) else body
        return f"{form['apiCode']}:{order.get('logisticsOrderNo') or order.get('waybillNo')}"

    def _check(self, form: Mapping[str, str]) -> Interface:
        for name in ("apiCode", "senderNo", "authorization", "msgType", "timeStamp", "logitcsInterface"):
            if not form.get(name):
                raise RefusedError(Refusal.ENVELOPE, name)
        if not _same(form["senderNo"], self.settings.sender_no):
            raise RefusedError(Refusal.SENDER)
        if not _same(form["authorization"], self.settings.authorization):
            raise RefusedError(Refusal.AUTHORIZATION)
        if form["msgType"] != "0":
            raise RefusedError(Refusal.ENVELOPE, "msgType")
        if not is_time(form["timeStamp"]):  # no window: EMS publishes none
            raise RefusedError(Refusal.ENVELOPE, "timeStamp")
        interface = self._interfaces.get(form["apiCode"])
        if interface is None:
            raise RefusedError(Refusal.API_CODE)
        return interface


def _form(call: Call) -> dict[str, str]:
    try:
        return call.form()
    except ValueError as error:
        raise RefusedError(Refusal.ENVELOPE, str(error)) from error


def _same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode(), own.encode())
