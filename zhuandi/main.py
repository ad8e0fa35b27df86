"""The command `zhuandi`: everything the service can do, from an installed wheel too."""

import ctypes
import gc
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, cast

import structlog
import typer
from typer.core import TyperGroup
from typer.main import get_group

GROUPS = ("client", "admin", "audit", "keys", "printers", "retention", "reconcile", "calendar")
"""Modules that are one command with others below it; of every other module each command is one of ours."""
MODULES: Mapping[str, tuple[str, ...]] = {
    "up": ("up",),
    "demo": ("demo",),
    "doctor": ("doctor",),
    "road": ("road",),
    "client": ("client",),
    "admin": ("admin",),
    "audit": ("audit",),
    "keys": ("keys",),
    "retention": ("retention",),
    "arrive": ("import", "enter", "paper", "paper-back", "papers", "slip"),
    "desk": (
        *("release", "hold", "unhold", "item", "to-pack", "pack", "unpack"),
        *("hand-over", "doubt", "book-again"),
    ),
    "printing": ("print",),
    "batches": ("batches", "batch", "retry", "came-out", "print-stop"),
    "printers": ("printers",),
    "counter": (
        *("count-out", "count-close", "posting-lists", "put-back", "sign-list", "compare", "photograph", "pictures"),
        *("window", "window-pull", "window-give", "call", "call-number"),
    ),
    "look": ("worklist", "settle", "received", "trace", "report"),
    "put_right": (*("take", "give-back", "solve", "reopen", "send-again", "keep", "declare-lost", "overview"),),
    "trips": ("testimony", "rulings-due", "rule"),
    "posts": ("posts", "turned-away", "orphans", "relabel", "cancel", "cancelled", "reroute", "reach"),
    "routes": ("clear-item", "withdraw-item", "rulings", "route", "routes", "numbers"),
    "errands": ("errands", "errand-recipient", "errand-report"),
    "serve": ("migrate",),
    "serve_api": ("api",),
    "serve_jobs": ("worker", "clock"),
    "serve_practice": ("sandbox-post", "postman"),
    "serve_identity": ("sandbox-identity",),
    "backup": ("backup", "restore", "backup-key"),
    "reconcile": ("reconcile",),
    "calendar": ("calendar",),
}
MODULE_OF = {command: module for module, commands in MODULES.items() for command in commands}


class Commands(Mapping[str, Any]):
    """By name, each loaded when it is called: a worker carries neither the doors nor the sandbox posts."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, MODULE_OF[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULE_OF)

    def __len__(self) -> int:
        return len(MODULE_OF)


def _load(name: str, module: str) -> Any:
    # What modules make stays. Looking it through for garbage is a sixth of loading them, and a tenth of a second
    # in which nobody is answered each time it is done later: three hundred thousand objects.
    gc.disable()
    try:
        loaded = import_module(f"zhuandi.{module}")
    finally:
        gc.freeze()
        gc.enable()
    group = get_group(loaded.app)
    if module not in GROUPS:
        return group.commands[name]
    group.name = name
    return group


class Lazily(TyperGroup):
    """A group whose commands are loaded when they are called."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.commands = cast("Any", Commands())  # nothing is added to it


app = typer.Typer(help="政务专递：办结的证照，由邮政送到手里，一次也不用跑。", no_args_is_help=True, cls=Lazily)


@app.callback()
def _all_commands() -> None:
    """Nothing is done before a command."""


SWITCH_SECONDS = 0.0005
"""Who has the database's answer waits no longer than this for a thread that computes (Python's own: ten times)."""

HEAPS, M_ARENA_MAX = 2, -8
"""glibc gives each thread a heap of its own, and what one has freed there no other may use; an API process has forty
threads. -8 is malloc.h's number for how many heaps there may be.
"""


def main() -> None:
    """Entry point: logs go to stderr as lines of JSON, so that stdout is for people and programs that ask."""
    sys.setswitchinterval(SWITCH_SECONDS)
    with suppress(AttributeError, OSError, TypeError):  # another C library: it has its own ways
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    threading.excepthook = _logged
    app()


def _logged(failure: threading.ExceptHookArgs) -> None:
    # A traceback of a thread may hold personal data in its message: only its kind is logged.
    structlog.get_logger().error("thread.died", error=failure.exc_type.__name__)
