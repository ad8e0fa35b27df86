"""The raw line to a network printer (port 9100): bytes go there, and nothing of what comes back is read.

No printer says how many labels came out. What is known: nothing was sent, everything was taken, or it is unknown.
"""

import socket
import time

from dispatch.crash import Point, reach
from dispatch.errors import ZhuandiError

PIECE = 64 * 1024


class NotReachedError(ZhuandiError):
    """Nothing was sent: no connection came about."""


class CutError(ZhuandiError):
    """Something was sent, and whether the printer took all of it is unknown."""


def deliver(host: str, port: int, stream: bytes, *, connect_seconds: float, seconds: float) -> None:
    """Send all of it, and see the printer close its side: then it has taken everything.

    `host` is an address that was allowed (`printer.check_address`). `seconds` is the limit from the first byte to the
    end. Raises NotReachedError, CutError.
    """
    reach(Point.CONNECTING)
    try:
        line = socket.create_connection((host, port), connect_seconds)
    except OSError as error:
        raise NotReachedError(
            f"连不上打印机 {host}:{port}，一张也没有送出。请看看它是否开机、有纸、联网。"
        ) from error
    with line:
        _send(line, stream, time.monotonic() + seconds)
    reach(Point.ANSWERED)


def _send(line: socket.socket, stream: bytes, until: float) -> None:
    sent = 0
    try:
        while sent < len(stream):
            line.settimeout(_left(until))
            sent += line.send(memoryview(stream)[sent : sent + PIECE])
        line.shutdown(socket.SHUT_WR)
        reach(Point.SENT)
        while True:  # what it may say is let go by; its end says that it has read ours
            line.settimeout(_left(until))
            if not line.recv(PIECE):
                reach(Point.ACCEPTED)
                return
    except OSError as error:
        raise CutError("送到一半连接断了，或打印机迟迟没有收完，不知出了几张。") from error


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
