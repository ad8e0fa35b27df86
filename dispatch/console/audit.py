"""The audit log, for the auditor: looked through, verified, taken out."""

from contextlib import suppress
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from dispatch.audit import DEEDS, Deed, Verdict, verify
from dispatch.auditing.export import export_log
from dispatch.auditing.look import Sought, look_through
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.page import HEADERS
from dispatch.errors import NotAllowedError
from dispatch.hall_time import SHANGHAI, day_told
from dispatch.staff.member import members
from dispatch.staff.role import Right

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Auditor = Annotated[Desk, needs(Right.AUDIT)]
HERE = "/console/audit"
Text = Annotated[str, Form()]
Before = Annotated[int | None, Query(ge=0, lt=2**63)]


@router.get(HERE)
def audit_page(
    desk: Auditor, by: str = "", deed: str = "", subject: str = "", day: str = "", before: Before = None
) -> Response:
    """Newest first, filtered as the URL says; what is no deed and no day is not asked."""
    return _page(desk, _sought(by, deed, subject, day), before)


def _page(desk: Desk, sought: Sought, before: int | None = None, verdict: Verdict | None = None) -> Response:
    shown = look_through(desk.world, sought, before)
    with desk.world.reading() as session:
        people = [member.login for member in members(session)]
    filters = _filters(sought)
    older = urlencode({**filters, "before": shown.before}) if shown.before else ""
    return desk.page(
        "audit.html",
        shown=shown,
        sought=sought,
        people=people,
        deeds=DEEDS,
        filters=filters,
        older=older,
        verdict=verdict,
    )


def _sought(by: str, deed: str, subject: str, day: str) -> Sought:
    when = None
    with suppress(NotAllowedError):
        when = day_told(day)
    return Sought(by.strip(), Deed(deed) if deed in set(Deed) else None, subject.strip(), when)


def _filters(sought: Sought) -> dict[str, str]:
    told = {"by": sought.by, "deed": str(sought.deed or ""), "subject": sought.subject, "day": str(sought.day or "")}
    return {name: value for name, value in told.items() if value}


@router.post(HERE + "/verify")
def verify_log(desk: Auditor, anchor: Text = "") -> Response:
    """Walk the chain, and show what it says."""
    return _page(desk, Sought(), verdict=verify(desk.world, anchor.strip()))


@router.post(HERE + "/export")
def export(desk: Auditor, by: Text = "", deed: Text = "", subject: Text = "", day: Text = "") -> Response:
    """The same lines as a table; that it was taken out is noted."""
    told = export_log(desk.world, _sought(by, deed, subject, day), desk.by)
    named = f"audit-{desk.world.now().astimezone(SHANGHAI):%Y%m%d-%H%M%S}.csv"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{named}"'}
    return Response(told, media_type="text/csv; charset=utf-8", headers=headers)
