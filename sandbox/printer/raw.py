"""The raw port: each connection is a job, from its first byte to its end."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PIECE: Final = 64 * 1024
SIP: Final = 512
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER with no time: the line is cut, not closed


class Fault(StrEnum):
    """What is wrong with it."""

    NONE = "none"
    HANG = "hang"  # it takes the connection, and then nothing more happens
    CUT = "cut"  # the line breaks after some bytes
    SLOW = "slow"  # it reads in small sips, and all of it in the end


@dataclass
class RawPrinter:
    """`jobs`: what came, one for each connection that ended well; `torn`: what had come when a line broke."""

    listening: socket.socket
    fault: Fault = Fault.NONE
    cut_after: int = 1000
    jobs: list[bytes] = field(default_factory=list)
    torn: list[bytes] = field(default_factory=list)
    held: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        """Until the port is closed."""
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            if self.fault is Fault.HANG:
                self.held.append(line)
            else:
                with line:
                    self._take(line)

    def _take(self, line: socket.socket) -> None:
        told = bytearray()
        try:
            while piece := line.recv(SIP if self.fault is Fault.SLOW else PIECE):
                told += piece
                if self.fault is Fault.CUT and len(told) >= self.cut_after:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    self.torn.append(bytes(told))
                    return
        except OSError:
            self.torn.append(bytes(told))
            return
        self.jobs.append(bytes(told))


@contextmanager
def running_printer(fault: Fault = Fault.NONE, port: int = 0) -> Iterator[RawPrinter]:
    """A printer on 127.0.0.1 for as long as the block lasts; afterwards its port refuses."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        printer = RawPrinter(listening, fault)
        serving = threading.Thread(target=printer.serve, daemon=True)
        serving.start()
        try:
            yield printer
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # who waits in accept is woken
            listening.close()
            for line in printer.held:
                line.close()
            serving.join()
