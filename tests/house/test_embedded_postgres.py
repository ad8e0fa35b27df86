"""The embedded PostgreSQL: real servers, really killed."""

import errno
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from zhuandi.postgres import SETTINGS, EmbeddedPostgres, PostgresError
from zhuandi.postgres_place import PACKAGE, SOCKET_NAME, SYSTEM_FOLDER, installs, own_folder, short_hash
from zhuandi.postgres_state import PidFile, advice

ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]
START = """
import sys
from pathlib import Path
from zhuandi.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start())
"""

SLOW = """
import sys
import psycopg
psycopg.connect(host=sys.argv[1], user="zhuandi", dbname="zhuandi").execute(sys.argv[2])
"""


@contextmanager
def served(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, patience=20)
    try:
        yield server
    finally:
        server.stop()
        for folder in (folder_of(home), server._place.sockets()):  # for a long path, in the temp folder
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One for many tests, which may leave it running, stopped or killed."""
    with served(tmp_path_factory.mktemp("shared") / "home") as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """One that was never started."""
    with served(tmp_path / "home") as made:
        yield made


def folder_of(home: Path) -> Path:
    return SYSTEM_FOLDER / short_hash(home.resolve()) if ROOT else home.resolve() / "postgres"


def connect(url: str) -> psycopg.Connection:
    parts = make_url(url)
    host = parts.query["host"]
    assert isinstance(host, str)
    return psycopg.connect(host=host, user=parts.username, dbname=parts.database, autocommit=True)


def ask(url: str, question: str) -> object:
    with connect(url) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
        assert row is not None
        return row[0]


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.log.parent / "data" / "postmaster.pid").read_text().split()[0])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def in_a_process(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT,
                            start_new_session=True)  # fmt: skip


def marks(path: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and group of a folder and of all its parents."""
    seen = {str(folder): folder.stat() for folder in (path, *path.parents)}
    return {name: (s.st_mode, s.st_uid, s.st_gid) for name, s in seen.items()}


def test_starts_answers_and_takes_the_url_of_sqlalchemy(server: EmbeddedPostgres) -> None:
    url = server.start()
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_database() || current_user")).scalar_one() == "zhuandizhuandi"
        assert connection.execute(text("SELECT upper('é') || '政务'")).scalar_one() == "É政务"
        assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
        for name, wanted in SETTINGS.items():
            assert connection.execute(text(f"SHOW {name}")).scalar_one() == wanted, name
    engine.dispose()


def test_a_second_start_finds_the_first(server: EmbeddedPostgres) -> None:
    url = server.start()
    first = postmaster(server)
    assert EmbeddedPostgres(server._home).start() == url
    assert server.start() == url
    assert postmaster(server) == first


def test_data_survives_a_stop(server: EmbeddedPostgres) -> None:
    url = server.start()
    with connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
    assert ask(server.start(), "SELECT n FROM kept") == 7


def test_databases_come_and_go(server: EmbeddedPostgres) -> None:
    server.start()
    url = server.create_database("试 one%")
    assert server.create_database("试 one%") == url
    with connect(url) as held:
        assert ask(url, "SELECT current_database()") == "试 one%"
        server.drop_database("试 one%")
        server.drop_database("试 one%")
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(url, "SELECT 1")


@pytest.mark.parametrize("whom", ["postmaster", "all"])
def test_kill_9_keeps_what_was_committed(server: EmbeddedPostgres, whom: str) -> None:
    url = server.start()
    busy = connect(url)
    busy.execute("DROP TABLE IF EXISTS kept")
    busy.execute("CREATE TABLE kept (n int)")
    busy.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    busy.execute("BEGIN")
    busy.execute("INSERT INTO kept SELECT generate_series(1, 50000)")
    pid = postmaster(server)
    for process in [pid, *(children(pid) if whom == "all" else [])]:
        os.kill(process, signal.SIGKILL)
    again = server.start()
    assert again == url
    assert ask(again, "SELECT count(*) FROM kept") == 1000
    assert postmaster(server) != pid
    busy.close()


