"""The whole house on one machine: database, doors, workers, clock, and in practice the post and its postman."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from dispatch.errors import ZhuandiError
from dispatch.settings import Settings, read_settings
from dispatch.staff.member import Made
from dispatch.wiring import KEY_FILE, make_broker, make_world
from workers.jobs import queue_of
from zhuandi.context import CHILD, make_home
from zhuandi.leaving import BEGIN
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.practice import prepare_practice
from zhuandi.practice_staff import URLS, console_url, make_staff
from zhuandi.serve import await_answer, papers_folder, prepare

log = structlog.get_logger()
SERVICE = ("api", "worker", "worker", "clock")
PRACTICE = ("sandbox-post", "postman")
LEAVING_SECONDS = 20
OPENING_SECONDS = 120  # an old machine that is busy with other things, too
LOG_MOST = 5_000_000


@dataclass
class Child:
    """One process of the house, and when it was started last."""

    name: str
    log: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=0.0)

    def start(self) -> None:
        """Start it, in a session of its own: a Ctrl-C at the terminal reaches the house first. It waits to begin."""
        if self.log.exists() and self.log.stat().st_size > LOG_MOST:
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command, with our own names
                [sys.executable, "-m", "zhuandi", self.name.partition("#")[0], *self.options],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env={**os.environ, CHILD: "1"},
                start_new_session=True,
            )
        self.started = time.monotonic()

    def begin(self) -> None:
        """Let it begin. One that has died meanwhile is started again at the next look around."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):
                os.write(self.process.stdin.fileno(), BEGIN)

    def revive(self) -> None:
        """Start it again if it died, but not more than once a second."""
        if self.process is not None and self.process.poll() is not None and time.monotonic() - self.started > 1:
            log.warning("house.revived", child=self.name, exit=self.process.returncode)
            self.start()
            self.begin()

    def stop(self) -> None:
        """Ask it to leave; what it is doing is finished first."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait until it has left; one that does not is killed: its rows and leases are safe."""
        if self.process is None:
            return
        try:
            self.process.wait(max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


class House:
    """All processes together. `settings` are those that the children read for themselves."""

    def __init__(self, *, practice: bool, posts: tuple[str, ...] = ("--post", "all")) -> None:
        self.practice = practice
        self._options = {PRACTICE[0]: posts}  # how the sandbox posts are to behave
        self.settings = read_settings()
        self.accounts: list[Made] = []  # to practise with, where they were made just now
        self._postgres: EmbeddedPostgres | None = None
        self._children: list[Child] = []

    @contextmanager
    def open(self) -> Iterator["House"]:
        """Start everything, in order; stop everything at the end, however it comes."""
        home = read_settings().home
        with _alone(home):
            if self.practice:
                prepare_practice(home)
            try:
                self._spawn(home)
                self.settings = self._with_database(read_settings())
                prepare(self.settings)
                self._begin()
                if self.practice:
                    self.accounts = self._make_staff(home)
                yield self
            finally:
                self._close()

    def keep(self) -> None:
        """One look around: what died is started again, the embedded database too."""
        if self._postgres is not None and not self._postgres.running():
            log.warning("house.revived", child="postgres")
            self._postgres.start()
        for child in self._children:
            child.revive()

    @property
    def url(self) -> str:
        """Where the doors are."""
        return self.settings.public_url

    @property
    def where_the_staff_works(self) -> list[str]:
        """The console's address, and whoever may come in to practise."""
        told = [f"工作台：{console_url(self.url)}"]
        if self.accounts:
            told.append("练习账号（登录名、首次密码，登录后须改）：")
            told += [f"  {one.login}  {one.password}" for one in self.accounts]
        elif self.practice:
            told.append(
                f"练习账号的首次密码在 {papers_folder(self.settings.home) / URLS}；忘了用 `zhuandi admin reset`。"
            )
        else:
            told.append("第一个账号用 `zhuandi admin add` 建立。")
        return told

    @property
    def where_the_key_lies(self) -> str:
        """For the person who must back it up."""
        if self.settings.vault_keys:
            return "个人信息的密钥来自设置。"
        return f"个人信息的密钥在 {self.settings.home / KEY_FILE}，请另行备份：没有它，已存的内容打不开。"

    def _with_database(self, settings: Settings) -> Settings:
        if settings.database_url:
            return settings
        self._postgres = EmbeddedPostgres(settings.home)
        return settings.model_copy(update={"database_url": self._postgres.start()})

    def _make_staff(self, home: Path) -> list[Made]:
        with make_world(self.settings, make_broker(self.settings), queue_of) as world:
            return make_staff(world, papers_folder(home))

    def _spawn(self, home: Path) -> None:
        """Before the database stands: loading their modules takes each of them as long as making it takes us."""
        logs = home / "logs"
        logs.mkdir(exist_ok=True)
        names = SERVICE + (PRACTICE if self.practice else ())
        for number, name in enumerate(names):
            twin = f"{name}#{number}" if names.count(name) > 1 else name
            log_file = logs / f"{twin.replace('#', '-')}.log"
            self._children.append(Child(twin, log_file, self._options.get(name, ())))
        for child in self._children:
            child.start()

    def _begin(self) -> None:
        for child in self._children:
            child.begin()
        here = f"http://{self.settings.listen_host}:{self.settings.listen_port}/healthz"
        if not await_answer(here, OPENING_SECONDS):
            raise ZhuandiError(f"接口没有按时打开。原因见 {self.settings.home / 'logs' / 'api.log'}。")

    def _close(self) -> None:
        service = [child for child in self._children if child.name not in PRACTICE]
        # The post leaves last: whoever still speaks to it gets an answer.
        for group in (service, [child for child in self._children if child.name in PRACTICE]):
            _stop_all(group)
        if self._postgres is not None:
            self._postgres.stop()


def _stop_all(children: list[Child]) -> None:
    for child in children:
        child.stop()
    deadline = time.monotonic() + LEAVING_SECONDS
    for child in children:
        child.wait(deadline - time.monotonic())


@contextmanager
def _alone(home: Path) -> Iterator[IO[str]]:
    """One house for one home: a second one is told so."""
    with (make_home(home) / "house.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ZhuandiError(f"{home} 的服务已在运行。先停掉它，或另设 ZHUANDI_HOME。") from None
        yield handle
