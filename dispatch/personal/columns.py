"""Which columns are sealed: every column of bytes in every table, but for digests. None can be forgotten.

A new sealed column is found here by itself, and with it by the rotation of keys and by the erasing of what has had
its time. What is bytes and neither sealed nor called a digest must stand in `PLAIN`; a test opens all that is stored.
"""

from dataclasses import dataclass

from sqlalchemy import LargeBinary, Table

from dispatch.db import Base
from dispatch.tables import TABLES

assert TABLES  # noqa: S101 - importing them declares every table
PLAIN = frozenset({"audit_log.previous", "key_marks.mark"})
"""Keyed digests of another name."""
LAST = "digest_keys"
"""Re-sealed when nothing else is left under an old key: without that key the database is refused until then."""


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns; its rows have an `id`, to which what is sealed is bound."""

    table: Table
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """As the database calls it."""
        return self.table.name

    def may_be_empty(self, column: str) -> bool:
        """Whether nothing at all may stand in this column."""
        return bool(self.table.c[column].nullable)


def sealed_tables() -> list[SealedTable]:
    """Every table with sealed columns, by name, the key of the digests last."""
    found = [SealedTable(table, columns) for table in Base.metadata.tables.values() if (columns := _sealed_in(table))]
    return sorted(found, key=lambda one: (one.name == LAST, one.name))


def _sealed_in(table: Table) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in table.columns
        if isinstance(column.type, LargeBinary) and not column.name.endswith("digest") and str(column) not in PLAIN
    )
