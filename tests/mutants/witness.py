"""A plugin for pytest: whatever was tested came from the checkout that the tests came from, and from no other."""

import sys
from pathlib import Path

import pytest

OURS = frozenset({"dispatch", "workers", "sandbox", "zhuandi", "tests"})
FOREIGN = 97
"""How pytest ends where something was imported from elsewhere."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A mutant that survives in code that nobody ran would prove nothing."""
    root = session.config.rootpath
    loaded = [
        (name, module.__file__)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in OURS and getattr(module, "__file__", None)
    ]
    foreign = [f"{name} ({file})" for name, file in loaded if not Path(file).is_relative_to(root)]
    if foreign or not loaded:
        pytest.exit(f"not from {root}: {', '.join(foreign) or 'nothing was loaded'}", FOREIGN)
