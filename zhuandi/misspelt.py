"""Settings that nobody reads: a name that is misspelt leaves the default standing, and says nothing.

Looked for by `zhuandi doctor` and never at a start: releases before and after this one share the file and the units.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_settings import EnvSettingsSource

from dispatch import crash
from dispatch.settings import SETTINGS_FILE, Settings
from zhuandi.backup import PASSPHRASE
from zhuandi.context import CHILD

PREFIX = "ZHUANDI_"
OTHERS = frozenset({CHILD, PASSPHRASE, crash.ARMED_BY, crash.TEST})
"""Variables that are read, and are no settings."""
OF_PRACTICE = "practice_"
"""What the sandbox posts keep in the file begins so."""
_FIELDS: dict[str, Any] = {name: (field.annotation, field) for name, field in Settings.model_fields.items()}
_AS_FILE: type[BaseModel] = create_model("_AsFile", __config__=ConfigDict(populate_by_name=True), **_FIELDS)
"""The same fields without the sources: only a model of this kind can be told to take no other."""


def misspelt(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where it stands (a variable, or the file), and the name with the one that it resembles."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | OTHERS
    for name in sorted(one for one in os.environ if one.startswith(PREFIX)):
        if name.partition("__")[0] not in known:
            yield "环境变量", _resembling(name, known)
    yield from (("环境变量", one) for one in _unread(EnvSettingsSource(Settings)()))
    file = settings.home / SETTINGS_FILE
    told = json.loads(file.read_text("utf-8")) if file.exists() else {}
    said = {name: value for name, value in told.items() if not name.startswith(OF_PRACTICE)}
    yield from ((SETTINGS_FILE, one) for one in _unread(said))


def _unread(told: Mapping[str, Any]) -> Iterator[str]:
    try:
        _AS_FILE.model_validate(told, extra="forbid")
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False):
            if one["type"] == "extra_forbidden":
                place = ".".join(map(str, one["loc"]))
                yield place if "." in place else _resembling(place, Settings.model_fields)


def _resembling(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"{name}（是不是 {near[0]}？）" if near else name
