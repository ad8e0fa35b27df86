"""When a process begins and leaves: told by its parent or by a signal, or because its parent is gone."""

import os
import signal
import sys
import threading

from zhuandi.context import CHILD

BEGIN = b"\n"
"""What the house writes to a child's stdin once its database stands: until then the child has loaded its modules."""


def leave_with_parent() -> None:
    """A child of the house waits here until it may begin, and gets a SIGTERM when its stdin ends.

    One whose parent was killed must not live on beside the next one.
    """
    if os.environ.get(CHILD):
        if not os.read(0, len(BEGIN)):
            sys.exit("the house is gone")
        threading.Thread(target=_await_parent, daemon=True, name="parent").start()


def _await_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def until_told() -> threading.Event:
    """An event that SIGTERM or SIGINT sets."""
    leave_with_parent()  # whoever still waits to begin leaves at the first signal
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    return leave
