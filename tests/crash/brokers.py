"""The brokers of the matrix: the database itself, and servers of its own where their binaries are installed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.engines.servers import RabbitServer, RedisServer, Server

SERVERS: Mapping[str, type[Server]] = {"rabbitmq": RabbitServer, "redis": RedisServer}
POSTGRESQL = "postgresql"
BROKERS = (POSTGRESQL, *SERVERS)


def why_not(name: str) -> str:
    """Why this broker is left out here, and what helps; empty where it can be used."""
    kind = SERVERS.get(name)
    if kind is None or not kind.missing():
        return ""
    return f"left out, because its server is not installed: apt-get install {kind.package}"


@contextmanager
def opened(name: str, folder: Path) -> Iterator[str | None]:
    """Its URL (None for the database itself), for as long as the block lasts."""
    if name == POSTGRESQL:
        yield None
        return
    place = folder / name
    place.mkdir()
    server = SERVERS[name](place)
    try:
        server.start()
        yield server.url
    finally:
        server.kill()
