"""The desk's four calls, and the signature of its pushes (docs/by-hand.md)."""

import threading
from collections.abc import Callable
from typing import ClassVar, Final

import httpx2

from sandbox.by_hand import check, news
from sandbox.by_hand.check import JsonObject, RefusedError
from sandbox.by_hand.scenarios import PLAY
from sandbox.by_hand.settings import ByHandSettings
from sandbox.by_hand.signature import HEADER, WINDOW_SECONDS, fault, now_seconds, signature
from sandbox.post import (
    PUSH_FAULTS,
    Answer,
    Call,
    Door,
    Draft,
    Message,
    Orders,
    Outcome,
    Parcel,
    Play,
    PostProtocol,
    PushRequest,
)

PATHS: Final = {
    "book": "/by-hand/book",
    "look_up": "/by-hand/look-up",
    "cancel": "/by-hand/cancel",
    "trace": "/by-hand/trace",
}
NOBODYS_KEY: Final = "nobody shares this key"


class ByHand(PostProtocol[ByHandSettings]):
    """Signed JSON both ways; several events in a push where they are due together."""

    play: ClassVar[Play] = PLAY
    pushes_at_once: ClassVar[int] = 20
    push_faults: ClassVar[tuple[str, ...]] = PUSH_FAULTS

    def __init__(self, settings: ByHandSettings, orders: Orders) -> None:
        """The calls are a table."""
        super().__init__(settings, orders)
        self._calls = {"book": self._book, "look_up": self._look_up, "cancel": self._cancel, "trace": self._trace}
        self._lock = threading.Lock()
        self._held_up: set[str] = set()  # ids of messages that have come too late once

    def doors(self) -> tuple[Door, ...]:
        """One path for each operation."""
        return tuple(Door(path, self._at(operation), key=_key) for operation, path in PATHS.items())

    def push(self, message: Message) -> PushRequest:
        """``news``, signed at this moment: a repeat is signed anew."""
        body = news.body_of(message)
        headers = {HEADER: self._sealed(message, body)}
        return PushRequest(self.settings.push_url, body, "application/json", headers)

    def acknowledges(self, message: Message, response: httpx2.Response) -> bool:
        """True for HTTP 200 with ``{"ok": true, "id": <echo>}``."""
        return news.is_taken(message, response)

    def _sealed(self, message: Message, body: bytes) -> str:
        """There is no previous key here: an old signature is one whose time is over, until it is made anew."""
        late = message.seal == "old" and self._is_first(news.id_of(message))
        key = NOBODYS_KEY if message.seal == "wrong" else self.settings.key
        return signature(key, now_seconds() - 2 * WINDOW_SECONDS * late, body)

    def _is_first(self, message_id: str) -> bool:
        with self._lock:
            is_first = message_id not in self._held_up
            self._held_up.add(message_id)
        return is_first

    def _at(self, operation: str) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            try:
                said = self._calls[operation](self._body(call, operation))
            except RefusedError as error:
                return Answer.of_json({"ok": False, "code": error.code, "words": error.words}, error.status)
            return Answer.of_json({"ok": True, **said})

        return answer

    def _body(self, call: Call, operation: str) -> JsonObject:
        """The body, once its signature is known to be right; one signed for another address is refused."""
        if words := fault(self.settings.key, call.headers.get(HEADER.lower(), ""), call.body):
            raise RefusedError(401, "bad_signature", words)
        try:
            body = call.json()
        except ValueError:
            check.bad_field("JSON")
        if not isinstance(body, dict):
            check.bad_field("JSON")
        if body.get("operation") != operation:
            check.bad_field("operation")
        return body

    def _book(self, body: JsonObject) -> JsonObject:
        order = check.order_in(body)
        places = {side: order[side]["city"] + order[side]["county"] for side in ("sender", "recipient")}
        hint = order["recipient"]["phone"]
        placed = self.orders.place(
            Draft(order_no=order["order_no"], content=order, hint=hint, extra={"places": places})
        )
        if placed.outcome is Outcome.OTHER_CONTENT:
            raise RefusedError(409, "other_content", "订单号已存在且内容不一致")
        if placed.parcel.cancelled_ms is not None:
            raise RefusedError(409, "cancelled", "订单已撤销，不再受理")
        # This protocol has no error for a repeat: whatever else became of the call, it is the same answer again.
        return _told(placed.parcel)

    def _look_up(self, body: JsonObject) -> JsonObject:
        parcel = self._ordered(body)
        return {**_told(parcel), "cancelled": parcel.cancelled_ms is not None}

    def _cancel(self, body: JsonObject) -> JsonObject:
        parcel = self._ordered(body)
        if body.get("number", "") not in ("", *parcel.numbers):
            check.bad_field("number")
        if not self.orders.cancel(parcel):
            raise RefusedError(409, "already_taken", "已取件，不能撤单")
        return {}

    def _trace(self, body: JsonObject) -> JsonObject:
        parcel = self.orders.by_number(check.text_in(body, "number"))
        if parcel is None:
            raise RefusedError(404, "no_such_number", "没有这个单号")
        history = self.orders.history(parcel)
        events = [news.event_of(parcel, event, event.number, parcel.order_no) for event in history]
        return {"number": parcel.number, "events": events}

    def _ordered(self, body: JsonObject) -> Parcel:
        parcel = self.orders.find(check.text_in(body, "order_no"))
        if parcel is None:
            raise RefusedError(404, "no_such_order", "没有这张订单")
        return parcel


def _told(parcel: Parcel) -> JsonObject:
    return {"number": parcel.number, "order_no": parcel.order_no}


def _key(call: Call) -> str:
    """Operation and order number or number: what a storm's draws are repeated by."""
    body = call.json()
    return f"{body['operation']}:{body.get('order_no') or body['number']}"
