"""Real parts for every test: a real PostgreSQL, a real sandbox post over a real socket, the project's own type."""

import base64
import dataclasses
import json
import os
import secrets
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, make_url, text

from dispatch.accounts import EmsAccount
from dispatch.approval.decided_case import DecidedCase
from dispatch.db import connect, sessions
from dispatch.jobs import due_names
from dispatch.journey import AT_AN_END, View
from dispatch.posts.ems.account import Ems
from dispatch.posts.line import open_line
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault
from dispatch.wiring import now
from dispatch.world import World
from sandbox import EmsSettings, running
from tests.decided import case_body
from tests.emptied import empty
from tests.engines import used
from tests.engines.used import ClosingLines
from tests.external import NAMED_BY, THIRD
from tests.leftovers import remove_postgres
from workers.run import run_due
from zhuandi import migrate
from zhuandi.postgres import EmbeddedPostgres

hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis_settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to stop tears down as after Ctrl-C: no database server is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.pluginmanager.register(ClosingLines(), "engines")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest files first: where several processes share the tests, the others fit in beside them.
    items.sort(key=lambda item: not {"races", "engines", "faults"} & set(item.path.parts))
    for item in items:
        if {"database_url", "own_database_url"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)
    if (third := os.environ.get(THIRD)) is not None:
        _keep_a_third(config, items, int(third))


def _keep_a_third(config: pytest.Config, items: list[pytest.Item], third: int) -> None:
    files = sorted({item.path for item in items if item.get_closest_marker("database")})
    chosen = set(files[third::3])
    config.hook.pytest_deselected(items=[item for item in items if item.path not in chosen])
    items[:] = [item for item in items if item.path in chosen]


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The administrator's URL of a PostgreSQL: the one that the environment names, or the embedded one."""
    if external := os.environ.get(NAMED_BY):
        url = make_url(external).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        used.ENGINES.used[used.EXTERNAL] = _version(url)
        yield url
        return
    home = tmp_path_factory.mktemp("postgres")
    embedded = EmbeddedPostgres(home)
    url = embedded.start()
    used.ENGINES.used[used.EMBEDDED] = _version(url)
    yield url
    embedded.stop()
    remove_postgres(home)


def _version(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    engine.dispose()
    return found


def _administer(server_url: str, *statements: str) -> None:
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def _database(server_url: str) -> Iterator[str]:
    """A migrated database on this server, for as long as the block lasts."""
    name = f"test_{secrets.token_hex(4)}"
    _administer(server_url, f"CREATE DATABASE {name}")
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    engine = connect(url)
    migrate.run(engine)
    engine.dispose()
    yield url
    _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_database(server_url: str) -> Iterator[str]:
    """One for all tests of a process: to make one takes half a second, to empty it a few milliseconds."""
    with _database(server_url) as url:
        yield url


@pytest.fixture
def database_url(shared_database: str) -> Iterator[str]:
    """A migrated database without a row; nobody is connected to it."""
    yield shared_database
    empty(shared_database)


@pytest.fixture
def own_database_url(server_url: str) -> Iterator[str]:
    """A database whose tables a test may change."""
    with _database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def typefaces(tmp_path_factory: pytest.TempPathFactory) -> Typefaces:
    return Typefaces(tmp_path_factory.mktemp("typefaces"))


class SilentBell:
    """A bell that only remembers: tests do due jobs themselves, in the order they choose."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.broken = False

    def ring(self, names: Collection[str]) -> None:
        self.rung.extend(names)

    def answers(self) -> bool:
        return not self.broken


@pytest.fixture
def account() -> EmsAccount:
    return EmsAccount(
        endpoint="http://127.0.0.1:9/closed",
        sender_no="1100000000000",
        authorization=secrets.token_hex(8),
        sk=base64.b64encode(secrets.token_bytes(16)).decode(),
        repeats_are_idempotent=True,
        refused_codes=("SBX201", "SBX202", "SBX203", "SBX212", "SBX222"),
        duplicate_codes=("SBX211",),
        unauthorised_codes=("SBX101", "SBX102", "SBX105"),
        per_second=10_000,
        connect_seconds=2,
        answer_seconds=2,
    )


@pytest.fixture
def settings(tmp_path: Path, account: EmsAccount) -> Settings:
    """Short waits: a test never sleeps for them, it only need not wait long either."""
    soon = timedelta(milliseconds=1)
    return Settings(
        home=tmp_path,
        profile="sandbox",
        ems=account,
        item_release="at_once",
        item_grouping=timedelta(0),
        patience={view: timedelta(days=1) for view in View if view not in AT_AN_END},
        after_asking=soon,
        ask_floor=timedelta(0),
        doubt_ladder=(soon, soon, soon),
        unmatched_grace=soon,
        job_retry_first=soon,
        job_retry_cap=soon,
        breaker_first=soon,
        breaker_longest=soon,
        breaker_probe=soon,
        breaker_unauthorised=soon,
    )


@pytest.fixture
def world(database_url: str, settings: Settings, typefaces: Typefaces) -> Iterator[World]:
    """The whole service on a fresh database; its post does not answer unless `post` is asked for too."""
    engine = connect(database_url)
    line = open_line(settings.ems)
    yield World(
        settings=settings,
        sessions=sessions(engine),
        vault=Vault((secrets.token_bytes(32),)),
        carriers={"ems": Ems(settings.ems, line, now)},
        trackers={},
        typefaces=typefaces,
        bell=SilentBell(),
        now=now,
    )
    line.client.close()
    engine.dispose()


@dataclasses.dataclass(frozen=True)
class Post:
    """A sandbox post that runs, and a service whose EMS account leads there."""

    url: str
    world: World


@pytest.fixture
def post(world: World, account: EmsAccount, tmp_path: Path) -> Iterator[Post]:
    """A sandbox post over a real socket. Its pushes go to a closed door unless a test opens one."""
    told = EmsSettings(
        host="127.0.0.1",
        port=0,
        storage=tmp_path / "post.sqlite",
        sender_no=account.sender_no,
        authorization=account.authorization.get_secret_value(),
        sk=account.sk.get_secret_value(),
        push_url="http://127.0.0.1:9/pushes/ems",
        gap_seconds=1.0,
        lost_answer_seconds=5,
    )
    with running(told) as server:
        endpoint = f"{server.url}/amp-prod-api/f/amp/api/open"
        there = account.model_copy(update={"endpoint": endpoint})
        line = open_line(there)
        yield Post(server.url, dataclasses.replace(world, carriers={"ems": Ems(there, line, now)}))
        line.client.close()


ROUNDS = 500
"""A job that fails for ever is due for ever: no test waits for it."""


@pytest.fixture
def drain() -> Callable[[World], None]:
    """Do every due job, as workers would, until nothing is due."""

    def until_nothing_is_due(world: World) -> None:
        for _ in range(ROUNDS):
            if not (names := _due(world)):
                return
            for name in names:
                run_due(world, name)
        raise AssertionError(f"still due after {ROUNDS} rounds: {_due(world)}")

    return until_nothing_is_due


def _due(world: World) -> list[str]:
    with world.reading() as session:
        return due_names(session)


@pytest.fixture
def decided() -> Callable[..., DecidedCase]:
    """A valid decided case; what a test cares about is said by keyword, slip fields in `slip`."""

    def make(
        case_no: str = "331127202611220001", *, slip: dict[str, object] | None = None, **fields: object
    ) -> DecidedCase:
        return DecidedCase.model_validate_json(json.dumps(case_body(case_no, slip, **fields)))

    return make
