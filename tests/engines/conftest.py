"""Brokers for the tests of this folder, each a server of its own; which of them ran, the closing lines say."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, Result, create_engine, text

from tests.engines.county import County
from tests.engines.servers import RabbitServer, RedisServer, Server
from tests.engines.used import ENGINES


@contextmanager
def started(kind: type[Server], folder: Path) -> Iterator[Server]:
    """A server of this kind, or the test is left out where its binary is not installed."""
    if kind.missing():
        ENGINES.left_out[kind.name] = f"install {kind.package}"
        pytest.skip(f"{kind.package} is not installed")
    server = kind(folder)
    server.start()
    ENGINES.used[kind.name] = server.version()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(autouse=True)
def _leave_no_socket() -> Iterator[None]:
    """A pika connection whose server died or hung leaves its sockets to the collector: within this test."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(RedisServer, tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(RabbitServer, tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


class TableOfBells(Server):
    """The default broker: tables of the database itself. It is emptied like any other; it stops with the database."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url

    @property
    def url(self) -> None:  # type: ignore[override]
        return None

    def empty(self) -> None:
        self._sql("TRUNCATE dramatiq.queue")

    def waiting(self, queue: str) -> int:
        return self._sql("SELECT count(*) FROM dramatiq.queue WHERE queue_name = :queue", queue=queue).scalar_one()

    def hanging(self) -> int:
        """So many bells hang in all queues, heard and not yet put away among them."""
        return self._sql("SELECT count(*) FROM dramatiq.queue").scalar_one()

    def _sql(self, statement: str, **values: str) -> Result:
        engine = create_engine(self.database_url, poolclass=NullPool)
        with engine.begin() as connection:
            return connection.execute(text(statement), values)


@pytest.fixture
def table_of_bells(own_database_url: str) -> Server:
    """The broker that needs nothing else."""
    return TableOfBells(own_database_url)


BROKERS = {"postgresql": "table_of_bells", "redis": "redis_server", "rabbitmq": "rabbit_server"}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Server:
    """Each broker in turn."""
    return request.getfixturevalue(BROKERS[request.param])


@pytest.fixture
def county(tmp_path: Path, own_database_url: str) -> Callable[[Server], County]:
    def on(broker: Server) -> County:
        return County(tmp_path, own_database_url, broker.url)

    return on
