"""How an event is told, alike in a push and in a trace (docs/by-hand.md)."""

import hashlib
import json
from typing import Final

import httpx2

from sandbox.by_hand.check import JsonObject
from sandbox.post import Event, Message, Parcel

AT_THE_SENDERS: Final = frozenset({"took", "on_way", "bringing_back", "brought_back"})


def event_of(parcel: Parcel, event: Event, number: str, order_no: str) -> JsonObject:
    """One event. ``number`` and ``order_no`` are given apart: a push may name somebody else's."""
    side = "sender" if event.code in AT_THE_SENDERS else "recipient"
    return {
        "id": f"{number}-{event.seq + 1}",
        "number": number,
        "order_no": order_no,
        "at": event.at,
        "code": event.code,
        "signer": event.extra.get("signer", ""),
        "note": event.extra.get("note", ""),
        "place": parcel.extra["places"][side],
    }


def body_of(message: Message) -> bytes:
    """The push of a message; all that is due together in one."""
    events = [event_of(news.parcel, news.event, news.number, news.order_no) for news in message.news]
    return json.dumps({"operation": "news", "id": id_of(message), "events": events}, ensure_ascii=False).encode()


def id_of(message: Message) -> str:
    """The same for the same pushes sent again together, another for any other set of them."""
    serials = ",".join(news.serial_no for news in message.news)
    return hashlib.sha256(serials.encode()).hexdigest()[:32]


def is_taken(message: Message, response: httpx2.Response) -> bool:
    """True for HTTP 200 with ``{"ok": true, "id": <echo>}``."""
    if response.status_code != httpx2.codes.OK:
        return False
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("ok") is True and body.get("id") == id_of(message)
