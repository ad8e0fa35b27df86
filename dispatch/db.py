"""The database as every room sees it: one declarative base, row ids, aware times."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import DateTime, Engine, LargeBinary, MetaData, String, create_engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker
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
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=10,
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=20000",
        },
        hide_parameters=True,
    )


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep loaded values after the commit, so that a service can speak without a transaction."""
    return sessionmaker(engine, expire_on_commit=False)
