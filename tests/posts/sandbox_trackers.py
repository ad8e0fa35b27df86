"""What the tests of both sandbox trackers need: waybill numbers, a customer's line, and the counter."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from tests.posts.sandbox_steps import Arrived, are_through, caller

ROOT = Path(__file__).parents[2]
NAME, STREET = "蓝小雨", "团结西路8号"
_COUNT = itertools.count(1)


def number(digits: str) -> str:
    """A waybill number that nobody had; the digits choose its story."""
    return f"11{next(_COUNT):09d}{digits}"


def stories_told(section: str) -> dict[str, str]:
    """Digits and titles of one section of the document."""
    text = (ROOT / "docs" / "sandbox-post-trackers.md").read_text(encoding="utf-8")
    part = text.partition(f"\n## {section}")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| (\d\d) \| ([^|]+?) \|", part, re.MULTILINE))


class Acks:
    """How a customer's door answers: `words`, or what was put into `next_words` for the next calls."""

    def __init__(self, words: Callable[[], bytes]) -> None:
        self.words = words
        self.next_words: list[tuple[int, bytes]] = []

    def __call__(self, _push: Arrived) -> tuple[int, bytes]:
        return self.next_words.pop(0) if self.next_words else (200, self.words())


class Line:
    """A customer's line to one tracker, and to its counter."""

    def __init__(self, url: str) -> None:
        self.http = caller(url)

    def send(self, path: str, form: dict[str, str]) -> httpx2.Response:
        return self.http.post(path, data=form)

    def collect(self, *numbers: str) -> None:
        said = self.http.post("/counter/collect", json={"waybills": list(numbers)}).json()
        assert said["collected"] == list(numbers)

    def spoil(self, **faults: list[str]) -> None:
        assert self.http.post("/faults", json=faults).status_code == 200

    def is_through(self, *waybill_nos: str) -> bool:
        """Everything happened to these, and every push of them is done with."""
        return are_through(self.http, *waybill_nos)

    def entry(self, waybill_no: str) -> dict[str, Any]:
        orders = self.http.get("/books").json()["orders"]
        (entry,) = [entry for entry in orders if entry["waybill_no"] == waybill_no]
        return dict(entry)
