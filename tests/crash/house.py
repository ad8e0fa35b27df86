"""One house for all points: a database, two posts, and the service's processes, of which some are armed."""

import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from dispatch.crash import ARMED_BY, TEST, mark_of
from dispatch.settings import SETTINGS_FILE, Settings
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from tests.crash.nursery import Nursery
from tests.crash.points import Role
from tests.external import NAMED_BY
from tests.furnished import environment_of, furnish, told_to
from tests.leftovers import remove_postgres
from workers.jobs import queue_of
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.practice import read_practice
from zhuandi.serve import await_answer

OPENING_SECONDS = 120
KILLED, LOOK_SECONDS = -9, 0.05
SERVANTS = (Role.API, Role.CLOCK, *[Role.WORKER] * 3)
"""Processes that are always there. While one worker waits for the work of another that died, a third dies."""
HASTE = {
    "item_grouping": 1,
    "case_patience": 4,
    "hall_open_daily": True,  # or nobody would be waited for on a Sunday
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
    "ems": {"prints_own_label": True},
    # Each lane costs every worker threads and connections: those of whom no case is given stay away.
    **dict.fromkeys(("gov_ems", "kdniao", "kuaidi100", "tracked")),
}
log = logging.getLogger("crash")


@dataclass
class Servant:
    """One process that is always there, unless it is dismissed; `pid`: of the last one that was started."""

    role: Role
    pid: int | None = None
    dismissed: bool = False


@dataclass
class House:
    """The processes of one run. `points`: where those of a role are to die. `died`: over what somebody died there."""

    home: Path
    world: World
    nursery: Nursery
    environment: Mapping[str, str]
    points: Mapping[Role, frozenset[str]]
    died: dict[str, str] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    servants: list[Servant] = field(default_factory=lambda: [Servant(role) for role in SERVANTS])
    began: float = field(default_factory=time.monotonic)

    def left(self, *roles: Role) -> set[str]:
        """The points at which nobody has died yet: of these roles, or of all."""
        return {name for role in roles or self.points for name in self.points.get(role, ())} - self.died.keys()

    def run(self, role: Role, *options: str) -> None:
        """A command of the desk, armed with the points of its role. Where it dies, the clerk sees what is left."""
        pid = self.start(role, *options)
        while (code := self.nursery.ended(pid)) is None:
            self.keep()
            time.sleep(LOOK_SECONDS)
        if code != 0:
            self._look_at(role, pid, code)

    def keep(self) -> None:
        """Whoever died is started again."""
        for servant in self.servants:
            if servant.dismissed:
                continue
            if servant.pid is not None:
                if (code := self.nursery.ended(servant.pid)) is None:
                    continue
                self._look_at(servant.role, servant.pid, code)
            servant.pid = self.start(servant.role)

    def dismiss(self, role: Role) -> None:
        """Nobody does this until somebody is called back."""
        for servant in self.servants:
            if servant.role is role and servant.pid is not None:
                servant.dismissed = True
                self.nursery.kill(servant.pid)
                self._died_at_its_point(role, servant.pid)  # it may have, a moment before
                servant.pid = None

    def call_back(self, role: Role) -> None:
        """And at once."""
        for servant in self.servants:
            if servant.role is role:
                servant.dismissed = False
        self.keep()

    def start(self, role: Role, *options: str) -> int:
        """One more process of this role, armed while nobody has died at one of its points; its id."""
        arms = ",".join(sorted(self.points[role])) if self.left(role) else ""
        return self.start_armed(role, arms, self.marks, *options)

    def start_armed(self, role: Role, arms: str, marks: Path, *options: str) -> int:
        """One that is armed otherwise, and leaves its marks elsewhere."""
        armed = {ARMED_BY: arms, TEST: str(marks)} if arms else {}
        return self.nursery.start([role, *options], {**self.environment, **armed}, self.log(role))

    def bury(self, point: str, subject: str) -> None:
        """Somebody has died there."""
        self.died[point] = subject
        self.say(f"{len(self.died)} died, last at {point}")

    def say(self, what: str) -> None:
        """For whoever waits for the table."""
        log.info("%3.0f s: %s", time.monotonic() - self.began, what)

    def log(self, role: Role) -> Path:
        """What its processes have said."""
        return self.home / "logs" / f"{role}.log"

    @property
    def marks(self) -> Path:
        """Where whoever dies says so."""
        return self.home / "marks"

    def _look_at(self, role: Role, pid: int, code: int) -> None:
        """Whether it really died by SIGKILL at one of its points."""
        if code != KILLED or not self._died_at_its_point(role, pid):
            self.strange.append(f"{role} ended with {code}: {self.log(role).read_text()[-800:]}")

    def _died_at_its_point(self, role: Role, pid: int) -> bool:
        for name in sorted(self.left(role)):
            if (subject := died_over(self.marks, name, pid)) is not None:
                self.bury(name, subject)
                return True
        return False


def died_over(marks: Path, point: str, pid: int) -> str | None:
    """The subject that this process worked on when it died at this point; None where it did not."""
    mark = mark_of(marks, point)
    who, _, subject = mark.read_text().partition("\t") if mark.exists() else ("", "", "")
    return subject if who == str(pid) else None


@contextmanager
def open_house(
    folder: Path, server: str, broker_url: str | None, points: Mapping[Role, frozenset[str]]
) -> Iterator[House]:
    """A house in `folder`, with a database of its own on the server; the database is gone afterwards."""
    for name in ("logs", "marks"):
        (folder / name).mkdir()
    furnish(folder, HASTE)
    with ExitStack() as stack:
        url = stack.enter_context(_database(server))
        environment = environment_of(told_to(folder, url, broker_url))
        settings = _settings(folder, url, broker_url)
        nursery = Nursery()
        stack.callback(nursery.close)
        _await(nursery, nursery.start(["migrate"], environment, folder / "logs" / "migrate.log"), folder)
        world = stack.enter_context(make_world(settings, make_broker(settings), queue_of))
        for post in ("ems", "sf"):
            log = folder / "logs" / f"{post}.log"
            nursery.start(["sandbox-post", "--post", post], environment, log)
            assert await_answer(f"{read_practice(folder).url(post)}/health", OPENING_SECONDS), log.read_text()
        house = House(folder, world, nursery, environment, points)
        house.keep()
        yield house


def _settings(home: Path, database_url: str, broker_url: str | None) -> Settings:
    said = json.loads((home / SETTINGS_FILE).read_text())
    here = {"home": home, "database_url": database_url, "broker_url": broker_url}
    return Settings.model_validate(said | here)


def _await(nursery: Nursery, pid: int, folder: Path) -> None:
    while (code := nursery.ended(pid)) is None:
        time.sleep(LOOK_SECONDS)
    assert code == 0, (folder / "logs" / "migrate.log").read_text()


@contextmanager
def open_server(folder: Path) -> Iterator[str]:
    """The administrator's URL of the PostgreSQL that is given, or of an embedded one, which is gone afterwards."""
    if external := os.environ.get(NAMED_BY):
        yield external
        return
    embedded = EmbeddedPostgres(folder)
    try:
        yield embedded.start()
    finally:
        embedded.stop()
        remove_postgres(folder)


@contextmanager
def _database(server: str) -> Iterator[str]:
    url, name = make_url(server).set(drivername="postgresql"), f"crash_{secrets.token_hex(4)}"
    plain = url.render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
