"""A customer of the sandbox desk, and the customer's door for its news, both written from the protocol alone."""

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from sandbox import ByHandSettings
from tests.posts.sandbox_steps import Arrived, are_through, caller, push_door

KEY = "钥匙-by-hand"
WINDOW_SECONDS = 300
NUMBERS = itertools.count(1)


def signed(raw: bytes, key: str = KEY, late: int = 0) -> str:
    """The header of docs/by-hand.md, written from the document."""
    seconds = int(time.time()) - late
    return f"{seconds}:" + hmac.new(key.encode(), str(seconds).encode() + b"\n" + raw, hashlib.sha256).hexdigest()


def genuine(header: str, raw: bytes) -> bool:
    """What a receiver has to check: the signature, and its time."""
    late = int(time.time()) - int(header.partition(":")[0])
    return header == signed(raw, late=late) and abs(late) <= WINDOW_SECONDS


def order(digits: str, **changes: Any) -> dict[str, Any]:
    """The body of an order; the digits choose its story."""
    town = {"province": "浙江省", "city": "丽水市", "county": "景宁畲族自治县", "postcode": ""}
    return {
        "order_no": f"ZDHAND{next(NUMBERS):012d}",
        "created_at": "2026-11-23 09:00:00",
        "sender": {"name": "县政务服务中心", "phone": "0578-5082345", "address": "人民中路1号", **town},
        "recipient": {"name": "蓝小雨", "phone": f"139000000{digits}", "address": "团结西路8号", **town},
        "contents": ["食品经营许可证"],
        "way": "door",
        "way_of_delivery": "须上门投递",
        "case_nos": ["331127202611220001"],
        **changes,
    }


@dataclass(frozen=True)
class Push:
    """One push call as it came, and how it was answered."""

    body: dict[str, Any]
    genuine: bool
    status: int


class Receiver:
    """Our door: refuses what is not genuine; `refuse` says how many genuine pushes it refuses first."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.refuse = 0
        self._lock = threading.Lock()

    def take(self, header: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        body, good = json.loads(raw), genuine(header, raw)
        with self._lock:
            refused = not good or self.refuse > 0
            self.refuse -= good and self.refuse > 0
            self.pushes.append(Push(body, good, 401 if refused else 200))
        return (401, {"ok": False}) if refused else (200, {"ok": True, "id": body["id"]})

    def about(self, number: str) -> list[Push]:
        with self._lock:
            return [push for push in self.pushes if number in {event["number"] for event in push.body["events"]}]

    def events(self, number: str) -> list[dict[str, Any]]:
        """What was taken of a number, in the order it came."""
        taken = [event for push in self.about(number) if push.status == 200 for event in push.body["events"]]
        return [event for event in taken if event["number"] == number]


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()

    def answer(push: Arrived) -> tuple[int, bytes]:
        status, ack = receiver.take(push.headers["X-Signature"], push.body)
        return status, json.dumps(ack).encode()

    with push_door(answer) as door:
        yield receiver, door.url


def settings_for(storage: Path, push_url: str, **changes: Any) -> ByHandSettings:
    told = {"host": "127.0.0.1", "port": 0, "storage": storage, "push_url": push_url, "key": KEY, "seed": 7}
    waits = {"gap_seconds": 1.0, "push_retry_seconds": 0.05, "lost_answer_seconds": 0.2, "late_seconds": 0.5}
    return ByHandSettings(**{**told, **waits, **changes})


class Customer:
    """A caller of one desk."""

    def __init__(self, url: str) -> None:
        self.http = caller(url)

    def send(self, path: str, raw: bytes, header: str | None = None) -> httpx2.Response:
        headers = {"X-Signature": signed(raw) if header is None else header, "Content-Type": "application/json"}
        return self.http.post(f"/by-hand/{path}", content=raw, headers=headers)

    def call(self, operation: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        raw = json.dumps({"operation": operation, **fields}, ensure_ascii=False).encode()
        response = self.send(operation.replace("_", "-"), raw)
        return response.status_code, response.json()

    def book(self, body: dict[str, Any]) -> str:
        status, said = self.call("book", **body)
        assert (status, said) == (200, {"ok": True, "number": said["number"], "order_no": body["order_no"]})
        return str(said["number"])

    def trace(self, number: str) -> list[dict[str, Any]]:
        status, said = self.call("trace", number=number)
        assert (status, said["ok"], said["number"]) == (200, True, number)
        return list(said["events"])

    def collect(self, *numbers: str) -> dict[str, list[str]]:
        return dict(self.http.post("/counter/collect", json={"waybills": list(numbers)}).json())

    def spoil(self, **faults: list[str]) -> None:
        assert self.http.post("/faults", json=faults).status_code == 200

    def tries_to_book(self, body: dict[str, Any]) -> str:
        """The number, or nothing where the answer was lost, late or garbled: then it is asked for again."""
        try:
            return self.book(body)
        except (httpx2.HTTPError, ValueError, AssertionError):
            return ""

    def is_through(self, *numbers: str) -> bool:
        """Everything happened to these, and every push of them is done with."""
        return are_through(self.http, *numbers)


def told_as(events: list[dict[str, Any]]) -> list[str]:
    """Code and signer of each event."""
    return [f"{event['code']} {event['signer']}".strip() for event in events]


@contextmanager
def visiting(url: str) -> Iterator[Customer]:
    customer = Customer(url)
    with customer.http:
        yield customer
