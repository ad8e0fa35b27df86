"""The year's arrangement of days off (国务院办公厅每年秋季公布): entered whole, or a day at a time, and shown."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import chinese_calendar
from sqlalchemy import extract, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.errors import NotAllowedError
from dispatch.working_days import (
    DAY,
    KEPT,
    PUBLISHED,
    SATURDAY,
    TOLD_BEFORE,
    CalendarDay,
    calendar,
    day_of,
    forget_recent,
)
from dispatch.world import World

HEADINGS = ("day", "works", "note")
WORKS = {"yes": True, "上班": True, "no": False, "休息": False}
YEARS = range(2004, 2101)
LINES_MOST, NOTE_MOST = 400, 60
LACKING = (
    "{} 年的安排不全：元旦、春节、劳动节、国庆节的假日都要在内，没有录入。"
    "请对照国务院办公厅的通知补全，调休上班的周末也要写上。"
)


@dataclass(frozen=True, slots=True)
class DayShown:
    """A day that is not as its weekday says, or of which somebody said something. `by` is empty: the library."""

    day: date
    works: bool
    note: str
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class YearShown:
    """A year. `known`: its arrangement is there; else it is reckoned Monday to Friday."""

    year: int
    known: bool
    days: Sequence[DayShown]


@dataclass(frozen=True, slots=True)
class Known:
    """How far the calendar goes. `until` None: this year is missing. `short`: it is time to enter the next one."""

    until: date | None
    left: int

    @property
    def short(self) -> bool:
        """Whether it is told."""
        return self.left <= TOLD_BEFORE


def how_far(session: Session, now: datetime) -> Known:
    """How far the calendar goes, from today in Shanghai."""
    found, today = calendar(session), day_of(now)
    return Known(found.known_until(today), found.days_left(today))


def say_day(world: World, day: date, note: str, by: str, *, works: bool) -> None:
    """The hall works on this day, or does not, whatever was said before. Raises NotAllowedError."""
    _take(world, [(_checked(day), works, _noted(note))], by, f"calendar:{day.year}")


def take_arrangement(world: World, lines: str, by: str) -> tuple[int, int]:
    """Days of one year as CSV (`day,works,note`), all or none; the year, and how many.

    Raises NotAllowedError: a line that cannot be read, days of two years, a year that would still not be known.
    """
    days = list(_read(lines))
    years = {day.year for day, *_ in days}
    if len(years) != 1:
        raise NotAllowedError("一次录入一年的安排，没有录入：请只留同一年的日期，至少一行。")
    if len({day for day, *_ in days}) != len(days):
        raise NotAllowedError("同一天写了两次，没有录入。请只留一行。")
    [year] = years
    _take(world, days, by, f"calendar:{year}", whole=True)
    return year, len(days)


def decoded(content: bytes) -> str:
    """The text of a file as spreadsheets write it. Raises NotAllowedError."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotAllowedError("这不是 CSV 文件，没有录入。请在表格软件里另存为 CSV。")


def show_year(world: World, year: int) -> YearShown:
    """What differs from Monday to Friday in this year, and what was said. Raises NotAllowedError for no such year."""
    _check_year(year)
    with world.reading() as session:
        found = calendar(session)
        of_year = select(CalendarDay).where(extract("year", CalendarDay.day) == year)
        said = {one.day: one for one in session.scalars(of_year)}
    days = []
    for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days):
        day = date(year, 1, 1) + number * DAY
        if one := said.get(day):
            days.append(DayShown(day, one.works, one.note, one.said_by, one.said_at))
        elif found.works(day) != (day.weekday() < SATURDAY):
            days.append(DayShown(day, found.works(day), _named(day), "", None))
    return YearShown(year, found.knows(year), days)


def _named(day: date) -> str:
    """The holiday by which it is off, or for which it is worked."""
    name = chinese_calendar.get_holiday_detail(day)[1] if day.year in PUBLISHED else None
    return next((one.chinese for one in chinese_calendar.Holiday if one.value == name), "")


def _take(
    world: World, days: Sequence[tuple[date, bool, str]], by: str, subject: str, *, whole: bool = False
) -> None:
    with world.begin() as session:
        for day, works, note in days:
            told = {"works": works, "note": note, "said_by": by, "said_at": world.now()}
            session.execute(
                insert(CalendarDay).values(day=day, **told).on_conflict_do_update(index_elements=["day"], set_=told)
            )
        session.info.pop(KEPT, None)
        if whole and not calendar(session).knows(days[0][0].year):
            raise NotAllowedError(LACKING.format(days[0][0].year))
        audit.note(world, session, by, audit.Deed.SETTING, subject, _told(days))
    forget_recent(world)


def _told(days: Sequence[tuple[date, bool, str]]) -> str:
    if len(days) > 1:
        off = sum(not works for _, works, _ in days)
        return f"录入工作日安排：{off} 天休息，{len(days) - off} 天上班"
    [(day, works, note)] = days
    return f"{day} 上班：{note}" if works else f"{day} 休息：{note}"


def _read(lines: str) -> Iterator[tuple[date, bool, str]]:
    rows = list(csv.reader(lines.lstrip("\ufeff").splitlines()))
    if not rows or tuple(cell.strip() for cell in rows[0]) != HEADINGS:
        raise NotAllowedError("第一行应是 day,works,note，没有录入。")
    if len(rows) > LINES_MOST:
        raise NotAllowedError(f"最多 {LINES_MOST} 行，没有录入。")
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            yield _line(number, [cell.strip() for cell in row])


def _line(number: int, cells: Sequence[str]) -> tuple[date, bool, str]:
    try:
        day, works, *rest = cells
        return _checked(date.fromisoformat(day)), WORKS[works], _noted("，".join(rest))
    except (ValueError, KeyError):
        raise NotAllowedError(
            f"第 {number} 行读不懂，没有录入。应如：2026-02-14,上班,春节调休（休息写“休息”）。"
        ) from None


def _checked(day: date) -> date:
    _check_year(day.year)
    return day


def _check_year(year: int) -> None:
    if year not in YEARS:
        raise NotAllowedError(f"年份应在 {YEARS.start} 与 {YEARS.stop - 1} 之间。")


def _noted(note: str) -> str:
    if not note.strip() or len(note.strip()) > NOTE_MOST:
        raise NotAllowedError(f"请写明依据，如“春节调休”，不超过 {NOTE_MOST} 字。")
    return note.strip()
