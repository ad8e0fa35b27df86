"""A client that asks over many connections at once: `python -m bench.rig.client PLAN`; the last line is JSON.

In place of wrk where that is not installed, and for mixed traffic, which wrk cannot send. Each connection asks anew
as soon as it is answered, or after its stream's pause.
"""

import asyncio
import json
import sys
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httptools
import uvloop

MARK = b"@" * 32
AGAIN_SECONDS = 0.1  # after a connection that broke


@dataclass
class Stream:
    """One kind of traffic: the requests it draws from in turn, and what came of them."""

    requests: list[bytes]
    number: int
    pause: float
    latencies: array = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    def next(self) -> bytes:
        self.number += 1
        return self.requests[self.number % len(self.requests)].replace(MARK, b"%032d" % self.number)

    def told(self) -> dict[str, object]:
        """What came of it, for whoever started the client."""
        ordered = sorted(self.latencies)
        told = {"requests": len(ordered), "statuses": dict(self.statuses), "broken": self.broken}
        if not ordered:
            return told
        parts = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
        places = {name: min(int(len(ordered) * part), len(ordered) - 1) for name, part in parts.items()}
        return told | {name: ordered[place] * 1000 for name, place in places.items()}


class Asker(asyncio.Protocol):
    """One connection of a stream."""

    def __init__(self, stream: Stream, leave: asyncio.Event) -> None:
        self.stream, self.leave = stream, leave
        self.loop = asyncio.get_running_loop()
        self.closed = self.loop.create_future()
        self.asking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.parser = httptools.HttpResponseParser(self)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.asking = False
        self.stream.latencies.append(time.perf_counter() - self.began)
        self.stream.statuses[self.parser.get_status_code()] += 1
        if not self.parser.should_keep_alive() or self.leave.is_set():
            self.transport.close()
            return
        self.parser = httptools.HttpResponseParser(self)
        if self.stream.pause:
            self.loop.call_later(self.stream.pause, self._ask)
        else:
            self.loop.call_soon(self._ask)

    def connection_lost(self, _error: Exception | None) -> None:
        self.stream.broken += self.asking
        if not self.closed.done():
            self.closed.set_result(None)

    def _ask(self) -> None:
        if self.leave.is_set() or self.transport.is_closing():
            self.transport.close()
            return
        self.began, self.asking = time.perf_counter(), True
        self.transport.write(self.stream.next())


async def _connected(stream: Stream, port: int, leave: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while not leave.is_set():
        try:
            _, asker = await loop.create_connection(lambda: Asker(stream, leave), "127.0.0.1", port)
        except OSError:
            stream.broken += 1
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        await asker.closed


async def _run(plan: dict[str, Any]) -> dict[str, object]:
    streams = {name: _stream(told) for name, told in plan["streams"].items()}
    leave = asyncio.Event()
    tasks = [
        asyncio.create_task(_connected(stream, plan["port"], leave))
        for name, stream in streams.items()
        for _ in range(plan["streams"][name]["connections"])
    ]
    began = time.perf_counter()
    await asyncio.sleep(plan["seconds"])
    leave.set()
    took = time.perf_counter() - began
    _, late = await asyncio.wait(tasks, timeout=plan["patience"])  # what is asked already is answered first
    for task in late:
        task.cancel()
    told = {name: stream.told() for name, stream in streams.items()}
    return {"seconds": took, "unanswered": len(late), "streams": told}


def _stream(told: dict[str, Any]) -> Stream:
    made = []
    for line in Path(told["file"]).read_text(encoding="utf-8").splitlines():
        method, path, body = line.split("\t", 2)
        raw = body.encode()
        headers = {"Host": "127.0.0.1", **told["headers"]}
        if raw:
            headers["Content-Length"] = str(len(raw))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        made.append(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + raw)
    return Stream(made, told["first"], told["pause"])


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.loads(Path(sys.argv[1]).read_text())))))
