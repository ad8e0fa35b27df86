"""The only place where real things are chosen."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

import dramatiq
import psycopg
import structlog
from dramatiq_postgres import PostgresBroker
from dramatiq_postgres.schema import init
from sqlalchemy import make_url

from dispatch.db import connect, sessions
from dispatch.errors import ZhuandiError
from dispatch.key_mark import check_key
from dispatch.posts.ems.account import Ems, open_client
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault, read_or_make_key
from dispatch.world import World

KEY_FILE = "vault.key"
log = structlog.get_logger()


class Doorbell:
    """Rings through a dramatiq broker, whichever it is: one message with the job's name, and nothing else.

    A thread of its own rings, because a broker that is away may hold its caller for minutes; names that come while
    it rings are rung once.
    """

    def __init__(self, broker: dramatiq.Broker, queues: "Queues") -> None:
        self._broker = broker
        self._queues = queues
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._ringing = False
        self._leaving = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="doorbell")
        self._thread.start()

    def ring(self, names: Collection[str]) -> None:
        """Ring soon; never waits, never raises. A bell that cannot be rung is rung by the clock."""
        with self._changed:
            self._waiting.update(names)
            self._changed.notify_all()

    def close(self, seconds: float = 2) -> None:
        """Ring what still waits, for so long at the most."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._ringing), seconds)
            self._leaving = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._ringing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._leaving)
                if self._leaving:
                    return
                names, self._waiting, self._ringing = sorted(self._waiting), set(), True
            for name in names:
                self._ring_one(name)

    def _ring_one(self, name: str) -> None:
        # The name too may be unknown (a job of another version): it must not end the thread, and with it every bell.
        try:
            message: dramatiq.Message[None] = dramatiq.Message(
                queue_name=self._queues(name), actor_name=name, args=(), kwargs={}, options={}
            )
            self._broker.enqueue(message)
        except Exception as error:  # noqa: BLE001 - whatever the broker's own library raises
            log.warning("bell.not_rung", job=name, error=type(error).__name__)


class Queues(Protocol):
    """The queue of a job, by its name."""

    def __call__(self, name: str) -> str: ...


def now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


def make_vault(settings: Settings) -> Vault:
    """Keys from the settings; without any, one of its own in the home folder."""
    if settings.vault_keys:
        return Vault(tuple(bytes.fromhex(key.get_secret_value()) for key in settings.vault_keys))
    key_file = settings.home / KEY_FILE
    if not key_file.exists():
        log.warning("vault.key_made", file=str(key_file), advice="没有它，已存的个人信息就打不开：请另行备份")
    return Vault((read_or_make_key(key_file),))


def make_broker(settings: Settings) -> dramatiq.Broker:
    """The broker of this URL. Retries and delays stay with the job's row, so no middleware is needed."""
    url = make_url(settings.broker_url or database_url(settings))
    if url.get_backend_name() != "postgresql":
        raise ZhuandiError(f"消息队列 {url.get_backend_name()} 尚不支持，请用 PostgreSQL。")
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    broker: dramatiq.Broker = PostgresBroker(url=plain, results=False, middleware=[])
    return broker


def prepare_broker(settings: Settings) -> None:
    """What the broker needs before its first message; may be repeated."""
    url = make_url(settings.broker_url or database_url(settings)).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        init(connection.cursor())


def database_url(settings: Settings) -> str:
    """The database's address with our driver. Raises ZhuandiError where none is set (the embedded one sets it)."""
    if not settings.database_url:
        raise ZhuandiError("没有设置 DATABASE_URL，内嵌数据库也没有启动。请用 `zhuandi up`，或设置 DATABASE_URL。")
    url = make_url(settings.database_url)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def make_world(settings: Settings, broker: dramatiq.Broker, queues: Queues) -> Iterator[World]:
    """The whole service, ready for a door, a worker or a command; everything it opened is closed at the end."""
    engine, bell, client = connect(database_url(settings)), Doorbell(broker, queues), open_client(settings.ems)
    try:
        world = World(
            settings=settings,
            sessions=sessions(engine),
            vault=make_vault(settings),
            carriers={"ems": Ems(settings.ems, client, now)},
            typefaces=Typefaces(settings.home / "typefaces"),
            bell=bell,
            now=now,
        )
        check_key(world)
        yield world
    finally:
        bell.close()
        broker.close()
        client.close()
        engine.dispose()
