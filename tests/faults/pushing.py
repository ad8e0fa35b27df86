"""Posts that push without a pause, and what each push was answered."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from sqlalchemy import select

from dispatch.accounts import EmsAccount
from dispatch.tracking.push import Push
from dispatch.world import World
from tests.doors.conftest import sealed_push

BROKEN = 0
"""No answer at all: nothing is known of such a push."""


@dataclass
class Pushing:
    """Every push is another one; whoever is refused goes on with the next."""

    url: str
    account: EmsAccount
    _told: dict[bytes, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def push(self, client: httpx2.Client) -> int:
        """One; its status."""
        raw = sealed_push(self.account, serialNo=f"{next(self._number):032x}")
        try:
            status = client.post(f"{self.url}/pushes/ems", content=raw).status_code
        except httpx2.HTTPError:
            status = BROKEN
        with self._lock:
            self._told[raw] = status
        return status

    @contextmanager
    def going_on(self, threads: int = 8) -> Iterator[None]:
        """So many senders at once, until the end of the block."""
        over = threading.Event()

        def send() -> None:
            with httpx2.Client(timeout=60, trust_env=False) as client:
                while not over.is_set():
                    self.push(client)

        senders = [threading.Thread(target=send) for _ in range(threads)]
        for sender in senders:
            sender.start()
        try:
            yield
        finally:
            over.set()
            for sender in senders:
                sender.join()

    def counts(self) -> Counter[int]:
        """How many were answered with which status."""
        with self._lock:
            return Counter(self._told.values())

    def missing(self, world: World) -> int:
        """So many were acknowledged and are not there."""
        with world.reading() as session:
            stored = set(session.scalars(select(Push.digest)))
        with self._lock:
            taken = [raw for raw, status in self._told.items() if status == httpx2.codes.OK]
        return sum(world.vault.digest("push", raw.hex()) not in stored for raw in taken)
