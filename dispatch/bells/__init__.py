"""The broker that rings workers awake, chosen by its URL: PostgreSQL (default), RabbitMQ or Redis.

A message is a doorbell and nothing more (the row is the job), and whoever hears one does all that is due on its lane.
So a queue needs few bells: none is kept twice, none is delayed by a broker, and one that is lost costs seconds.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from urllib.parse import urlsplit

import dramatiq
import structlog

from dispatch.address import reading
from dispatch.errors import ZhuandiError

KINDS: Mapping[str, str] = {
    "postgresql": "postgresql",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "redis": "redis",
    "rediss": "redis",
}
"""The module of each scheme; only the one that is used is loaded, because a client library weighs several MB."""
ADDRESS = "消息队列的地址"
log = structlog.get_logger()


def make(url: str) -> dramatiq.Broker:
    """The broker at this URL; nothing is opened yet, so one that is away hinders nobody. Raises ZhuandiError."""
    with reading(ADDRESS):
        broker: dramatiq.Broker = _kind(url).make(url)
    return broker


def prepare(url: str) -> None:
    """What the broker needs before its first message; may be repeated. Raises ZhuandiError."""
    with reading(ADDRESS):
        _kind(url).prepare(url)


def warn_of_weaknesses(url: str) -> None:
    """They are told in the log. Raises ZhuandiError for a broker that cannot be used at all."""
    for words in weaknesses(url):
        log.warning("broker.weak", words=words)


def answers(url: str) -> bool:
    """Whether the broker at this URL is there, and can be used; takes seconds where it is not."""
    try:
        found = weaknesses(url)
        return _kind(url).AWAY not in found
    except ZhuandiError:
        return False


def weaknesses(url: str) -> list[str]:
    """What a person should know of the broker at this URL, in words; a broker that is away is one of them.

    Raises ZhuandiError for one that cannot be used at all (no publisher confirms, an address that nobody can read).
    """
    with reading(ADDRESS):
        found: list[str] = _kind(url).weaknesses(url)
    return found


def _kind(url: str) -> ModuleType:
    scheme = urlsplit(url).scheme.partition("+")[0]
    kind = KINDS.get(scheme)
    if kind is None:
        raise ZhuandiError(f"消息队列 {scheme} 尚不支持：请用 postgresql、amqp（RabbitMQ）或 redis 的地址。")
    return import_module(f"{__name__}.{kind}")
