"""Bells in RabbitMQ, with publisher confirms, heartbeats and a limit on being blocked (FAULTS F1, F6)."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import dramatiq
import pika
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika.exceptions import AMQPError

from dispatch.errors import ZhuandiError

MOST_BELLS = 100
LIMITS = {"heartbeat": "30", "blocked_connection_timeout": "10", "socket_timeout": "5", "stack_timeout": "10"}
"""Seconds, unless the URL names others: without them a blocked or silent server holds its caller for ever."""
BRIEFLY = {"socket_timeout": "3", "stack_timeout": "5", "connection_attempts": "1"}
HEARTLESS = "RabbitMQ 的地址里关闭了心跳（heartbeat=0）：断线要很久才会被发现。请去掉这一项。"
AWAY = "消息队列（RabbitMQ）连不上：任务照常保存，由时钟催办，会慢几十秒。请检查 RabbitMQ 与 ZHUANDI_BROKER_URL。"


class RabbitBells(RabbitmqBroker):
    """Queues that hold the newest bells only, and none for what is late or dead: neither occurs here."""

    def get_declared_delay_queues(self) -> set[str]:
        """Nothing is delayed by a broker, so nobody listens there."""
        return set()

    def close(self) -> None:
        """As the library's, but of what is there now: a thread that still rings takes its own away meanwhile."""
        self._ignore_pika_logs()
        for line in [*self.channels, *self.connections]:
            with suppress(Exception):  # it is gone already, or its server is
                line.close()

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:  # noqa: ARG002 - the library's signature
        return {"x-max-length": MOST_BELLS, "x-overflow": "drop-head"}

    def _declare_dq_queue(self, queue_name: str) -> None:
        """None."""

    def _declare_xq_queue(self, queue_name: str) -> None:
        """None."""


def make(url: str) -> dramatiq.Broker:
    """`url`: amqp://user:password@host:port/vhost, several of one cluster with `;` between them."""
    return RabbitBells(url=[_limited(one) for one in url.split(";")], confirm_delivery=True, middleware=[])


def prepare(url: str) -> None:
    """Nothing: queues are declared by whoever uses them first."""


def weaknesses(url: str) -> list[str]:
    """Whether it answers, with what we rely on. Raises ZhuandiError without publisher confirms."""
    nodes = url.split(";")
    found = [HEARTLESS for one in nodes if dict(parse_qsl(urlsplit(one).query)).get("heartbeat") == "0"]
    try:
        connection = pika.BlockingConnection([pika.URLParameters(_with(one, BRIEFLY)) for one in nodes])
    except (AMQPError, OSError):
        return [*found, AWAY]
    try:
        if not connection.publisher_confirms_supported:
            raise ZhuandiError("这个消息队列不支持发布确认（publisher confirms），不能使用。请换 RabbitMQ 3 以上。")
    finally:
        connection.close()
    return found


def _limited(url: str) -> str:
    return _with(url, LIMITS | dict(parse_qsl(urlsplit(url).query)))


def _with(url: str, options: dict[str, str]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | options)).geturl()
