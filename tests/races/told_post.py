"""A sandbox post whose parcels go on only when the test says so: the story of each is told one event at a time."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from dispatch.accounts import EmsAccount
from sandbox import Faults, running
from tests.parts import books_of

YEARS_MS = 10 * 365 * 86_400_000
"""So far away is what the test has not let happen yet."""
BEFORE_MS = 60_000
PUT_OFF = """
UPDATE events SET happens_ms = (SELECT collected_ms FROM orders WHERE id = order_id) - :before + 1000 * seq + :years
WHERE order_id = (SELECT order_id FROM numbers WHERE number = :number)
"""
HAPPENS = """
UPDATE events SET happens_ms = happens_ms - :years WHERE rowid = (
    SELECT rowid FROM events WHERE order_id = (SELECT order_id FROM numbers WHERE number = :number)
    AND happens_ms > (SELECT collected_ms FROM orders WHERE id = order_id) + :years / 2 ORDER BY seq LIMIT 1
)
"""


@dataclass(frozen=True)
class ToldPost:
    """The post's address and its books. Whatever it would push is lost on the way: the test brings the news."""

    url: str
    storage: Path

    def orders(self) -> list[dict[str, Any]]:
        """By its own books."""
        return list(httpx2.get(f"{self.url}/books", trust_env=False).raise_for_status().json()["orders"])

    def suffer(self, *faults: str) -> None:
        """What goes wrong with its next answers; without any, nothing does any more."""
        httpx2.post(f"{self.url}/faults", json={"answers": faults}, trust_env=False).raise_for_status()

    def collect(self, numbers: Sequence[str]) -> None:
        """The postman takes these; nothing of their stories has happened yet."""
        told = httpx2.post(f"{self.url}/counter/collect", json={"waybills": numbers}, trust_env=False)
        with closing(sqlite3.connect(self.storage, timeout=60)) as books, books:
            for number in told.raise_for_status().json()["collected"]:
                times = {"before": BEFORE_MS, "years": YEARS_MS}
                books.execute(PUT_OFF, times | {"number": number})

    def carry(self, number: str) -> bool:
        """The next event of this parcel happens; False where its story is over."""
        with closing(sqlite3.connect(self.storage, timeout=60)) as books, books:
            return books.execute(HAPPENS, {"years": YEARS_MS, "number": number}).rowcount == 1


@contextmanager
def told_post(storage: Path, account: EmsAccount) -> Iterator[ToldPost]:
    """A post with empty books at `storage`; a lost answer is a line that goes dead at once."""
    faults = Faults(lost=1.0, duplicate_error=0.3)
    told = books_of(account, storage, lost_answer_seconds=0, faults=faults)
    with running(told) as server:
        yield ToldPost(server.url, storage)
