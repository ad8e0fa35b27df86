"""The calendar of working days, for the administrator: a year, a day, the whole arrangement."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.arrangement import how_far, say_day, show_year, take_arrangement
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.errors import NotAllowedError
from dispatch.staff.role import Right
from dispatch.working_days import day_of

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Administrator = Annotated[Desk, needs(Right.CALENDAR)]
HERE = "/console/calendar"


@router.get(HERE)
def shown_year(desk: Administrator, year: int = 0) -> Response:
    """What differs from Monday to Friday, and two forms."""
    today = day_of(desk.world.now())
    shown = show_year(desk.world, year or today.year)
    with desk.world.reading() as session:
        known = how_far(session, desk.world.now())
    return desk.page("calendar.html", shown=shown, known=known)


@router.post(HERE)
def set_day(
    desk: Administrator,
    day: Annotated[str, Form(max_length=10)] = "",
    works: Annotated[bool | None, Form()] = None,
    note: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The hall works on this day, or does not."""
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        raise NotAllowedError("日期读不懂，没有改。应如 2026-02-14。") from None
    if works is None:
        raise NotAllowedError("请选上班还是休息，没有改。")
    say_day(desk.world, chosen, note, desk.by, works=works)
    return desk.to(f"{HERE}?year={chosen.year}", gettext_in(desk.language)("工作日历已改。"))


@router.post(f"{HERE}/year")
def take_year(desk: Administrator, lines: Annotated[str, Form(max_length=40_000)] = "") -> Response:
    """The arrangement of a year, all of it or nothing."""
    year, many = take_arrangement(desk.world, lines, desk.by)
    told = gettext_in(desk.language)("{year} 年的安排已录入：{many} 天。").format(year=year, many=many)
    return desk.to(f"{HERE}?year={year}", told)
