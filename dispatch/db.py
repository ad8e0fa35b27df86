"""The database as every room sees it: one declarative base, row ids, aware times."""

import json
import time
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    DateTime,
    Dialect,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    TextClause,
    create_engine,
    event,
    literal,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, InternalError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)
"""Refused, lost, full, too slow, no free connection: nothing is wrong with what was asked."""


class Base(DeclarativeBase):
    """Every table of the service. Rooms declare their own tables; foreign keys point back along the road."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), bytes: LargeBinary, str: String}  # noqa: RUF012


RowId = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
"""Made before the insert, because a sealed column is bound to its row's id (see `vault.py`)."""


def connect(url: str) -> Engine:
    """An engine for `url` (postgresql+psycopg://…). Times travel as UTC; a dead connection is noticed."""
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_timeout=10,
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=20000",
        },
        hide_parameters=True,
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_ping_if_idle, engine.dialect))
    return engine


TRUSTED_SECONDS = 1.0
"""A connection that was used so recently is not asked whether it lives: that would be a third of a short transaction.
Where it died meanwhile the statement says so, and the pool lets go of all its connections."""
USED_AT = "used_at"


def _note_use(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[USED_AT] = time.monotonic()


def _ping_if_idle(dialect: Dialect, connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
    used_at = record.info.get(USED_AT)
    if used_at is None or time.monotonic() - used_at < TRUSTED_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep loaded values after the commit, so that a service can speak without a transaction."""
    return sessionmaker(engine, expire_on_commit=False)


def spelled(value: str) -> BindParameter[str]:
    """A word of ours that stands in the statement itself: the plan then knows how few rows have it.

    As a parameter, a stage that ten of a million envelopes are at is planned as if it were a twelfth of them.
    """
    return literal(value, String, literal_execute=True)


DIALECT = make_url("postgresql+psycopg://").get_dialect()()
"""Ours, for what is written as text."""


def insert_rows(session: Session, rows: Sequence[Base], *, once: str = "") -> set[UUID]:
    """Insert rows of one table in one statement; the ids of those that went in.

    `once`: a row whose value in this unique column stands there already stays out. Only what is set is written, and
    nothing is loaded. The statement hangs on the table alone, so it is prepared once for any number of rows: they
    travel as one document, because a parameter for each value costs more than all else.
    """
    if not rows:
        return set()
    told = [{key: value for key, value in vars(row).items() if not key.startswith("_")} for row in rows]
    columns = tuple(sorted({key for row in told for key in row}))
    table = Base.metadata.tables[rows[0].__tablename__]
    statement = _inserting(table, columns, once)
    return set(session.scalars(statement, {"rows": json.dumps(told, default=_plain)}))


@lru_cache(maxsize=64)
def _inserting(table: Table, columns: tuple[str, ...], once: str) -> TextClause:
    types = {name: table.c[name].type for name in columns}
    binary = {name for name, kind in types.items() if isinstance(kind, LargeBinary)}
    shape = ", ".join(f"{name} {'text' if name in binary else types[name].compile(DIALECT)}" for name in columns)
    values = ", ".join(f"decode({name}, 'hex')" if name in binary else name for name in columns)
    unless = f"ON CONFLICT ({once}) DO NOTHING" if once else ""
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} "  # noqa: S608 - names from our own tables
        f"FROM json_to_recordset(CAST(:rows AS json)) AS told ({shape}) {unless} RETURNING id"
    )


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)
