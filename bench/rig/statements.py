"""What PostgreSQL was really told, by its own log: the service's statements, the broker's, and every commit."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from psycopg import sql
from sqlalchemy import make_url

from bench.rig.site import Bench, Site

SAID = re.compile(r"^\S+ \S+ \S+ \[(?P<pid>\d+)\] LOG:  (?:statement|execute [^:]+): (?P<text>.*)$")
ENDS = re.compile(r"^\S+ \S+ \S+ \[\d+\] ")
LIST = re.compile(r"\((?:\$\d+(?:::\w+(?:\[\])?)?, )+\$\d+(?:::\w+(?:\[\])?)?\)")
OPENS, COMMITS, ROLLS_BACK, PINGS = "BEGIN", "COMMIT", "ROLLBACK", ";"
MARKS = (OPENS, COMMITS, ROLLS_BACK, PINGS)
"""What is counted apart; the empty statement is how the pool asks whether a connection lives."""


@dataclass
class Told:
    """Statements by who told them and by their text, lists of values made short; one whole text of each."""

    statements: Counter[tuple[str, str]] = field(default_factory=Counter)
    marks: Counter[tuple[str, str]] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Statements without those that are counted apart."""
        return self.statements.total()

    def mark(self, which: str) -> int:
        """How many of these."""
        return sum(count for (_, mark), count in self.marks.items() if mark == which)


@contextmanager
def written_down(site: Site) -> Iterator[None]:
    """Whoever connects to the site's database from now on has every statement logged, without its values."""
    name = sql.Identifier(make_url(site.database_url).database or "").as_string()
    site.administer(f"ALTER DATABASE {name} SET log_statement = 'all'")
    try:
        yield
    finally:
        site.administer(f"ALTER DATABASE {name} RESET log_statement")


@contextmanager
def heard(bench: Bench, site: Site) -> Iterator[Told]:
    """What is told to the site's database within the block, if it is `written_down`."""
    told, began = Told(), bench.postgres.log.stat().st_size
    yield told
    names = site.names()
    with bench.postgres.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(began)
        for pid, words in _statements(log):
            if pid in names:
                _count(told, names[pid], words)


def _count(told: Told, name: str, words: str) -> None:
    flat = " ".join(words.split())
    first = flat.partition(" ")[0].rstrip(";").upper() or PINGS
    if first in MARKS:
        told.marks[name, first] += 1
    else:
        short = LIST.sub("(…)", flat)
        told.statements[name, short] += 1
        told.texts[short] = flat


def _statements(log: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Backend and words; a statement goes on until another line of the log begins."""
    pid, words = 0, None
    for line in log:
        if not ENDS.match(line):
            words = None if words is None else f"{words} {line.strip()}"
            continue
        if words is not None:
            yield pid, words
        found = SAID.match(line)
        pid, words = (int(found["pid"]), found["text"]) if found else (0, None)
    if words is not None:
        yield pid, words
