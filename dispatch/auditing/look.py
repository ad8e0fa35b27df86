"""The audit log, newest first, for whoever must find one deed in it. Nobody's data is shown in it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dispatch.approval.curtain import Curtain, behind
from dispatch.audit import DEEDS, AuditEntry, Deed
from dispatch.auditing.numbers import numbers_of, subjects_of
from dispatch.auditing.whose import curtains_of
from dispatch.hall_time import SHANGHAI
from dispatch.vault import VaultError
from dispatch.world import World

PAGE = 100
BATCH = 1000
UNREADABLE = "（打不开：被改动过，或密钥不在）"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; whatever is empty is not asked. `day`: in Shanghai.

    `subject`: a number (`numbers.subjects_of`), or the beginning of a subject.
    """

    by: str = ""
    deed: Deed | None = None
    subject: str = ""
    day: date | None = None

    def conditions(self, numbered: Collection[str]) -> Iterator[ColumnElement[bool]]:
        """On `AuditEntry`. `numbered`: the subjects that `subject` is the number of."""
        if self.by:
            yield AuditEntry.by == self.by
        if self.deed is not None:
            yield AuditEntry.deed == str(self.deed)
        if numbered:
            yield AuditEntry.subject.in_(numbered)
        elif self.subject:
            yield AuditEntry.subject.startswith(self.subject, autoescape=True)
        if self.day is not None:
            begins = datetime.combine(self.day, time(), SHANGHAI)
            yield AuditEntry.at >= begins
            yield AuditEntry.at < begins + timedelta(days=1)

    def words(self) -> str:
        """The same for the log of exports."""
        told = [self.by, DEEDS[self.deed] if self.deed else "", self.subject, str(self.day or "")]
        return "、".join(word for word in told if word) or "全部"


@dataclass(frozen=True, slots=True)
class Line:
    """One deed as it is shown. `number`: by which people know the subject, where there is one. `detail`: masked;
    what `digest` is of lies in the database alone.
    """

    seq: int
    at: datetime
    by: str
    deed: str
    subject: str
    number: str
    detail: str
    digest: str


@dataclass(frozen=True, slots=True)
class Page:
    """Lines, newest first. `before`: what the next page is asked for with; None where there is none."""

    lines: Sequence[Line]
    before: int | None


def look_through(world: World, sought: Sought, before: int | None = None) -> Page:
    """One page of what is sought, older than the entry numbered `before`."""
    with world.reading() as session:
        lines = list(_lines(world, session, sought, before, PAGE + 1))
    more = len(lines) > PAGE
    return Page(lines[:PAGE], lines[PAGE - 1].seq if more else None)


def _lines(world: World, session: Session, sought: Sought, before: int | None, most: int) -> Iterator[Line]:
    numbered = subjects_of(session, sought.subject) if sought.subject else []
    query = select(AuditEntry).where(*sought.conditions(numbered)).order_by(AuditEntry.seq.desc()).limit(most)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    for entries in session.scalars(query.execution_options(yield_per=BATCH)).partitions():
        numbers = numbers_of(session, {entry.subject for entry in entries})
        curtains = curtains_of(world, session, entries)
        for entry in entries:
            yield _line(world, entry, numbers.get(entry.subject, ""), curtains.get(entry.subject, ()))


def every_line(world: World, session: Session, sought: Sought, most: int) -> Iterator[Line]:
    """All that is sought, newest first, at most so many."""
    yield from _lines(world, session, sought, None, most)


def _line(world: World, entry: AuditEntry, number: str, curtains: Sequence[Curtain]) -> Line:
    try:
        detail = behind(curtains, world.vault.open(entry, "detail"))
    except VaultError:
        detail = UNREADABLE
    word = DEEDS[Deed(entry.deed)] if entry.deed in set(Deed) else entry.deed
    return Line(entry.seq, entry.at, entry.by, word, entry.subject, number, detail, entry.digest.hex())
