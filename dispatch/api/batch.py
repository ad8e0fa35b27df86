"""What is asked of the database at the same moment is asked together: pushes are committed, pages looked up.

One thread at a time works; what arrives meanwhile is the next batch, a lone one waits for no timer, and nobody is
answered before his batch is done. One row that the database does not take fails alone.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import structlog

from dispatch.db import DATABASE_AWAY
from dispatch.errors import ZhuandiError

T = TypeVar("T")
R = TypeVar("R")
log = structlog.get_logger()

WAITING_MOST = 4_096
BYTES_MOST = 64_000_000
GATHER_SECONDS = 0.003
"""So long those that were answered together have to come again together; a lone one never waits for it."""
BATCH_MOST = 200
BATCH_BYTES = 8_000_000
ANSWER_SECONDS = 4.0
"""So long anybody waits for his batch: shorter than the server waits for its answers when it is told to leave."""
PROGRAM_LIMIT = "54"  # the class of SQLSTATE that lies with the row, although it is told as the server's trouble


class DoorBusyError(ZhuandiError):
    """Not known to be done: a push is not acknowledged then, and must be pushed again."""


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    item: T
    told: "asyncio.Future[R]"
    bytes: int
    result: R | None = None
    error: Exception | None = None


def _nothing(_: object) -> int:
    return 0


@dataclass
class Batch(Generic[T, R]):
    """One for each process and kind of work. `work` does some together and gives the result of each in their order:
    all of them, or none where it raises. `weigh`: the bytes of one while it waits."""

    work: Callable[[Sequence[T]], Sequence[R]]
    weigh: Callable[[T], int] = _nothing
    _waiting: deque[_Waiting[T, R]] = field(default_factory=deque, init=False)
    _bytes: int = field(default=0, init=False)  # of all that are not answered yet
    _count: int = field(default=0, init=False)
    _working: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _worker: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="batch")

    async def do(self, item: T) -> R:
        """Its result, once its batch is done. Raises DoorBusyError (full, or too slow), or why it was not done.

        What is given up here after its time may still be done: a push that is repeated then is the same row.
        """
        loop = asyncio.get_running_loop()
        waiting: _Waiting[T, R] = _Waiting(item, loop.create_future(), self.weigh(item))
        self._take_in(waiting)
        late = loop.call_later(ANSWER_SECONDS, _give_up, waiting.told)
        try:
            return await waiting.told
        finally:
            late.cancel()

    def close(self) -> None:
        """What waits is done, and then nothing more. For the end of the process, once nobody calls any more."""
        self._worker.shutdown()

    def _take_in(self, waiting: _Waiting[T, R]) -> None:
        with self._lock:
            if self._count >= WAITING_MOST or self._bytes + waiting.bytes > BYTES_MOST:
                raise DoorBusyError("同时等待处理的请求太多。请稍后再试。")
            self._count += 1
            self._bytes += waiting.bytes
            self._waiting.append(waiting)
            if self._working:
                return
            self._working = True
        self._worker.submit(self._do_all)

    def _do_all(self) -> None:
        while batch := self._next_batch():
            self._do(batch)
            with self._lock:
                self._count -= len(batch)
                self._bytes -= sum(one.bytes for one in batch)
            _tell(batch)
            if len(batch) > 1:
                time.sleep(GATHER_SECONDS)

    def _next_batch(self) -> list[_Waiting[T, R]]:
        batch: list[_Waiting[T, R]] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < BATCH_MOST:
                size += self._waiting[0].bytes
                if batch and size > BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
            self._working = bool(batch)
        return batch

    def _do(self, batch: Sequence[_Waiting[T, R]]) -> None:
        """Halves are tried alone until the row that is refused stands alone: the others lose nothing."""
        try:
            for one, result in zip(batch, self.work([one.item for one in batch]), strict=True):
                one.result = result
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those that wait, and the worker lives
            if len(batch) > 1 and _lies_with_a_row(error):
                middle = len(batch) // 2
                self._do(batch[:middle])
                self._do(batch[middle:])
                return
            log.warning("batch.not_done", count=len(batch), error=type(error).__name__)
            for one in batch:
                one.error = error


def _lies_with_a_row(error: Exception) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return not isinstance(error, DATABASE_AWAY) or state.startswith(PROGRAM_LIMIT)


def _give_up(told: "asyncio.Future[R]") -> None:
    if not told.done():
        told.set_exception(DoorBusyError("请求没有及时处理完。请再试一次。"))


def _tell(batch: Sequence[_Waiting[T, R]]) -> None:
    """Wake those that wait, once for each event loop."""
    loops = {one.told.get_loop() for one in batch}
    for loop in loops:
        mine = [one for one in batch if one.told.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_all, mine)


def _tell_all(batch: Sequence[_Waiting[T, R]]) -> None:
    for one in batch:
        if one.told.done():  # given up, or hung up
            continue
        if one.error is None:
            one.told.set_result(cast("R", one.result))
        else:
            one.told.set_exception(one.error)
