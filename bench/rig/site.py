"""Where a row is measured: one PostgreSQL for all, and a service of its own in a database of its own."""

import argparse
import json
import logging
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog
from sqlalchemy import create_engine, text

from bench.rig.measure import Round, Row
from bench.rig.table import show
from dispatch.settings import PATIENCE, SETTINGS_FILE
from tests.engines.county import County
from tests.leftovers import remove_postgres
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.serve import await_answer

SERVICE = ("api", "worker", "worker", "clock")
"""As `zhuandi up` starts them."""
OTHER_POSTS = ("sf", "gov_ems", "by_hand", "kdniao", "kuaidi100", "tracked")
AS_IN_OFFICE = {
    "patience": {view: time.total_seconds() for view, time in PATIENCE.items()},
    "job_lease": 120,
    "job_retry_first": 15,
}
"""A county with one post, waits as long as usual: nothing is asked after while it is measured. The rest is of the
practice profile: a clock that looks every second, cases that leave at once and alone."""
WATCH = "bench"
CONNECTED = text(
    "SELECT pid, application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name <> :watch AND backend_type = 'client backend'"
)
Ours = Callable[["Bench", "Site"], AbstractContextManager[Callable[[], Round]]]
"""How a row opens our own candidate at a site: each call is one round."""


class Site(County):
    """A county's service; its processes tell the database who they are."""

    def __init__(self, home: Path, database_url: str, **settings: object) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        super().__init__(home, database_url, None)
        file = home / SETTINGS_FILE
        told = json.loads(file.read_text()) | AS_IN_OFFICE | settings
        told["public_url"] = f"http://127.0.0.1:{told['listen_port']}"
        file.write_text(json.dumps({name: value for name, value in told.items() if name not in OTHER_POSTS}))
        self.parts: list[tuple[str, int]] = []
        # Who watches is no part of the service; one connection, or each look would cost more than it sees.
        self._watch = create_engine(
            database_url, pool_size=1, connect_args={"application_name": WATCH}, isolation_level="AUTOCOMMIT"
        )

    @contextmanager
    def open(self, names: Sequence[str] = SERVICE) -> Iterator["Site"]:
        """The sandbox post and these processes; a site may be opened again, with its home and its books."""
        self.parts, self.processes = [], []
        with super().open(names):
            yield self

    @property
    def database_url(self) -> str:
        """Its own database."""
        return self.told["DATABASE_URL"]

    @property
    def url(self) -> str:
        """Where its doors are."""
        return self.settings.public_url

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """`zhuandi …` in this home, named for the database."""
        self.told["PGAPPNAME"] = words[0]
        process = super().start(*words)
        self.parts.append((words[0], process.pid))
        return process

    @contextmanager
    def at_work(self) -> Iterator["Site"]:
        """All processes of the service and the sandbox post, and the doors open."""
        with self.open():
            self.await_doors()
            yield self

    def await_doors(self) -> None:
        """The API answers."""
        if not await_answer(f"{self.url}/healthz", 120):
            raise SystemExit(f"{self.home}: the API did not open: {(self.home / 'api.log').read_text()[-800:]}")

    def pids(self, name: str) -> list[int]:
        """The processes of this name."""
        return [pid for part, pid in self.parts if part == name]

    def scalar(self, statement: str, **values: object) -> int:
        """One number from the database."""
        with self._watch.connect() as connection:
            return int(connection.scalar(text(statement), values) or 0)

    def administer(self, statement: str) -> None:
        """As the database's superuser."""
        with self._watch.connect() as connection:
            connection.execute(text(statement))

    def names(self) -> dict[int, str]:
        """Who is connected, by the number of the backend; whoever has no name is at the desk."""
        with self._watch.connect() as connection:
            rows = connection.execute(CONNECTED, {"watch": WATCH}).all()
        return {row.pid: row.application_name or "desk" for row in rows}

    def leave(self) -> None:
        """Nothing is connected any more."""
        self._watch.dispose()


@dataclass
class Bench:
    """All rows' bench: its folder, its PostgreSQL, and how much is done. `small`: everything runs, little is done."""

    folder: Path
    postgres: EmbeddedPostgres
    rounds: int = 5
    small: bool = False
    key: str = field(default_factory=lambda: secrets.token_hex(32))  # of every vault
    _sites: dict[str, Site] = field(default_factory=dict)

    def size(self, usual: int, few: int) -> int:
        """How many: as usual, or a few."""
        return few if self.small else usual

    @property
    def postmaster(self) -> int:
        """The process of the PostgreSQL."""
        return int((self.postgres.log.parent / "data" / "postmaster.pid").read_text().split()[0])

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty one for as long as the block lasts."""
        name = f"bench_{secrets.token_hex(4)}"
        url = self.postgres.create_database(name)
        try:
            yield url
        finally:
            if url in self._sites:
                self._sites.pop(url).leave()
            self.postgres.drop_database(name)

    @contextmanager
    def site(self) -> Iterator[Site]:
        """A service in a new database; none of its processes is started yet."""
        with self.database() as url:
            yield self.site_at(url)

    def site_at(self, url: str) -> Site:
        """The service of this database: one, with its home and its post's books, however often it is opened."""
        if url not in self._sites:
            self._sites[url] = Site(Path(tempfile.mkdtemp(dir=self.folder)), url, vault_keys=[self.key])
        return self._sites[url]

    def cpu(self, site: Site) -> dict[str, float]:
        """CPU seconds so far: of each part of the service, of this process (the desk), and of PostgreSQL."""
        spent: dict[str, float] = {"desk": _spent(psutil.Process())}
        for name, pid in site.parts:
            spent[name] = spent.get(name, 0.0) + _spent(psutil.Process(pid))
        return spent | {"postgresql": self._cpu_of_postgres()}

    def _cpu_of_postgres(self) -> float:
        postmaster = psutil.Process(self.postmaster)
        ended = postmaster.cpu_times()
        total = _spent(postmaster) + ended.children_user + ended.children_system
        for backend in postmaster.children():
            try:
                total += _spent(backend)
            except psutil.NoSuchProcess:  # its time is the postmaster's now
                continue
        return total


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def quiet() -> None:
    """What this process does as part of the service is not told line by line."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def open_bench(rounds: int = 5, *, small: bool = False) -> Iterator[Bench]:
    """A bench with its PostgreSQL running; nothing of it is left afterwards."""
    quiet()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        home = folder / "postgres"
        home.mkdir()
        postgres = EmbeddedPostgres(home)
        stack.callback(remove_postgres, home)
        stack.callback(postgres.stop)
        postgres.start()
        yield Bench(folder, postgres, rounds, small)


def alone(measure: Callable[[Bench], Sequence[Row]]) -> None:
    """A row by itself, from the command line: its table is shown, nothing is kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="everything runs, little is done")
    told = parser.parse_args()
    with open_bench(told.rounds, small=told.small) as bench:
        show(measure(bench))