def test_a_backend_that_does_not_notice_that_the_server_was_killed_is_ended(server: EmbeddedPostgres) -> None:
    """One that waits in COMMIT for the lock of another that was killed let no server start until a person came."""
    url = server.start()
    with closing(connect(url)) as busy:
        unaware, was = psutil.Process(busy.info.backend_pid), postmaster(server)
        unaware.suspend()
        os.kill(was, signal.SIGKILL)
        assert ask(server.start(), "SELECT 1") == 1
        assert postmaster(server) != was
        unaware.wait(60)  # whoever inherits it may take a moment to put it away


def test_a_lock_file_that_names_a_strange_process_is_no_hindrance(server: EmbeddedPostgres) -> None:
    """As after a reboot: the noted number belongs to another process of the same account."""
    server.start()
    pid_file = server.log.parent / "data" / "postmaster.pid"
    lock = server.log.parent / f"{SOCKET_NAME}.lock"
    assert PidFile(pid_file.parent)._memory_held()
    noted, socket = pid_file.read_text(), lock.read_text()
    pid = str(postmaster(server))
    server.stop()
    identity = server._place.identity
    assert not PidFile(pid_file.parent)._memory_held()
    stranger = subprocess.Popen(["sleep", "60"], cwd="/", **identity)
    try:
        for path, content in ((pid_file, noted), (lock, socket)):
            path.write_text(content.replace(pid, str(stranger.pid), 1))
            os.chown(path, server.log.stat().st_uid, server.log.stat().st_gid)
        server.stop()
        assert stranger.poll() is None, "a stop must not hit a stranger"
        assert ask(server.start(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_lost_socket_is_made_again(server: EmbeddedPostgres) -> None:
    url = server.start()
    (Path(str(make_url(url).query["host"])) / SOCKET_NAME).unlink()
    assert ask(server.start(), "SELECT 1") == 1


def test_two_processes_start_one_server(fresh: EmbeddedPostgres) -> None:
    home = fresh._home
    both = [in_a_process(home) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0] == said[1]
    assert ask(said[0][0].strip(), "SELECT 1") == 1
    assert fresh.log.read_text().count("starting PostgreSQL") == 1


@pytest.mark.parametrize("whom", ["starter", "all"])
def test_a_half_done_initdb_is_done_again(fresh: EmbeddedPostgres, whom: str) -> None:
    process = in_a_process(fresh._home)
    folder = fresh.log.parent
    deadline = time.monotonic() + 30
    while not list(folder.glob("data.new-*/base")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    (maker,) = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    if whom == "all":  # else initdb goes on, in a folder that is pulled away under it
        os.killpg(maker, signal.SIGKILL)
    process.communicate()
    assert not (folder / "data").exists()
    assert ask(fresh.start(), "SELECT 1") == 1
    fresh.stop()
    fresh.start()
    assert not list(folder.glob("data.new-*"))


def test_modes_and_owners_outside_stay_as_they_were(fresh: EmbeddedPostgres) -> None:
    home = fresh._home
    home.mkdir(mode=0o750)
    package = installs()[max(installs())]
    watched = [home, package / "bin" / "postgres", Path.home(), Path(sys.executable)]
    before = [marks(path) for path in watched]
    fresh.stop()  # of what was never started: nothing happens
    fresh.start()
    fresh.stop()
    fresh.start()
    assert [marks(path) for path in watched] == before
    folder = folder_of(home)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder.stat().st_uid == 0) is False
    if ROOT:
        assert (home / "postgres-at").read_text().strip() == str(folder)
        assert stat.S_IMODE(SYSTEM_FOLDER.stat().st_mode) == 0o755
        assert SYSTEM_FOLDER.stat().st_uid == 0


def test_the_server_is_out_of_reach_of_ctrl_c(server: EmbeddedPostgres) -> None:
    server.start()
    assert os.getsid(postmaster(server)) != os.getsid(0)
    assert os.getpgid(postmaster(server)) != os.getpgid(0)


def test_no_personal_data_in_the_log(server: EmbeddedPostgres) -> None:
    with connect(server.start()) as connection:
        connection.execute("CREATE TABLE people (phone text PRIMARY KEY, n int)")
        connection.execute("INSERT INTO people VALUES ('13800001111', 1)")
        for phone, n in [("13800001111", "1"), ("13900002222", "13800001111x")]:
            with pytest.raises(psycopg.Error, match="13800001111"):
                connection.execute("INSERT INTO people VALUES (%s, %s::text::int)", [phone, n])
        slow = "SELECT pg_sleep(60), '13800001111'"
        with connect(server.start()) as killed:
            killed.execute("SELECT 1")
            query = subprocess.Popen([sys.executable, "-c", SLOW, killed.info.host, slow], stderr=subprocess.DEVNULL)
            busy = None
            while busy is None:
                assert query.poll() is None
                row = killed.execute("SELECT pid FROM pg_stat_activity WHERE query = %s", [slow]).fetchone()
                busy = row and row[0]
        os.kill(busy, signal.SIGKILL)
        assert query.wait(20) != 0
    assert ask(server.start(), "SELECT 1") == 1
    assert "terminated by signal 9" in server.log.read_text()
    assert "1380000" not in server.log.read_text()


def test_a_long_home_path(tmp_path: Path) -> None:
    with served(tmp_path / "长 home" / ("x" * 120)) as server:
        url = server.start()
        assert len(str(server._home)) > 107
        assert ask(url, "SELECT 1") == 1


def test_data_of_another_version_is_refused_in_words(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    version = server.log.parent / "data" / "PG_VERSION"
    was = version.read_text()
    version.write_text("11\n")
    with pytest.raises(PostgresError, match=r"is of PostgreSQL 11, the wheel brings .*DATABASE_URL"):
        server.start()
    version.write_text(was)


def test_a_failed_start_shows_the_log(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    control = server.log.parent / "data" / "global" / "pg_control"
    gone = control.rename(control.with_name("gone"))
    with pytest.raises(PostgresError, match=r"(?s)did not start.*could not.*pg_control.*DATABASE_URL"):
        server.start()
    gone.rename(control)


def test_a_full_disk_is_named(server: EmbeddedPostgres) -> None:
    said = r"(?s)No space left on device.*The disk is full: make room"
    with pytest.raises(PostgresError, match=said), server._working():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "DATABASE_URL" in advice("something new")


def test_a_foreign_socket_folder_is_refused(tmp_path: Path) -> None:
    open_to_all, link = tmp_path / "open", tmp_path / "link"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    own_folder(tmp_path / "own")
    own_folder(tmp_path / "own")
    link.symlink_to(tmp_path / "own")
    for path in (open_to_all, link):
        with pytest.raises(PostgresError, match="somebody else may wait"):
            own_folder(path)
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o777


@pytest.mark.skipif(not ROOT, reason="only root lends PostgreSQL another account")
def test_root_lends_an_account(server: EmbeddedPostgres) -> None:
    server.start()
    owner = Path(f"/proc/{postmaster(server)}").stat().st_uid
    assert owner == server.log.stat().st_uid != 0
    status = Path(f"/proc/{postmaster(server)}/status").read_text()
    groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
    assert groups.split()[1:] == []
    copies = list(folder_of(server._home).glob("binaries-*"))
    assert len(copies) == 1
    stale = copies[0].rename(copies[0].with_name("binaries-0.0.1-pginstall"))  # as after an update of the wheel
    assert server.start()
    assert stale.exists(), "never while the server runs"
    server.stop()
    server.start()
    assert not stale.exists()
    assert copies[0].exists()


@pytest.mark.skipif(not ROOT, reason="only root's data lies outside its home")
def test_a_moved_home_does_not_begin_empty(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    moved = server._home.rename(server._home.with_name("moved"))
    try:
        with pytest.raises(PostgresError, match="was moved or copied"):
            EmbeddedPostgres(moved).start()
    finally:
        moved.rename(server._home)


AS_ORDINARY_USER = """
import json, os, sys
from pathlib import Path
from urllib.parse import unquote
import psycopg
from zhuandi.postgres import EmbeddedPostgres, PostgresError
seen = {"uid": os.geteuid()}
for name, home in {"short": Path(sys.argv[1]), "long": Path(sys.argv[1]) / ("x" * 120)}.items():
    server = EmbeddedPostgres(home, patience=20)
    try:
        for _ in range(2):
            url = server.start()
            assert url == server.start()
            host = unquote(url.split("host=")[1])
            with psycopg.connect(host=host, user="zhuandi", dbname="zhuandi") as connection:
                data = Path(connection.execute("SHOW data_directory").fetchone()[0])
            modes = [oct(folder.stat().st_mode & 0o777) for folder in (home / "postgres", Path(host))]
            server.stop()
    finally:
        server.stop()
    seen[name] = {"data": str(data), "sockets": host, "modes": modes}
squat = Path(os.environ["XDG_RUNTIME_DIR"]) / Path(host).name
squat.chmod(0o755)
try:
    server.start()
except PostgresError as error:
    seen["squat"] = str(error)
finally:
    server.stop()
print(json.dumps(seen))
"""


def copied_for_everybody(folder: Path) -> tuple[list[str], dict[str, str]]:
    """An interpreter and the few packages needed, where an account without rights can read them.

    The tests' own virtual environment and its Python often lie below /root.
    """
    packages = folder / "packages"
    site = installs()[max(installs())].parents[1]
    for name in ("psycopg", "psycopg_binary", "psycopg_binary.libs", PACKAGE, f"{PACKAGE}.libs"):
        shutil.copytree(site / name, packages / name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    shutil.copy(site / "typing_extensions.py", packages)
    (packages / "zhuandi").mkdir()
    for source in (CHECKOUT / "zhuandi").glob("postgres*.py"):
        shutil.copy(source, packages / "zhuandi")
    base, version = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    copy = folder / "python"
    skipped = shutil.ignore_patterns(
        "site-packages", "test", "__pycache__", "config-*", "idlelib", "ensurepip", "*.a"
    )
    shutil.copytree(base / "lib" / version, copy / "lib" / version, symlinks=True, ignore=skipped)
    for library in (base / "lib").glob("libpython*.so*"):
        shutil.copy(library, copy / "lib", follow_symlinks=False)
    (copy / "bin").mkdir()
    shutil.copy(base / "bin" / version, copy / "bin" / version)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o555)
    command = [str(copy / "bin" / version), "-s", "-W", "error", "-c", AS_ORDINARY_USER]
    return command, {"PYTHONPATH": str(packages), "PYTHONHOME": str(copy), "LD_LIBRARY_PATH": str(copy / "lib")}


def test_an_ordinary_user_has_everything_at_home() -> None:
    """Really as one: run by root, the test lends `daemon` (or `nobody`) a copy of what it cannot read."""
    folder = Path(tempfile.mkdtemp(prefix="zhuandi-test-", dir="/tmp"))  # pytest's is closed to others
    home, runtime = folder / "home of" / "某人", folder / "run"
    try:
        command, env, uid, gid = [sys.executable, "-c", AS_ORDINARY_USER], {"PYTHONPATH": str(CHECKOUT)}, None, None
        if ROOT:
            command, env = copied_for_everybody(folder)
            account = next(entry for entry in pwd.getpwall() if entry.pw_name in {"daemon", "nobody"})
            uid, gid = account.pw_uid, account.pw_gid
        for made in (home, runtime):
            made.mkdir(parents=True, mode=0o700)
            os.chown(made, uid or -1, gid or -1)
        before = marks(home)
        done = subprocess.run([*command, str(home)], capture_output=True, text=True, cwd="/", user=uid, group=gid,
                              extra_groups=[] if ROOT else None,
                              env=env | {"XDG_RUNTIME_DIR": str(runtime), "PATH": "/usr/bin:/bin"})  # fmt: skip
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        assert marks(home) == before
    finally:
        shutil.rmtree(folder)
    assert seen["uid"] == (uid or os.geteuid()) != 0
    assert seen["short"]["data"] == str(home / "postgres" / "data")
    assert seen["long"]["sockets"].startswith(str(runtime))
    assert seen["short"]["modes"] == seen["long"]["modes"] == ["0o700", "0o700"]
    assert "somebody else" in seen["squat"]
