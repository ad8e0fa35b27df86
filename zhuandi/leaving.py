"""When a process leaves: told by a signal, or because its parent is gone."""

import os
import signal
import threading

from zhuandi.context import CHILD


def leave_with_parent() -> None:
    """A child whose parent was killed must not live on beside the next one: SIGTERM to itself when stdin ends."""
    if os.environ.get(CHILD):
        threading.Thread(target=_await_parent, daemon=True, name="parent").start()


def _await_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def until_told() -> threading.Event:
    """An event that SIGTERM or SIGINT sets."""
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    leave_with_parent()
    return leave
