"""Where processes come from: one that has loaded everything forks real commands, each in a moment.

It reads orders as lines of JSON and answers each with one; when nobody gives orders any more, all it made are killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import zhuandi.main
from dispatch import crash
from zhuandi.main import MODULES


class Nursery:
    """The harness's side: `zhuandi …` as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, words: list[str], environment: Mapping[str, str], log: Path) -> int:
        """A process that runs this command in this environment; its id."""
        return self._say({"words": words, "environment": dict(environment), "log": str(log)})

    def ended(self, pid: int) -> int | None:
        """How it ended (negative: the signal), or None while it lives."""
        return self._say({"pid": pid})

    def kill(self, pid: int) -> None:
        """SIGKILL, and gone."""
        self._say({"pid": pid, "kill": True})

    def close(self) -> None:
        """Nothing of it is left."""
        self._process.communicate()

    def _say(self, order: object):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _serve() -> None:
    for name in MODULES:
        import_module(f"zhuandi.{name}")
    ended: dict[int, int] = {}
    alive: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "words" in order:
            pid = _start(order)
            alive.add(pid)
            answer: int | None = pid
        else:
            answer = _look(order["pid"], ended, kill=order.get("kill", False))
        print(json.dumps(answer), flush=True)
    for pid in alive - ended.keys():
        os.kill(pid, signal.SIGKILL)


def _look(pid: int, ended: dict[int, int], *, kill: bool) -> int | None:
    if pid in ended:
        return ended[pid]
    if kill:
        os.kill(pid, signal.SIGKILL)
    found, status = os.waitpid(pid, 0 if kill else os.WNOHANG)
    if found:
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended.get(pid)


def _start(order: dict) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(number, target)
        os.environ.clear()
        os.environ.update(order["environment"])
        crash.arm(os.environ)
        sys.argv = ["zhuandi", *order["words"]]
        zhuandi.main.main()
    except SystemExit as leave:
        code = leave.code
        os._exit(code if isinstance(code, int) else bool(code))
    except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _serve()
