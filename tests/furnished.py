"""A practice home for a service of a test's own: at ports that nobody else uses, with waits of the test's choice."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatch.settings import SETTINGS_FILE
from zhuandi.practice import POSTS, free_port, prepare_practice


def furnish(home: Path, further: Mapping[str, Any]) -> None:
    """Write the settings of the practice profile with `further` over them: of an account only what is named, and
    what is None is taken away."""
    prepare_practice(home)
    # Several houses stand on one machine: none of them at the usual ports.
    ports = {"listen_port": free_port(0), "practice_posts": {name: free_port(0) for name in POSTS}}
    _change(home, ports)
    prepare_practice(home)  # the addresses go with the ports
    _change(home, further)


def _change(home: Path, further: Mapping[str, Any]) -> None:
    file = home / SETTINGS_FILE
    said = json.loads(file.read_text())
    for name, value in further.items():
        said[name] = said.get(name, {}) | value if isinstance(value, dict) else value
    told = {name: value for name, value in said.items() if value is not None}
    file.write_text(json.dumps(told, ensure_ascii=False))


def told_to(home: Path, database_url: str, broker_url: str | None) -> dict[str, str]:
    """The variables that lead a process to this home, database and broker (None: the database itself)."""
    told = {"ZHUANDI_HOME": str(home), "DATABASE_URL": database_url}
    return told if broker_url is None else told | {"ZHUANDI_BROKER_URL": broker_url}


def environment_of(told: Mapping[str, str]) -> dict[str, str]:
    """For a process that is told this and nothing else: what the tests' own environment says is not for it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ZHUANDI_")}
    return {**clean, **told}
