"""040002 轨迹推送: tell the customer what happened, until it is acknowledged (CARRIERS §1.7)."""

import json
import logging
import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import httpx2

from sandbox.ems import envelope, trace
from sandbox.ems.books import Books
from sandbox.ems.settings import SandboxSettings

log = logging.getLogger(__name__)

LINES: Final = 8  # pushes under way at once
LINES_FOR_REPEATS: Final = 4  # so that receivers who never acknowledge cannot hold up fresh news
TIMEOUT_SECONDS: Final = 5.0
# EMS repeats a failed push, but when and how often is not published: growth and cap are unconfirmed.
GROWTH: Final = 2.0
LONGEST_WAIT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 0.5
BUSY_SECONDS: Final = 0.05

_DUE: Final = """
SELECT * FROM pushes WHERE acknowledged_ms IS NULL AND next_ms <= ?
AND order_id NOT IN (SELECT value FROM json_each(?)) AND attempts {} 0 ORDER BY next_ms, id LIMIT 64
"""
_FRESH: Final = _DUE.format("=")
_AGAIN: Final = _DUE.format(">")
_NEXT: Final = "SELECT min(next_ms) AS next_ms FROM pushes WHERE acknowledged_ms IS NULL"


class Pusher:
    """Sends every due push over a few lines, one at a time for each parcel.

    All it knows is in the books, so whatever a killed process left unacknowledged is taken up again.
    """

    def __init__(self, books: Books, settings: SandboxSettings) -> None:
        """No line is opened before `start`."""
        self._books = books
        self._settings = settings
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._pool = ThreadPoolExecutor(LINES, "push")
        self._clerk = threading.Thread(target=self._run, name="push-clerk", daemon=True)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[int, bool] = {}  # order id -> is this a repeat?

    def start(self) -> None:
        """Begin with what is due."""
        self._clerk.start()

    def wake(self) -> None:
        """There may be something to push."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the calls under way (each ends within its time limit) and begin no other."""
        self._stopping.set()
        self._wake.set()
        self._clerk.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            nap_seconds = IDLE_SECONDS
            try:
                for push in self._take():
                    self._pool.submit(self._deliver, push).add_done_callback(_complain)
                nap_seconds = self._nap_seconds()
            except sqlite3.Error:  # a full disk, say: it may pass, and the pushes wait in the books
                log.exception("the books cannot be read")
            self._wake.wait(nap_seconds)

    def _take(self) -> list[sqlite3.Row]:
        """Due pushes of parcels that have none under way: fresh ones first, repeats on their own lines."""
        with self._lock:
            values = (envelope.now_ms(), json.dumps(list(self._under_way)))
        due = self._books.rows(_FRESH, values) + self._books.rows(_AGAIN, values)
        taken: list[sqlite3.Row] = []
        with self._lock:
            for push in due:
                again = push["attempts"] > 0
                if push["order_id"] not in self._under_way and self._has_line(again=again):
                    self._under_way[push["order_id"]] = again
                    taken.append(push)
        return taken

    def _has_line(self, *, again: bool) -> bool:
        repeats = sum(self._under_way.values())
        return len(self._under_way) < LINES and not (again and repeats >= LINES_FOR_REPEATS)

    def _nap_seconds(self) -> float:
        next_ms: int | None = self._books.rows(_NEXT)[0]["next_ms"]
        if next_ms is None:
            return IDLE_SECONDS
        return min(max((next_ms - envelope.now_ms()) / 1000, BUSY_SECONDS), IDLE_SECONDS)

    def _deliver(self, push: sqlite3.Row) -> None:
        acknowledged = False
        try:
            try:
                acknowledged = self._try(push)
            finally:
                self._note(push, acknowledged=acknowledged)
        finally:
            with self._lock:
                del self._under_way[push["order_id"]]
            self._wake.set()

    def _try(self, push: sqlite3.Row) -> bool:
        try:
            return self._send(push)
        except httpx2.HTTPError as error:
            log.info("push %s not delivered: %s", push["serial_no"], type(error).__name__)
            return False

    def _send(self, push: sqlite3.Row) -> bool:
        event = trace.event_of_push(self._books, push["order_id"], push["seq"])
        message = {
            "logitcsInterface": envelope.seal(json.dumps(event, ensure_ascii=False), self._settings.sk),
            "method": "040002",
            "msgType": "0",
            "senderNo": self._settings.sender_no,
            "serialNo": push["serial_no"],
            "timeStamp": envelope.beijing(envelope.now_ms()),
            "version": "v1.0.0",
        }
        return is_acknowledged(self._client.post(self._settings.push_url, json=message), push["serial_no"])

    def _note(self, push: sqlite3.Row, *, acknowledged: bool) -> None:
        wait = self._settings.push_retry_seconds * GROWTH ** min(push["attempts"], 16)
        now = envelope.now_ms()
        next_ms = now + int(min(wait, LONGEST_WAIT_SECONDS) * 1000)
        with self._books.writing() as db:
            db.execute(
                "UPDATE pushes SET attempts = attempts + 1, next_ms = ?, acknowledged_ms = ? WHERE id = ?",
                (next_ms, now if acknowledged else None, push["id"]),
            )


def _complain(done: Future[None]) -> None:
    """A pool keeps what went wrong to itself unless it is asked."""
    if not done.cancelled() and (error := done.exception()):
        log.error("a push failed in an unexpected way", exc_info=error)


def is_acknowledged(response: httpx2.Response, serial_no: str) -> bool:
    """True for HTTP 200 with a bare ``{"serialNo": <echo>, "code": "00000", ...}`` and nothing else."""
    if response.status_code != httpx2.codes.OK:
        return False
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("code") == envelope.SUCCESS and body.get("serialNo") == serial_no
