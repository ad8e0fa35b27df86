"""Group commit: pushes that arrive together are committed together, and none is answered before its commit.

One thread at a time writes; what arrives meanwhile is the next batch, so no push waits for a timer. One row that the
database does not take fails alone.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from dispatch.db import DATABASE_AWAY
from dispatch.errors import ZhuandiError
from dispatch.tracking.push import Arrival

log = structlog.get_logger()

WAITING_MOST = 4_096
BYTES_MOST = 64_000_000
BATCH_MOST = 200
BATCH_BYTES = 8_000_000
ANSWER_SECONDS = 4.0
"""So long a push waits for its commit: shorter than the server waits for its answers when it is told to leave."""
PROGRAM_LIMIT = "54"  # the class of SQLSTATE that lies with the row, although it is told as the server's trouble


class DoorBusyError(ZhuandiError):
    """Not known to be stored: it is not acknowledged, and must be pushed again."""


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    told: "asyncio.Future[None]"
    bytes: int
    error: Exception | None = None


@dataclass
class PushBatch:
    """One for each process. `store` writes some in one transaction: all of them, or none where it raises."""

    store: Callable[[Sequence[Arrival]], None]
    _waiting: deque[_Waiting] = field(default_factory=deque, init=False)
    _bytes: int = field(default=0, init=False)  # of all that are not answered yet
    _count: int = field(default=0, init=False)
    _writing: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _writer: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="pushes")

    async def keep(self, arrival: Arrival) -> None:
        """Returns once it is committed. Raises DoorBusyError (full, or too slow), or why it was not stored.

        What is given up here after its time may still be stored: then its repetition is the same row.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(arrival, loop.create_future(), len(arrival.raw) + len(arrival.body or b""))
        self._take_in(waiting)
        late = loop.call_later(ANSWER_SECONDS, _give_up, waiting.told)
        try:
            await waiting.told
        finally:
            late.cancel()

    def close(self) -> None:
        """What waits is written, and then nothing more. For the end of the process, once nobody calls any more."""
        self._writer.shutdown()

    def _take_in(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._count >= WAITING_MOST or self._bytes + waiting.bytes > BYTES_MOST:
                raise DoorBusyError("等待存下的推送太多。请稍后再推。")
            self._count += 1
            self._bytes += waiting.bytes
            self._waiting.append(waiting)
            if self._writing:
                return
            self._writing = True
        self._writer.submit(self._write_all)

    def _write_all(self) -> None:
        while batch := self._next_batch():
            self._write(batch)
            with self._lock:
                self._count -= len(batch)
                self._bytes -= sum(one.bytes for one in batch)
            _tell(batch)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < BATCH_MOST:
                size += self._waiting[0].bytes
                if batch and size > BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
            self._writing = bool(batch)
        return batch

    def _write(self, batch: Sequence[_Waiting]) -> None:
        """Halves are tried alone until the row that is refused stands alone: the others lose nothing."""
        try:
            self.store([one.arrival for one in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those that wait, and the writer lives
            if len(batch) > 1 and _lies_with_a_row(error):
                middle = len(batch) // 2
                self._write(batch[:middle])
                self._write(batch[middle:])
                return
            log.warning("pushes.not_stored", count=len(batch), error=type(error).__name__)
            for one in batch:
                one.error = error


def _lies_with_a_row(error: Exception) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return not isinstance(error, DATABASE_AWAY) or state.startswith(PROGRAM_LIMIT)


def _give_up(told: "asyncio.Future[None]") -> None:
    if not told.done():
        told.set_exception(DoorBusyError("推送没有及时存下。请再次推送。"))


def _tell(batch: Sequence[_Waiting]) -> None:
    """Wake those that wait, once for each event loop."""
    loops = {one.told.get_loop() for one in batch}
    for loop in loops:
        mine = [one for one in batch if one.told.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_all, mine)


def _tell_all(batch: Sequence[_Waiting]) -> None:
    for one in batch:
        if one.told.done():  # given up, or hung up
            continue
        if one.error is None:
            one.told.set_result(None)
        else:
            one.told.set_exception(one.error)
