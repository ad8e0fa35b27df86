"""The brokers that answer here, each in a place of its own."""

import os
import socket
from dataclasses import dataclass

from sqlalchemy import make_url

from dispatch.errors import ZhuandiError
from dispatch.settings import Settings
from dispatch.wiring import make_broker

FURTHER = {
    "amqp": ("ZHUANDI_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/zhuandi-crash"),
    "redis": ("ZHUANDI_TEST_REDIS_URL", "redis://127.0.0.1:6379/13"),
}
"""Where each is looked for: a variable, and its usual place (a vhost, a database, that nobody else uses)."""


@dataclass(frozen=True)
class Broker:
    """`url` is None for the database itself; `why_not`: it cannot be used here."""

    name: str
    url: str | None = None
    why_not: str = ""


def brokers() -> list[Broker]:
    """PostgreSQL, and the others with a reason where they are left out."""
    return [Broker("postgresql"), *(_find(name, *where) for name, where in FURTHER.items())]


def _find(name: str, variable: str, usual: str) -> Broker:
    url = os.environ.get(variable, usual)
    try:
        make_broker(Settings(broker_url=url)).close()
        address = make_url(url)
        socket.create_connection((address.host, address.port), timeout=3).close()
    except (ZhuandiError, OSError) as error:
        return Broker(name, url, f"{error}（{variable} 可指定）")
    return Broker(name, url)
