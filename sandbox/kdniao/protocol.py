"""Kdniao's doors and its pushes (CARRIERS §3)."""

import json
import threading
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import urlencode

import httpx2

from sandbox.kdniao import envelope, told
from sandbox.kdniao.check import Wanted, wanted
from sandbox.kdniao.envelope import JsonObject, RefusedError
from sandbox.kdniao.scenarios import PLAY
from sandbox.kdniao.settings import KdniaoSettings
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

QUERIES: Final = frozenset({"1002", "8001", "8002"})
PUSH_TYPES: Final = {"1008": "101", "8008": "102"}
"""Subscription, and what its pushes are called."""
DOORS: Final = {
    "/Ebusiness/EbusinessOrderHandle.aspx": QUERIES,
    "/api/dist": frozenset({*PUSH_TYPES, "8001", "8002"}),
    "/kdniaosandbox/gateway/exterfaceInvoke.json": QUERIES | frozenset(PUSH_TYPES),
}
FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
NOBODYS_KEY: Final = "nobody shares this key"


class Kdniao(PostProtocol[KdniaoSettings]):
    """快递鸟: signed forms both ways; every push holds whole histories, of several parcels where they are due."""

    play: ClassVar[Play] = PLAY
    pushes_at_once: ClassVar[int] = 10
    tells_history: ClassVar[bool] = True
    push_faults: ClassVar[tuple[str, ...]] = PUSH_FAULTS

    def __init__(self, settings: KdniaoSettings, orders: Orders) -> None:
        """Subscriptions come one after another, so that of two that are alike one is the repeat."""
        super().__init__(settings, orders)
        self._subscribing = threading.Lock()

    def doors(self) -> tuple[Door, ...]:
        """Query, subscription, and the address where Kdniao's own sandbox takes everything."""
        return tuple(Door(path, self._at(types), key=envelope.about) for path, types in DOORS.items())

    def push(self, message: Message) -> PushRequest:
        """101 or 102 with DataSign; where parcels of both kinds go together it is 102."""
        settings = self.settings
        text = json.dumps(told.pushed(message.news, settings), ensure_ascii=False, separators=(",", ":"))
        keys = {
            "right": settings.app_key,
            "wrong": NOBODYS_KEY,
            "old": settings.old_app_key or settings.app_key,
        }
        form = {
            "RequestData": text,
            "RequestType": max(news.parcel.extra["push_type"] for news in message.news),
            "DataSign": envelope.data_sign(text, keys[message.seal]),
            "EBusinessID": settings.e_business_id,
        }
        return PushRequest(settings.push_url, urlencode(form).encode(), FORM)

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:  # noqa: ARG002 - it echoes nothing
        """True for HTTP 200 with a bare ``{"EBusinessID": ours, "UpdateTime": …, "Success": true, "Reason": …}``."""
        if response.status_code != httpx2.codes.OK:
            return False
        try:
            body = response.json()
        except (ValueError, RecursionError):
            return False
        if not isinstance(body, dict) or body.get("Success") is not True:
            return False
        time = body.get("UpdateTime")
        is_complete = isinstance(time, str) and is_time(time) and isinstance(body.get("Reason"), str)
        return is_complete and body.get("EBusinessID") == self.settings.e_business_id

    def throttled(self, call: Call) -> Answer:  # noqa: ARG002 - alike for every call
        """405 超次数."""
        return Answer.of_json(self._refusal(envelope.TOO_OFTEN))

    def _at(self, request_types: frozenset[str]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            try:
                asked = envelope.opened(call, self.settings, request_types)
                parcel = wanted(asked.body, self.settings)
                if asked.request_type in QUERIES:
                    return Answer.of_json(self._query(parcel))
                return Answer.of_json(self._subscribe(parcel, PUSH_TYPES[asked.request_type]))
            except RefusedError as error:
                return Answer.of_json(self._refusal(error.reason))

        return answer

    def _query(self, asked: Wanted) -> JsonObject:
        parcel = self.orders.by_number(asked.number)
        body = {
            "EBusinessID": self.settings.e_business_id,
            "OrderCode": asked.order_code,
            "ShipperCode": asked.shipper,
            "LogisticCode": asked.number,
            **told.answered(self.settings, self.orders.history(parcel) if parcel else ()),
        }
        if asked.newest_first:
            body["Traces"].reverse()
        return body

    def _subscribe(self, asked: Wanted, push_type: str) -> JsonObject:
        kept = {
            "shipper": asked.shipper,
            "order_code": asked.order_code,
            "callback": asked.callback,
            "push_type": push_type,
        }
        with self._subscribing:
            known = self.orders.by_number(asked.number)
            if known and known.subscribed and self.settings.repeat_order == "duplicate_error":
                raise RefusedError("重复订阅")
            self.orders.subscribe(asked.number, extra=kept)
        return {**self._said(), "Success": True, "Reason": "", "EstimatedDeliveryTime": ""}

    def _refusal(self, reason: str) -> JsonObject:
        return {**self._said(), "Success": False, "Reason": reason}

    def _said(self) -> JsonObject:
        return {"EBusinessID": self.settings.e_business_id, "UpdateTime": beijing(now_ms())}
