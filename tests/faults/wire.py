"""A wire between a client and PostgreSQL that a test cuts at a COMMIT it chooses: its outcome is then unknown."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from sqlalchemy import URL, make_url

COMMIT = b"COMMIT\0"
"""The end of the question, and of the answer that it was done."""
Address = str | tuple[str, int]


class Cut(StrEnum):
    """Where the wire breaks."""

    UNHEARD = "before the server heard of it"
    UNTOLD = "after the server had done it"


class Wire:
    """Passes bytes on; at the COMMIT that it waits for it breaks, once."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._door = socket.create_server(("127.0.0.1", 0))
        self._left, self._cut = 0, Cut.UNHEARD
        self._lock = threading.Lock()
        self.broken = False
        threading.Thread(target=self._answer, daemon=True, name="wire").start()

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    def cut_at(self, number: int, cut: Cut) -> None:
        """At the COMMIT of this number from now on; the first is 1."""
        with self._lock:
            self._left, self._cut, self.broken = number, cut, False

    def close(self) -> None:
        self._door.close()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                kind = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
                server = socket.socket(kind)
                server.connect(self._server)
                _Line(self, client, server).open()

    def breaks(self, said: bytes) -> Cut | None:
        """Whether this is the COMMIT that it waits for."""
        if not said.endswith(COMMIT):
            return None
        with self._lock:
            self._left -= 1
            self.broken = self.broken or self._left == 0
            return self._cut if self._left == 0 else None


class _Line:
    """One connection, a thread for each direction."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire, self._client, self._server = wire, client, server
        self._mute = False

    def open(self) -> None:
        for work in (self._to_server, self._to_client):
            threading.Thread(target=work, daemon=True, name="wire").start()

    def _to_server(self) -> None:
        with suppress(OSError):
            while said := self._client.recv(65_536):
                cut = self._wire.breaks(said)
                if cut is Cut.UNHEARD:
                    break
                self._mute = self._mute or cut is Cut.UNTOLD
                self._server.sendall(said)
        self._hang_up()

    def _to_client(self) -> None:
        with suppress(OSError):
            while told := self._server.recv(65_536):
                if self._mute:  # the server answers only when it has done what it was asked
                    break
                self._client.sendall(told)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def wire_to(database_url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to this database, and the URL that leads over it."""
    url = make_url(database_url)
    wire = Wire(_address(url))
    over = url.set(host="127.0.0.1", port=wire.port, query={"sslmode": "disable", "gssencmode": "disable"})
    try:
        yield wire, over.render_as_string(hide_password=False)
    finally:
        wire.close()


def _address(url: URL) -> Address:
    """A socket in a folder, or host and port."""
    host, port = str(url.query.get("host") or url.host or "127.0.0.1"), url.port or 5432
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
