"""Requests against a server, from a process of their own: wrk where it is installed, else our own client."""

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rig.client import MARK
from bench.rig.measure import Round

NUMBER = MARK.decode()
"""Stands in a body where each request has another number of 32 digits."""
SCRIPT = Path(__file__).with_name("requests.lua")
ROUND_NUMBERS = 100_000_000
PATIENCE = 30.0
rounds = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of traffic, over so many connections. `pause`: seconds that a connection rests after an answer."""

    file: Path
    connections: int
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0


def write_requests(file: Path, requests: Iterable[tuple[str, str, str]]) -> Path:
    """Method, path, body (of one line) of each request that is sent in turn."""
    file.write_text("".join("\t".join(request) + "\n" for request in requests), encoding="utf-8")
    return file


def client() -> str:
    """Who asks, for the results."""
    return "wrk" if shutil.which("wrk") else "bench.rig.client"


def press(port: int, stream: Stream, seconds: float) -> Round:
    """One round of a stream alone: answers a second. Raises SystemExit where a single answer was not 2xx."""
    wrk = shutil.which("wrk")
    if wrk is None:
        told = mix(port, {"": stream}, seconds)
        found, bad = told["streams"][""], _bad(told["streams"][""])
        requests, took, p50, p99 = found["requests"], told["seconds"], found["p50_ms"], found["p99_ms"]
    else:
        requests, microseconds, bad, p50, p99 = _by_wrk(wrk, port, stream, seconds)
        took, p50, p99 = microseconds / 1e6, p50 / 1e3, p99 / 1e3
    if bad:
        raise SystemExit(f"{bad:.0f} answers of port {port} were not 2xx")
    return {"value": requests / took, "p50_ms": p50, "p99_ms": p99, "requests": requests}


def mix(port: int, streams: Mapping[str, Stream], seconds: float) -> dict[str, Any]:
    """All of them at once; what came of each, as our client tells it."""
    plan = {
        "port": port,
        "seconds": seconds,
        "patience": PATIENCE,
        "streams": {
            name: {
                "file": str(one.file),
                "connections": one.connections,
                "headers": dict(one.headers),
                "pause": one.pause,
                "first": next(rounds) * ROUND_NUMBERS,
            }
            for name, one in streams.items()
        },
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(plan, file)
        file.flush()
        command = [sys.executable, "-m", "bench.rig.client", file.name]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def _bad(found: Mapping[str, Any]) -> int:
    good = sum(count for status, count in found["statuses"].items() if status.startswith("2"))
    return int(found["requests"] - good + found["broken"])


def _by_wrk(wrk: str, port: int, stream: Stream, seconds: float) -> list[float]:
    url = f"http://127.0.0.1:{port}/"
    command = [wrk, "-t", "1", "-c", str(stream.connections), "-d", f"{seconds:.0f}s", "-s", str(SCRIPT), url, "--"]
    headers = [word for pair in stream.headers.items() for word in pair]
    words = [str(stream.file), str(next(rounds) * ROUND_NUMBERS), *headers]
    told = subprocess.run([*command, *words], capture_output=True, text=True, check=True)
    found = next(line.split() for line in told.stdout.splitlines() if line.startswith("FOUND"))
    return [float(word) for word in found[1:]]
