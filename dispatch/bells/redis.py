"""Bells in Redis. What it loses in a crash are bells, never jobs."""

from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

NAMESPACE = "zhuandi"
MOST_BELLS = 100
SECONDS = 5
"""No answer within this time is none: without a limit a frozen server holds its caller for ever."""
AWAY = "消息队列（Redis）连不上：任务照常保存，由时钟催办，会慢几十秒。请检查 Redis 与 ZHUANDI_BROKER_URL。"


class RedisBells(RedisBroker):
    """Where many bells hang already, one more is not needed: whoever hears one of them finds all that is due."""

    def enqueue(self, message: "dramatiq.Message[Any]", *, delay: int | None = None) -> "dramatiq.Message[Any]":
        """As the library's, unless the queue is full of bells."""
        if self.client.llen(f"{self.namespace}:{message.queue_name}") >= MOST_BELLS:
            return message
        return super().enqueue(message, delay=delay)

    def get_declared_delay_queues(self) -> set[str]:
        """Nothing is delayed by a broker, so nobody listens there."""
        return set()


def make(url: str) -> dramatiq.Broker:
    """`url`: redis://host:port/number."""
    return RedisBells(client=_client(url), namespace=NAMESPACE, middleware=[])  # type: ignore[no-untyped-call]


def prepare(url: str) -> None:
    """Nothing: keys come with the first bell."""


def weaknesses(url: str) -> list[str]:
    """Whether it answers, keeps what it was told on disk, and throws nothing out when it is full."""
    client = _client(url)
    try:
        kept, memory = client.info("persistence"), client.info("memory")
    except redis.RedisError:
        return [AWAY]
    finally:
        client.close()
    found = []
    if not kept["aof_enabled"]:
        found.append("Redis 没有打开 AOF（appendonly yes）：它重启时未响的铃会丢，由时钟补催，会慢几十秒。")
    if memory["maxmemory_policy"] != "noeviction":
        found.append(f"Redis 内存满时会丢键（maxmemory-policy {memory['maxmemory_policy']}）：请改为 noeviction。")
    return found


def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, socket_keepalive=True, health_check_interval=15
    )
