"""The overview: today and a month, drawn and in tables; and as a file."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.console.chart import bars, lines
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS
from dispatch.label.printer import STATE_WORDS
from dispatch.measured.export import export_overview
from dispatch.measured.overview import Overview, overview, this_month
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
ALL = 100


@router.get("/console/overview")
def shown(desk: Annotated[Desk, needs(Right.OVERVIEW)], month: str = "") -> Response:
    """A month, counted now."""
    told = overview(desk.world, desk.scope, month or this_month(desk.world))
    beside = {"charts": _charts(desk, told), "states": STATE_WORDS, "current": this_month(desk.world)}
    return desk.page("overview.html", 200, told=told, **beside)


@router.post("/console/overview.csv")
def exported(desk: Annotated[Desk, needs(Right.EXPORT)], month: Annotated[str, Form(max_length=7)] = "") -> Response:
    """The same as a file; that it was taken out is noted."""
    body = export_overview(desk.world, desk.scope, month or this_month(desk.world), desk.by)
    named = {"Content-Disposition": 'attachment; filename="overview.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers={**HEADERS, **named})


def _charts(desk: Desk, told: Overview) -> dict[str, object]:
    say = gettext_in(desk.language)
    departments = [one for one in told.departments if one.department is not None]
    return {
        "decided": bars(
            [(one.department or "", one.figures.decided, str(one.figures.decided)) for one in departments]
        ),
        "zero": bars(
            [
                (one.department or "", float(one.figures.zero_visits.percent or 0), str(one.figures.zero_visits))
                for one in departments
            ],
            ALL,
        ),
        "days": lines(
            [str(one.day.day) for one in told.days],
            [
                (say("决定"), [one.decided for one in told.days]),
                (say("交寄"), [one.sent for one in told.days]),
                (say("送达"), [one.delivered for one in told.days]),
            ],
        ),
    }
