"""The post's own books: one SQLite file that a kill -9 cannot take anything back from.

No name, telephone number or street is written here; of an order's content only a keyed digest is kept.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

VERSION: Final = 2

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO counters VALUES ('waybill', 0);
CREATE TABLE IF NOT EXISTS first_calls (order_no TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    order_no TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    scenario TEXT NOT NULL,
    extra TEXT NOT NULL,
    subscribed INTEGER NOT NULL,
    booked_ms INTEGER NOT NULL,
    collected_ms INTEGER,
    cancelled_ms INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS numbers (
    number TEXT PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders,
    place INTEGER NOT NULL,
    UNIQUE (order_id, place)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    order_id INTEGER NOT NULL REFERENCES orders,
    seq INTEGER NOT NULL,
    code TEXT NOT NULL,
    happens_ms INTEGER NOT NULL,
    number TEXT NOT NULL,
    extra TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, seq)
) STRICT;
CREATE TABLE IF NOT EXISTS pushes (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders,
    seq INTEGER NOT NULL,
    serial_no TEXT NOT NULL,
    next_ms INTEGER NOT NULL,
    fault TEXT,
    held INTEGER NOT NULL DEFAULT 0,
    more INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    closed_ms INTEGER,
    FOREIGN KEY (order_id, seq) REFERENCES events
) STRICT;
CREATE INDEX IF NOT EXISTS pushes_of_order ON pushes (order_id);
CREATE INDEX IF NOT EXISTS pushes_open ON pushes (next_ms) WHERE closed_ms IS NULL;
CREATE INDEX IF NOT EXISTS pushes_new ON pushes (next_ms) WHERE closed_ms IS NULL AND attempts = 0 AND fault IS NULL;
CREATE INDEX IF NOT EXISTS pushes_fresh ON pushes (next_ms) WHERE closed_ms IS NULL AND attempts = 0;
CREATE INDEX IF NOT EXISTS pushes_again ON pushes (next_ms) WHERE closed_ms IS NULL AND attempts > 0;
"""


class Books:
    """The SQLite file. One connection behind one lock: a sandbox has no need of more."""

    def __init__(self, storage: Path) -> None:
        """Open or create the file; FULL makes a commit durable before anybody is answered."""
        storage.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(storage, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._open_schema(storage)

    def _open_schema(self, storage: Path) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and version != VERSION:
            self._db.close()
            raise ValueError(f"{storage} was written by another version of the sandbox: delete it to begin anew")
        self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end of the block, undone when it raises."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Every row of one SELECT."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file; whatever is under way in another thread comes first."""
        with self._lock:
            self._db.close()
