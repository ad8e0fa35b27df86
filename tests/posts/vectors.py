"""Published and twice computed samples (CARRIERS §9), from the copy that ships with the tests."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

COPY = Path(__file__).parents[1] / "vectors.json"
GIVEN = COPY.parents[2] / "shared" / "vectors.json"
"""Where the samples came from; beside a user's checkout there is no such folder."""
VECTORS: Mapping[str, Any] = json.loads(COPY.read_text(encoding="utf-8"))


class Sample(Mapping[str, Any]):
    """One entry, which knows what of it was looked at."""

    def __init__(self, entry: Mapping[str, Any] | list[str]) -> None:
        self._entry = entry if isinstance(entry, Mapping) else dict(zip(entry, entry, strict=True))
        self.unread = set(self._entry)

    def __getitem__(self, name: str) -> Any:
        self.unread.discard(name)
        return self._entry[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entry)

    def __len__(self) -> int:
        return len(self._entry)
