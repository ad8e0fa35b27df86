"""Brokers of a test's own, from binaries that are installed: real servers on free ports, which a test may ill-treat.

Where a broker's binary is missing, its tests are left out, and the run's closing lines say what to install.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pika
import redis
from pika.exceptions import AMQPError

from dispatch.bells.redis import NAMESPACE
from dispatch.jobs import on_lane
from dispatch.shipment import BOOK
from workers.jobs import ROAD, queue_of
from zhuandi.postgres import EmbeddedPostgres

RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PATIENCE = 180.0


PORTS = range(20_000, 32_768)
"""None that the system gives to whoever connects: while a server is down, a client would take its port."""


def free_port() -> int:
    """A port that was free a moment ago, and that nobody gets by chance while its server is started anew."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(happened: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something that must happen; what did not, is told."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)


@dataclass
class Server:
    """A broker's process: started, stopped, killed, frozen."""

    name = ""
    package = ""
    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """What to run, and in which environment."""
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def version(self) -> str:
        """As it tells it."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, or start it again on the same port with the same data."""
        words, environment = self.command()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                words, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self.answers() or not self.lives(), f"{words[0]} to answer")
        assert self.lives(), f"{words[0]} ended: {(self.folder / 'server.log').read_text()[-2000:]}"

    def lives(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """To it and to all that it has started."""
        if self.process is not None and self.lives():
            os.killpg(self.process.pid, number)

    def empty(self) -> None:
        """What waits in it is gone."""
        raise NotImplementedError

    def waiting(self, queue: str) -> int:
        """So many messages wait in this queue."""
        raise NotImplementedError

    def kill(self) -> None:
        """As when the machine loses its power."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()


class RedisServer(Server):
    """Redis as a county should run it: append-only file, nothing thrown out."""

    name = "Redis"
    package = "redis-server"
    options: tuple[str, ...] = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")

    @staticmethod
    def missing() -> bool:
        return shutil.which("redis-server") is None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], dict[str, str]]:
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        return ["redis-server", *place, *self.options], dict(os.environ)

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def version(self) -> str:
        with redis.Redis.from_url(self.url) as client:
            return str(client.info("server")["redis_version"])

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def waiting(self, queue: str) -> int:
        with redis.Redis.from_url(self.url) as client:
            return client.llen(f"{NAMESPACE}:{queue}")


@dataclass
class RabbitServer(Server):
    """A RabbitMQ node of its own, with its own cookie, ports and folders."""

    name = "RabbitMQ"
    package = "rabbitmq-server"
    node_port: int = field(default_factory=free_port)

    @staticmethod
    def missing() -> bool:
        return not RABBIT.exists()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [str(RABBIT)], self._environment()

    def _environment(self) -> dict[str, str]:
        plugins = self.folder / "plugins"
        plugins.write_text("[].")
        return {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"zhuandi{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def answers(self) -> bool:
        try:
            pika.BlockingConnection(pika.URLParameters(f"{self.url}?connection_attempts=1&socket_timeout=3")).close()
        except (AMQPError, OSError):
            return False
        return True

    def version(self) -> str:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            return str(connection._impl.server_properties["version"])
        finally:
            connection.close()

    def control(self, *words: str) -> None:
        """rabbitmqctl for this node."""
        program = RABBIT.with_name("rabbitmqctl")
        subprocess.run([str(program), *words], env=self._environment(), check=True, capture_output=True, timeout=120)

    def alarm(self) -> None:
        """Out of memory: it takes nothing from publishers until it is `calm`."""
        self.control("set_vm_memory_high_watermark", "absolute", "1")

    def calm(self) -> None:
        self.control("set_vm_memory_high_watermark", "0.6")

    def waiting(self, queue: str) -> int:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            return connection.channel().queue_declare(queue, passive=True).method.message_count
        finally:
            connection.close()

    def empty(self) -> None:
        for queue in (ROAD, queue_of(on_lane(BOOK, "ems"))):
            self.control("purge_queue", queue)


def stop_at_once(postgres: EmbeddedPostgres) -> None:
    """As `pg_ctl stop -m immediate`: no checkpoint, no goodbye; the next start recovers from the log."""
    pid = int((postgres.log.parent / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: not postgres.running(), "PostgreSQL to stop")
