"""The hall's working days: what an operator has said of a day, over what the library knows of a year.

Time by which somebody at the hall should have moved runs on working days only, 24 hours on each (`due_at`). A day is
one of Shanghai's, from midnight to midnight; a leap second changes none of it, for neither Python's nor PostgreSQL's
time has one. A year that nobody knows is reckoned Monday to Friday, and that it is missing is told (`known_until`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import chinese_calendar
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base
from dispatch.hall_time import SHANGHAI
from dispatch.journey import WAITS_FOR_THE_HALL, View
from dispatch.world import World

DAY = timedelta(days=1)
RECENT_SECONDS = 60.0
SATURDAY = 5
KEPT = "calendar"
"""Key in `Session.info`: one look asks the table once, and the next look asks anew, for another process may have said
more."""
PUBLISHED = range(min(chinese_calendar.constants.holidays).year, max(chinese_calendar.constants.holidays).year + 1)
"""Years whose arrangement the library has."""
OFF_EVERY_YEAR = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
"""Holidays by law that never move; of those that do, Spring Festival is never missing either."""
SPRING_FESTIVAL = ((1, 20), (2, 22))
"""Its days by law lie between these."""
TOLD_BEFORE = 30
"""Days before the known calendar ends, from which that is told."""


class CalendarDay(Base):
    """What an operator said of a day, whatever the library says of it."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    works: Mapped[bool]
    note: Mapped[str]
    said_by: Mapped[str]
    said_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Calendar:
    """`said`: what operators said, by day."""

    said: Mapping[date, bool]

    def works(self, day: date) -> bool:
        """Whether the hall works on this day of Shanghai's."""
        if (said := self.said.get(day)) is not None:
            return said
        if day.year in PUBLISHED:
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < SATURDAY

    def knows(self, year: int) -> bool:
        """Whether the year's arrangement is known: published, or said so far that no holiday of every year lacks."""
        if year in PUBLISHED:
            return True
        moved = (day for day in _between(date(year, *SPRING_FESTIVAL[0]), date(year, *SPRING_FESTIVAL[1])))
        return not any(self.works(date(year, *one)) for one in OFF_EVERY_YEAR) and any(
            day.weekday() < SATURDAY and not self.works(day) for day in moved
        )

    def known_until(self, today: date) -> date | None:
        """The last day of the known years from this one on; None: this year itself is missing."""
        year = today.year
        while self.knows(year):
            year += 1
        return date(year - 1, 12, 31) if year > today.year else None

    def days_left(self, today: date) -> int:
        """Until the known calendar ends; nought where it has ended."""
        until = self.known_until(today)
        return (until - today).days if until else 0

    def later(self, since: datetime, time_off: timedelta) -> datetime:
        """The first instant by which so much time has passed on working days."""
        at, left = since.astimezone(SHANGHAI), time_off
        while left > timedelta(0):
            midnight = datetime.combine(at.date() + DAY, time(), SHANGHAI)
            if self.works(at.date()):
                if left <= midnight - at:
                    return at + left
                left -= midnight - at
            at = midnight
        return at

    def after(self, day: date, many: int) -> date:
        """The working day that is so many after this day, which itself does not count."""
        while many > 0:
            day += DAY
            many -= self.works(day)
        return day

    def last_past(self, today: date, many: int) -> date:
        """The last day of which the working day that is so many after it is over today."""
        day = today - DAY
        while self.after(day, many) >= today:
            day -= DAY
        return day


def _between(first: date, last: date) -> Iterator[date]:
    return (first + number * DAY for number in range((last - first).days + 1))


def calendar(session: Session) -> Calendar:
    """As it stands: read once for each session."""
    kept: Calendar | None = session.info.get(KEPT)
    if kept is None:
        said = session.execute(select(CalendarDay.day, CalendarDay.works)).all()
        kept = session.info[KEPT] = Calendar({day: works for day, works in said})  # noqa: C416 - rows are no pairs to mypy
    return kept


_recent: WeakKeyDictionary[Any, tuple[float, Calendar]] = WeakKeyDictionary()


def _lately(session: Session) -> Calendar:
    """As it stood within the last minute: every transaction of the road asks, and it changes once a year."""
    engine = session.get_bind()
    kept = _recent.get(engine)
    if kept is None or monotonic() - kept[0] > RECENT_SECONDS:
        kept = _recent[engine] = (monotonic(), calendar(session))
    return kept[1]


def forget_recent(world: World) -> None:
    """It has changed, and this process is to know it at once."""
    _recent.pop(world.sessions.kw["bind"], None)


def day_of(at: datetime) -> date:
    """The day in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def due_at(world: World, session: Session, since: datetime, seen: View) -> datetime:
    """Until when an envelope that came here then should have moved; on days off, what waits for the hall rests."""
    patience = world.settings.patience[seen]
    return hall_due_at(world, session, since, patience) if seen in WAITS_FOR_THE_HALL else since + patience


def hall_due_at(world: World, session: Session, since: datetime, patience: timedelta) -> datetime:
    """Until when somebody at the hall should have seen to it."""
    return since + patience if world.settings.hall_open_daily else _lately(session).later(since, patience)


def case_patience(world: World, session: Session) -> timedelta:
    """From now until a case that has no envelope is looked at (again)."""
    now = world.now()
    return hall_due_at(world, session, now, world.settings.case_patience) - now
