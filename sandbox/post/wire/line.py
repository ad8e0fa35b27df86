"""An HTTP connection on which an answer can be withheld: the customer hears nothing, then the line is dead."""

import asyncio
import itertools
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

DRIP_SECONDS: Final = 1.0  # between two bytes


class Line(H11Protocol):
    """A connection that the application can close without an answer; it finds it in ``scope["state"]``."""

    withheld = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put this line into the state that every request on it receives."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "line": self}

    def hang_up(self) -> None:
        """Close without a word."""
        self.transport.close()

    def drip(self, raw: bytes) -> None:
        """Send raw bytes, past the server's own writing."""
        self.transport.write(raw)

    def shutdown(self) -> None:
        """A line that will never be answered need not keep the server from closing."""
        if self.withheld:
            self.hang_up()
        else:
            super().shutdown()


class Withheld(Response):
    """No answer: the line hangs for some seconds, or until the caller gives up, and is closed."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` of silence."""
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Wait, hang up, and return only once the line is gone, or uvicorn would answer with a 500."""
        line: Line = scope["state"]["line"]
        line.withheld = True
        if not await _gone(receive, self._seconds):
            line.hang_up()
            await _gone(receive, None)


class Dripping(Response):
    """The right answer, one byte at a time, until the caller gives up: the last byte never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a byte, wait, send the next."""
        line: Line = scope["state"]["line"]
        line.withheld = True
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        for index in range(len(body) - 1):
            if await _gone(receive, DRIP_SECONDS):
                return
            await send({"type": "http.response.body", "body": body[index : index + 1], "more_body": True})
        await _gone(receive, None)


class DrippingHeaders(Response):
    """A good status and one header after the other, until the caller gives up: the answer never begins."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send a header, wait, send the next."""
        line: Line = scope["state"]["line"]
        line.withheld = True
        line.drip(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count(1):
            line.drip(b"X-Drip-%d: %d\r\n" % (number, number))
            if await _gone(receive, DRIP_SECONDS):
                return


async def _gone(receive: Receive, seconds: float | None) -> bool:
    """Wait for the caller to leave; False when it stays longer than that."""
    try:
        await asyncio.wait_for(_left(receive), seconds)
    except TimeoutError:
        return False
    return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
