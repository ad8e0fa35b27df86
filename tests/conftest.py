"""Real parts for every test: a real PostgreSQL, a real sandbox post over a real socket, the project's own type."""

import json
import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Playwright, sync_playwright
from sqlalchemy import create_engine, make_url, text

from dispatch.accounts import EmsAccount
from dispatch.approval.decided_case import DecidedCase
from dispatch.db import connect
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.world import World
from tests.decided import case_body
from tests.emptied import empty
from tests.engines import used
from tests.engines.used import ClosingLines
from tests.external import NAMED_BY, THIRD
from tests.leftovers import remove_postgres
from tests.parts import Post, an_account, open_post, open_service, short_waits, until_nothing_is_due
from zhuandi import migrate
from zhuandi.postgres import EmbeddedPostgres

hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis_settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to stop tears down as after Ctrl-C: no database server is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A checkout in which somebody has practised has settings of its own: they are not those of the tests.
    os.environ["ZHUANDI_HOME"] = str(Path(tempfile.gettempdir()) / f"zhuandi-tests-{os.getpid()}")
    config.pluginmanager.register(ClosingLines(), "engines")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest files first: where several processes share the tests, the others fit in beside them. Those with a
    # browser last: its event loop runs on in the process, and no `asyncio.run` beside it.
    browsing = {item.path for item in items if "playwright" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path in browsing, not {"races", "engines", "faults"} & set(item.path.parts)))
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
def playwright() -> Iterator[Playwright]:
    """One for all tests of a process: a second beside it refuses to start."""
    with sync_playwright() as started:
        yield started


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
def new_database(server_url: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes a migrated database that several tests look at together."""
    return partial(_database, server_url)


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


@pytest.fixture
def account() -> EmsAccount:
    return an_account()


@pytest.fixture
def settings(tmp_path: Path, account: EmsAccount) -> Settings:
    """Short waits."""
    return short_waits(tmp_path, account)


@pytest.fixture
def world(database_url: str, settings: Settings, typefaces: Typefaces) -> Iterator[World]:
    """The whole service on a fresh database; its post does not answer unless `post` is asked for too."""
    with open_service(database_url, settings, typefaces) as opened:
        yield opened


@pytest.fixture
def post(world: World, account: EmsAccount, tmp_path: Path) -> Iterator[Post]:
    """A sandbox post over a real socket. Its pushes go to a closed door unless a test opens one."""
    with open_post(world, account, tmp_path / "post.sqlite") as opened:
        yield opened


@pytest.fixture
def drain() -> Callable[[World], None]:
    """Do every due job, as workers would, until nothing is due."""
    return until_nothing_is_due


@pytest.fixture
def decided() -> Callable[..., DecidedCase]:
    """A valid decided case; what a test cares about is said by keyword, slip fields in `slip`."""

    def make(
        case_no: str = "331127202611220001", *, slip: dict[str, object] | None = None, **fields: object
    ) -> DecidedCase:
        return DecidedCase.model_validate_json(json.dumps(case_body(case_no, slip, **fields)))

    return make
