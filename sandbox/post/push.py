"""Tell the customer what happened, until it is acknowledged."""

import logging
import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import httpx2

from sandbox.post import rounds
from sandbox.post.clock import now_ms
from sandbox.post.faults import Switches
from sandbox.post.ledger.books import Books
from sandbox.post.protocol import Message, PostProtocol
from sandbox.post.rounds import Batch

log = logging.getLogger(__name__)

LINES: Final = 8  # push calls under way at once
LINES_FOR_REPEATS: Final = 4  # so that receivers who never acknowledge cannot hold up fresh news
TIMEOUT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 0.5
BUSY_SECONDS: Final = 0.05


class Pusher:
    """Sends every due push over a few lines, one call at a time for each parcel.

    All it knows is in the books, so whatever a killed process left unacknowledged is taken up again.
    """

    def __init__(self, books: Books, protocol: PostProtocol[Any], switches: Switches) -> None:
        """No line is opened before `start`."""
        self._books = books
        self._protocol = protocol
        self._switches = switches
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._pool = ThreadPoolExecutor(LINES, "push")
        self._clerk = threading.Thread(target=self._run, name="push-clerk", daemon=True)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[int, Batch] = {}  # by order id

    def start(self) -> None:
        """Begin with what is due."""
        if self._protocol.play.pushes:
            self._clerk.start()

    def wake(self) -> None:
        """There may be something to push."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the calls under way (each ends within its time limit) and begin no other."""
        self._stopping.set()
        self._wake.set()
        if self._clerk.is_alive():
            self._clerk.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            nap_seconds = IDLE_SECONDS
            try:
                for batch in self._take():
                    self._pool.submit(self._deliver, batch).add_done_callback(_complain)
                nap_seconds = self._nap_seconds()
            except sqlite3.Error:  # a full disk, say: it may pass, and the pushes wait in the books
                log.exception("the books cannot be read")
            self._wake.wait(nap_seconds)

    def _take(self) -> list[Batch]:
        """Due pushes of parcels that have none under way: fresh ones first, repeats on their own lines."""
        rounds.meet_their_fate(self._books, self._switches, self._protocol.settings.late_seconds)
        taken: list[Batch] = []
        for again in (False, True):
            with self._lock:
                busy = list(self._under_way)
            due = rounds.due(self._books, busy, again=again)
            for batch in rounds.batches(due, self._protocol, again=again):
                with self._lock:
                    if self._has_line(batch):
                        self._under_way.update(dict.fromkeys(batch.parcels, batch))
                        taken.append(batch)
        return taken

    def _has_line(self, batch: Batch) -> bool:
        under_way = set(map(id, self._under_way.values()))
        repeats = {id(other) for other in self._under_way.values() if other.again}
        free = len(under_way) < LINES and not (batch.again and len(repeats) >= LINES_FOR_REPEATS)
        return free and not batch.parcels & self._under_way.keys()

    def _nap_seconds(self) -> float:
        next_ms = rounds.next_ms(self._books)
        if next_ms is None:
            return IDLE_SECONDS
        return min(max((next_ms - now_ms()) / 1000, BUSY_SECONDS), IDLE_SECONDS)

    def _deliver(self, batch: Batch) -> None:
        acknowledged = False
        try:
            try:
                acknowledged = self._try(batch)
            finally:
                rounds.note(self._books, batch, self._protocol, acknowledged=acknowledged)
        finally:
            with self._lock:
                for order_id in batch.parcels:
                    del self._under_way[order_id]
            self._wake.set()

    def _try(self, batch: Batch) -> bool:
        message = rounds.message(self._books, batch, self._protocol)
        try:
            return self._protocol.acknowledges(message, self._send(message))
        except httpx2.HTTPError as error:
            log.info("push %s not delivered: %s", message.news[0].serial_no, type(error).__name__)
            return False

    def _send(self, message: Message) -> httpx2.Response:
        request = self._protocol.push(message)
        headers = {"Content-Type": request.content_type, **request.headers}
        return self._client.post(request.url, content=request.body, headers=headers)


def _complain(done: Future[None]) -> None:
    """A pool keeps what went wrong to itself unless it is asked."""
    if not done.cancelled() and (error := done.exception()):
        log.error("a push failed in an unexpected way", exc_info=error)
