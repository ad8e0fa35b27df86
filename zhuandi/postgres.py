"""The embedded PostgreSQL: the default database, from a wheel, with nothing else to install.

Driven by our own calls of `initdb` and `pg_ctl`. Everything here can be killed at any moment: the next
`start()` finds its way from whatever was left.
"""

import logging
import os
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from zhuandi.postgres_place import ELSEWHERE, SOCKET_NAME, Place, PostgresError, RootPlace, alone, installs
from zhuandi.postgres_state import HELD, PASSING, PidFile, advice, read_log

__all__ = ["EmbeddedPostgres", "PostgresError"]

NAME = "zhuandi"  # of the superuser and of the database
BUILTIN_LOCALE_SINCE = 17
LOG_ROTATED_AT = 10_000_000  # bytes
ORPHANS_LEAVE = 5.0  # seconds: whoever notices that the server was killed has left long before
log = logging.getLogger(__name__)

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only the name of the socket
    "unix_socket_permissions": "0700",
    "max_connections": "250",  # two workers that hear 20 carriers, by deploy/README.md; 7 MB more than 100
    "shared_buffers": "64MB",
    # As on any disk without an arm, and a county's data lie in memory: at PostgreSQL's own 4 it would rather read
    # whole tables than look up a month's cases.
    "random_page_cost": "1.1",
    # Shared memory of systemd users vanishes at logout, and containers have little: a file has neither trouble.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # Personal data must not land in the log. An error's text and detail quote values ("Key (phone)=(…) already
    # exists"), so errors go to the client alone; "log" keeps the server's own news, FATAL and PANIC.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_autovacuum_min_duration": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class EmbeddedPostgres:
    """The PostgreSQL server of one home folder.

    It outlives the process that started it, and belongs to the home, not to the object: any number of objects
    and processes may call `start()` for one home. `patience`: seconds until a start or stop is given up.
    """

    def __init__(self, home: Path, *, patience: float = 120) -> None:
        self._home = home.resolve()
        self._patience = patience
        self._place: Place = RootPlace(self._home) if os.geteuid() == 0 else Place(self._home)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._place.log

    def start(self) -> str:
        """Start the server unless it runs; the SQLAlchemy URL of its database `zhuandi`.

        Raises PostgresError.
        """
        with self._working():
            self._place.prepare()
            if not self._answers():
                self._bring_up()
            return self.create_database(NAME)

    def running(self) -> bool:
        """Whether the server of this home runs."""
        return self._place.data.exists() and PidFile(self._place.data).alive()

    def stop(self) -> None:
        """Stop the server if it runs: open transactions are rolled back. Raises PostgresError."""
        if not self._place.data.exists():
            return
        with self._working():
            if self.running():
                self._place.prepare()
                self._halt()

    def create_database(self, name: str) -> str:
        """Create a database if it is missing; its SQLAlchemy URL."""
        with self._connection() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return f"postgresql+psycopg://{NAME}@/{quote(name)}?host={quote(str(self._socket_folder()))}"

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, with the connections that hang on it."""
        with self._connection() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    # --- the way up and down

    @contextmanager
    def _working(self) -> Iterator[None]:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            with alone(self._home, self._patience):
                yield
        except subprocess.TimeoutExpired as error:
            raise self._error(f"{error.cmd[0]} did not end within {error.timeout:.0f} s", "") from error
        except OSError as error:
            raise self._error(f"The system refused: {error}", str(error)) from error

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        try:
            with psycopg.connect(self._where(), autocommit=True) as connection:
                yield connection
        except psycopg.Error as error:
            raise self._error(f"PostgreSQL answered: {error}", str(error)) from error

    def _bring_up(self) -> None:
        for leftover in self._place.folder.glob("data.new-*"):  # of an initdb that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        if not self._place.data.exists():
            self._initialise()
        tools = self._tools()
        began = time.monotonic()
        deadline = began + self._patience
        while not self._answers():
            failure = self._launch(tools)
            lasting = failure and not any(words in failure for words in PASSING)
            if lasting or time.monotonic() > deadline:
                raise self._error("PostgreSQL did not start", failure)
            if HELD in failure and time.monotonic() > began + ORPHANS_LEAVE:
                log.warning("ended what a killed server had left: %s", PidFile(self._place.data).end_orphans())
            time.sleep(0.2 if failure else 0)

    def _initialise(self) -> None:
        """Make the data folder under another name and rename it: half a data folder never has the real name."""
        major = max(installs())
        fresh = self._place.folder / f"data.new-{secrets.token_hex(4)}"
        # Ordering and case folding from PostgreSQL itself: the same on every system, now and after an upgrade.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= BUILTIN_LOCALE_SINCE else []
        code, said = self._place.run(
            self._place.binaries(installs()[major]) / "initdb", "-D", fresh, "-U", NAME, "--encoding=UTF8",
            "--locale=C", *builtin, "--auth-local=trust", "--auth-host=reject", "--no-instructions",
            seconds=max(self._patience, 10),
        )  # fmt: skip
        if code:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._error("The data folder could not be made (initdb)", said)
        fresh.rename(self._place.data)
        folder = os.open(self._place.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _tools(self) -> Path:
        """The binaries that fit the data folder."""
        try:
            major = int((self._place.data / "PG_VERSION").read_text(encoding="ascii"))
        except (OSError, ValueError):
            raise self._error(
                f"{self._place.data} is no complete data folder: restore it from a backup", ""
            ) from None
        brought = installs()
        if major not in brought:
            raise self._error(
                f"The data in {self._place.data} is of PostgreSQL {major}, the wheel brings {sorted(brought)}. "
                f"Dump it with the old wheel and restore it into a new home, {ELSEWHERE}",
                "",
            )
        return self._place.binaries(brought[major])

    def _launch(self, tools: Path) -> str:
        """Try once to start the server; empty, or why it failed."""
        left = PidFile(self._place.data)
        if left.alive():
            if left.status != "ready" or (self._socket_folder() / SOCKET_NAME).exists():
                return "already running"  # it is on its way up or down
            self._halt()  # its socket was cleared away (a logout, a cleaner of /tmp): nobody can reach it any more
        left.forget(self._place.sockets())
        self._place.forget_other_binaries(tools)
        if self.log.exists() and self.log.stat().st_size > LOG_ROTATED_AT:
            self.log.replace(self.log.with_suffix(".log.1"))
        before = len(read_log(self.log))
        settings = SETTINGS | {"unix_socket_directories": f'"{self._place.sockets()}"'}
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        code, said = self._place.run(
            tools / "pg_ctl", "start", "-D", self._place.data, "-l", self.log, "-o", options,
            "-w", "-t", f"{max(1, int(self._patience))}", seconds=self._patience + 10,
        )  # fmt: skip
        return f"{said}{read_log(self.log)[before:]}" if code else ""

    def _halt(self) -> None:
        seconds = max(1, int(self._patience))
        code, said = self._place.run(
            self._tools() / "pg_ctl", "stop", "-D", self._place.data, "-m", "fast", "-w", "-t", f"{seconds}",
            seconds=seconds + 10,
        )  # fmt: skip
        if code and PidFile(self._place.data).alive():
            raise self._error("PostgreSQL did not stop", said)

    # --- what is there

    def _socket_folder(self) -> Path:
        """Where the running server listens, which its starter chose; else where the next one will."""
        found = PidFile(self._place.data)
        return (found.socket_folder if found.alive() else None) or self._place.sockets()

    def _where(self) -> str:
        folder = str(self._socket_folder())
        return make_conninfo("", host=folder, port=5432, user=NAME, dbname="postgres", connect_timeout=10)

    def _answers(self) -> bool:
        """Whether the server takes connections. One that is only full does."""
        return PidFile(self._place.data).alive() and pq.PGconn.ping(self._where().encode()) == pq.Ping.OK

    def _error(self, what: str, detail: str) -> PostgresError:
        said = [line for line in detail.splitlines() if line.strip()][-8:]
        logged = read_log(self.log).splitlines()[-8:]
        return PostgresError("\n".join([f"{what}.", *said, f"Last lines of {self.log}:", *logged, advice(detail)]))
