"""What the tests of every sandbox post need: a poll with a deadline, and a customer's push door."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

DEADLINE_SECONDS = 60
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def until(condition: Callable[[], Any]) -> Any:
    """Poll until the condition gives something true: at first often, and the less often the longer it takes."""
    end = time.monotonic() + DEADLINE_SECONDS
    pause = 0.005
    while not (value := condition()):
        assert time.monotonic() < end, "the deadline passed"
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)
    return value


def caller(url: str) -> httpx2.Client:
    """A client of a post on the loopback. It loads no certificates: that takes longer than most of these tests.

    It uses no connection again that has been idle for long: the post may be closing it at that moment.
    """
    fresh = httpx2.Limits(keepalive_expiry=1.0)
    return httpx2.Client(base_url=url, trust_env=False, timeout=20, verify=NO_CERTIFICATES, limits=fresh)


def are_through(http: httpx2.Client, *names: str) -> bool:
    """Everything happened to these parcels, and every push of them is done with; by order or waybill number."""
    orders = http.get("/books").json()["orders"]
    entries = {name: entry for entry in orders for name in (entry["order_no"], *entry["numbers"])}
    return all(entries[name]["ended"] and entries[name]["unacknowledged_pushes"] == 0 for name in names)


@dataclass(frozen=True)
class Arrived:
    """One push as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class PushDoor:
    """A customer's door; `answer` decides what each push is told: (status, body)."""

    answer: Callable[[Arrived], tuple[int, bytes]]
    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, push: Arrived) -> tuple[int, bytes]:
        with self._lock:
            self.arrived.append(push)
        return self.answer(push)

    def all(self) -> list[Arrived]:
        with self._lock:
            return list(self.arrived)


@contextmanager
def push_door(answer: Callable[[Arrived], tuple[int, bytes]]) -> Iterator[PushDoor]:
    """A real HTTP server that takes pushes on every path."""
    door = PushDoor(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = door.take(Arrived(self.path, dict(self.headers), raw))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        door.url = f"http://127.0.0.1:{server.server_port}/push"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield door
        finally:
            server.shutdown()
            thread.join()
