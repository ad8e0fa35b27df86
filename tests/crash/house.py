"""One house for all points: a database, two posts, and the service's processes, of which some are armed."""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from dispatch.crash import ARMED_BY, TEST
from dispatch.settings import SETTINGS_FILE, Settings
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from tests.crash.brokers import Broker
from tests.crash.nursery import Nursery
from tests.crash.points import SERVANTS, Role
from tests.leftovers import remove_postgres
from workers.jobs import queue_of
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.practice import prepare_practice, read_practice
from zhuandi.serve import await_answer

EXTERNAL = "ZHUANDI_TEST_DATABASE_URL"
OPENING_SECONDS = 120
KILLED, LOOK_SECONDS = -9, 0.05
HASTE = {
    "item_grouping": 1,
    "case_patience": 4,
    "look_after_closing": 1,
    "doubt_ladder": [0.5, 1, 1, 2, 2, 4, 4, 8, 8],
    "ask_floor": 0.2,
    "ask_again": 2,
    "unmatched_grace": 0.5,
    "job_lease": 4.5,  # more than twice the answer_seconds of the practice accounts
    "job_retry_first": 0.2,
    "job_retry_cap": 1,
    "job_deaths": 10_000,  # here workers die over a job on purpose
    "clock_rhythm": 0.5,
    "worker_threads": 2,
    "lane_threads": 1,
    "breaker_probe": 3,
}


@dataclass
class Dead:
    """A process that ended: where it said that it died, and over what."""

    point: str
    subject: str


@dataclass
class House:
    """The processes of one run. `waiting`: the points of each role at which nobody has died yet."""

    home: Path
    world: World
    nursery: Nursery
    environment: dict[str, str]
    waiting: dict[Role, set[str]]
    died: list[Dead] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    pids: dict[Role, int] = field(default_factory=dict)
    dismissed: set[Role] = field(default_factory=set)

    def run(self, role: Role, *options: str) -> None:
        """A command of the desk, armed with the points of its role. Where it dies, the clerk sees what is left."""
        pid, armed = self._start(role, *options), bool(self.waiting.get(role))
        while (code := self.nursery.ended(pid)) is None:
            time.sleep(LOOK_SECONDS)
        if code != 0 and not (armed and self._mark(role, code)):
            self.strange.append(f"{role} {options} ended with {code}: {self.log(role).read_text()[-800:]}")

    def keep(self) -> None:
        """Whoever died at a point is started again, armed with the rest."""
        for role in set(SERVANTS) - self.dismissed:
            code = self.nursery.ended(self.pids[role]) if role in self.pids else 0
            if code is None:
                continue
            if role in self.pids and not self._mark(role, code):
                self.strange.append(f"{role} ended with {code}: {self.log(role).read_text()[-800:]}")
            self.pids[role] = self._start(role)

    def disarm(self) -> None:
        """From now on nobody dies; what was armed is replaced."""
        self.waiting.clear()
        for role in SERVANTS:
            self.nursery.kill(self.pids.pop(role))
        self.keep()

    def dismiss(self, role: Role) -> None:
        """Nobody does this until somebody is called back."""
        self.dismissed.add(role)
        self.nursery.kill(self.pids.pop(role))

    def call_back(self, role: Role) -> None:
        """And at once."""
        self.dismissed.remove(role)
        self.keep()

    def log(self, role: Role) -> Path:
        """What its processes have said."""
        return self.home / "logs" / f"{role}.log"

    def mark(self, role: Role) -> Path:
        """Where its process says that it dies."""
        return self.home / f"{role}.mark"

    def _start(self, role: Role, *options: str) -> int:
        points = self.waiting.get(role, set())
        arms = {ARMED_BY: ",".join(sorted(points)), TEST: str(self.mark(role))} if points else {}
        self.mark(role).unlink(missing_ok=True)
        return self.nursery.start([role, *options], self.environment | arms, self.log(role))

    def _mark(self, role: Role, code: int) -> bool:
        """Whether it really died by SIGKILL at one of its points."""
        if code != KILLED or not self.mark(role).exists():
            return False
        [(point, subject)] = [line.split("\t") for line in self.mark(role).read_text().splitlines()]
        self.waiting[role].remove(point)
        self.died.append(Dead(point, subject))
        return True


@contextmanager
def open_house(folder: Path, broker: Broker, waiting: dict[Role, set[str]]) -> Iterator[House]:
    """A house in `folder`, with nothing in its database; all of it is gone afterwards."""
    (folder / "logs").mkdir()
    prepare_practice(folder)
    _hasten(folder)
    with ExitStack() as stack:
        url = stack.enter_context(_database(folder))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHUANDI_")}
        environment |= {"ZHUANDI_HOME": str(folder), "DATABASE_URL": url}
        if broker.url is not None:
            environment["ZHUANDI_BROKER_URL"] = broker.url
        nursery = Nursery()
        stack.callback(nursery.close)
        said = json.loads((folder / SETTINGS_FILE).read_text())
        settings = Settings.model_validate(said | {"home": folder, "database_url": url, "broker_url": broker.url})
        _await(nursery, nursery.start(["migrate"], environment, folder / "logs" / "migrate.log"), folder)
        world = stack.enter_context(make_world(settings, make_broker(settings), queue_of))
        for post in ("ems", "sf"):
            log = folder / "logs" / f"{post}.log"
            nursery.start(["sandbox-post", "--post", post], environment, log)
            assert await_answer(f"{read_practice(folder).url(post)}/health", OPENING_SECONDS), log.read_text()
        house = House(folder, world, nursery, environment, waiting)
        house.keep()
        yield house


def _await(nursery: Nursery, pid: int, folder: Path) -> None:
    while (code := nursery.ended(pid)) is None:
        time.sleep(LOOK_SECONDS)
    assert code == 0, (folder / "logs" / "migrate.log").read_text()


def _hasten(folder: Path) -> None:
    file = folder / SETTINGS_FILE
    said = json.loads(file.read_text()) | HASTE
    said["ems"]["prints_own_label"] = True
    file.write_text(json.dumps(said, ensure_ascii=False))


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """A new database: on the server that is given, or on an embedded one."""
    external = os.environ.get(EXTERNAL)
    embedded = None if external else EmbeddedPostgres(folder)
    server = make_url(external or embedded.start()).set(drivername="postgresql")
    name = f"crash_{secrets.token_hex(4)}"
    plain = server.render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if embedded is not None:
            embedded.stop()
            remove_postgres(folder)
