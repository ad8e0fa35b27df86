"""The doors on a real socket, served by a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class Served(uvicorn.Server):
    """A server that tells when its door is open."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, access_log=False, log_level="warning"))
        self.opened = threading.Event()

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.opened.set()

    @property
    def port(self) -> int:
        return self.servers[0].sockets[0].getsockname()[1]


@contextmanager
def served(app: ASGIApp) -> Iterator[Served]:
    """Open until the end of the block."""
    server = Served(app)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.opened.wait(60)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()
