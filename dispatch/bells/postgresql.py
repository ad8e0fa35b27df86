"""Bells in PostgreSQL: nothing else to install for a county."""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

import dramatiq
import psycopg
from dramatiq_postgres import PostgresBroker
from dramatiq_postgres.schema import init
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

MOST_CONNECTIONS = 200
"""Of one process, each opened when it is wanted. Every lane that is heard keeps one for ever, the ear for all of them
another, and a bell that was answered takes one for a moment: with the defaults so many serve 60 carriers that all
answer at once. The library's own 16 were all kept from 14 carriers on: no bell could be put away, and none rung.
"""
AWAY = "消息队列（PostgreSQL）连不上：任务照常保存，由时钟催办，会慢几十秒。请检查数据库。"


class PostgresBells(PostgresBroker):  # type: ignore[misc] # the library is not typed
    """One row for each bell: rung while it hangs, it is the same bell; rung while it is answered, it hangs again."""

    def enqueue(self, message: "dramatiq.Message[Any]", *, delay: int | None = None) -> "dramatiq.Message[Any]":
        """As the library's, but the row is named for the bell and not for the ringing."""
        once = message.copy(message_id=str(uuid5(NAMESPACE_OID, message.actor_name)))
        rung: dramatiq.Message[Any] = super().enqueue(once, delay=delay)
        return rung

    def get_declared_delay_queues(self) -> set[str]:
        """Nothing is delayed by a broker, so nobody listens there."""
        return set()


def make(url: str) -> dramatiq.Broker:
    """`url`: postgresql://…"""
    roomy = make_url(_plain(url)).update_query_dict({"maxconn": str(MOST_CONNECTIONS)})
    wide = roomy.render_as_string(hide_password=False)
    broker: dramatiq.Broker = PostgresBells(url=wide, results=False, middleware=[])
    return broker


def prepare(url: str) -> None:
    """The broker's own tables."""
    with psycopg.connect(_plain(url)) as connection:
        init(connection.cursor())


def weaknesses(url: str) -> list[str]:
    """Whether it answers; how safe the database is, is asked of the database."""
    try:
        psycopg.connect(_plain(url), connect_timeout=5).close()
    except psycopg.OperationalError:
        return [AWAY]
    return []


def _plain(url: str) -> str:
    """Raises ValueError for an option that PostgreSQL does not know."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError as error:
        raise ValueError("option") from error
    return plain
