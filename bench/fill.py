"""A database as a county has it after years: `python -m bench.fill DATABASE_URL SHIPMENTS` (migrated, and empty).

So many shipments of one case and one document each, with all that grew on their road: `rig/fill.sql`, one statement a
table. Nearly all are closed, the last few are with the post. Sealed columns hold bytes that no key opens, those of
pushes fewer than usual. What only other carriers have (numbers allotted, their labels, errands) stays empty.
"""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

STATEMENTS = Path(__file__).with_name("rig") / "fill.sql"
OPEN_MOST, OPEN_SHARE = 3_000, 0.05
"""So many are still with the post: those of the last days."""
DAYS, JOBS_DAYS = 700, 90
"""Over so many days they came; jobs that are done are kept for the last of these."""
FUNCTIONS = f"""
    CREATE FUNCTION pg_temp.at(n bigint, total bigint, hours float DEFAULT 0) RETURNS timestamptz LANGUAGE sql STABLE
    RETURN now() - interval '1 day' * ({DAYS} * (total - n + 1.0) / total) + interval '1 hour' * hours;
    CREATE FUNCTION pg_temp.id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8000' || lpad(to_hex(n), 12, '0'))::uuid;
    CREATE FUNCTION pg_temp.key(what text, n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN sha256((what || n)::bytea);
    CREATE FUNCTION pg_temp.sealed(bytes int) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN decode(repeat('5a', bytes), 'hex');
    SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB';
"""
TABLE = re.compile(r"INSERT INTO (\w+)")
CONNECTIONS = 2
INDEXES = """
    SELECT c.relname AS name, t.relname AS owner, pg_get_indexdef(i.indexrelid) AS made, k.conname AS constrains,
           pg_get_constraintdef(k.oid) AS rule
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'u'
    WHERE t.relname = ANY(%s) AND t.relnamespace = 'public'::regnamespace AND NOT i.indisprimary
"""


def fill(url: str, shipments: int) -> None:
    """Fill a migrated, empty database of whose PostgreSQL we are the superuser."""
    statements = _statements(shipments)
    tables = tables_filled()
    with _without_indexes(url, tables):
        _at_once(url, statements)
    _at_once(url, [f"VACUUM (ANALYZE) {table}" for table in tables])


def tables_filled() -> list[str]:
    """The tables that grow with the shipments."""
    return [table for table in dict.fromkeys(TABLE.findall(STATEMENTS.read_text())) if table != "items"]


def _statements(shipments: int) -> list[str]:
    under_way = min(OPEN_MOST, int(shipments * OPEN_SHARE))
    told = {"first": 1, "last": shipments, "total": shipments, "open": under_way}
    told["jobs_of"] = shipments * JOBS_DAYS // DAYS
    text = STATEMENTS.read_text().partition("\n")[2]
    for name, value in told.items():
        text = text.replace(f"{{{name}}}", str(value))
    return [statement for statement in text.split(";\n") if statement.strip()]


@contextmanager
def _without_indexes(url: str, tables: Sequence[str]) -> Iterator[None]:
    """They are made anew at the end: row by row they would cost most of the time."""
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        found = connection.execute(INDEXES, [tables]).fetchall()
        for name, owner, _, constrains, _ in found:
            if constrains:
                connection.execute(f"ALTER TABLE {owner} DROP CONSTRAINT {constrains}")
            else:
                connection.execute(f"DROP INDEX {name}")
    yield
    made = [
        f"ALTER TABLE {owner} ADD CONSTRAINT {constrains} {rule}" if constrains else made
        for _, owner, made, constrains, rule in found
    ]
    _at_once(url, made)


def _at_once(url: str, statements: Sequence[str]) -> None:
    """All of them, two at a time; the first error is raised."""

    def run(statement: str) -> None:
        with psycopg.connect(_plain(url), autocommit=True) as connection:
            connection.execute(FUNCTIONS)
            connection.execute(statement)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(run, statements))


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    began = time.monotonic()
    fill(sys.argv[1], int(sys.argv[2]))
    print(f"{time.monotonic() - began:.0f} s")
