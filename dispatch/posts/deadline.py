"""One limit on a whole exchange. The client alone limits each wait: headers that drip would hold a call for ever.

An exchange that outlives its job's lease would be spoken a second time while the first still waits. Resolving the
name is the system's own wait and stands outside.
"""

import functools
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

PIECE = 16_384  # bytes that are sent under one look at the clock


class Clock(threading.local):
    """When this thread's exchange must be over: a thread speaks one at a time, and reads its answer itself."""

    ends = math.inf

    def start(self, seconds: float) -> None:
        """An exchange begins."""
        self.ends = time.monotonic() + seconds

    def left(self, most: float | None, late: type[httpcore2.TimeoutException]) -> float:
        """The seconds for the next wait, at most `most`. Raises `late` where the time is over."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("the exchange is over time")
        return left if most is None else min(left, most)


class TimedStream(httpcore2.NetworkStream):
    """A connection whose every wait ends with the exchange that uses it."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            piece = buffer[start : start + PIECE]
            self._stream.write(piece, self._clock.left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = self._clock.left(timeout, httpcore2.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore2.SyncBackend):
    """Connects in time, also to a name with many addresses of which the first do not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError(f"no address of {host}")
        for address in _addresses(host, port):
            try:
                left = self._clock.left(timeout, httpcore2.ConnectTimeout)
                stream = super().connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._clock)
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    """In the order in which they are to be tried. Raises httpcore2.ConnectError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(str(error)) from error
    return [str(address[0]) for *_, address in found]


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: read once, for all lines (20 ms of work each time)."""
    return httpx2.create_ssl_context(trust_env=False)


class TimedTransport(httpx2.HTTPTransport):
    """What httpx2 sends through, with `seconds` for each exchange, from connecting to the last byte of the answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(verify=trusted(), trust_env=False)
        self._seconds = seconds
        self._clock = Clock()
        # httpx2 has no door for a network of one's own; httpcore2 below it has.
        self._pool = httpcore2.ConnectionPool(
            trusted(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=TimedBackend(self._clock),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Start the clock: it runs until this thread's next request, through the answer's last byte."""
        self._clock.start(self._seconds)
        return super().handle_request(request)
