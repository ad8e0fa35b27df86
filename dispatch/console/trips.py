"""What applicants say of their trips, and the supervisor's ruling where that differs from the ledger."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.api.shell import RefusedError
from dispatch.approval.published import publish_trips, published_trips
from dispatch.console.guard import ConsoleRoute, Desk, FormKey, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import case_url
from dispatch.measured.overview import this_month
from dispatch.staff.role import Right
from dispatch.visits import Asked
from dispatch.zero_visits.trips.ruling import rule
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from dispatch.zero_visits.trips.to_rule import over_in, to_rule

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Telling = Annotated[Desk, needs(Right.TESTIMONY)]
Ruling = Annotated[Desk, needs(Right.RULE)]
LIST = "/console/rulings"


@router.get(LIST)
def waiting(desk: Ruling, page: int = 1, month: str = "") -> Response:
    """What waits for a ruling, what of a month is more than published, and what is published."""
    within, chosen = desk.scope.within(), month or this_month(desk.world)
    return desk.page(
        "rulings.html",
        shown=to_rule(desk.world, within, page),
        over=over_in(desk.world, chosen, within),
        month=chosen,
        published=published_trips(desk.world),
    )


@router.post("/console/case/{case_no}/testimony")
def told(
    desk: Telling,
    case_no: str,
    way: Annotated[Asked, Form()],
    office_trips: Annotated[int, Form()],
    trips: Annotated[int, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
    form_key: FormKey = None,
) -> Response:
    """An applicant's word; a sample is the supervisor's own question."""
    if way is Asked.SAMPLE and not desk.may(Right.RULE):
        raise RefusedError(403, "not_yours", "抽查回访由督查人员办。")
    said = Said(way, office_trips, trips, note, form_key)
    stands = take_testimony(desk.world, case_no, said, desk.by, desk.scope.within())
    _ = gettext_in(desk.language)
    words = _("群众反映已记，与记录不一致，待督查裁定。") if stands.differs_since else _("群众反映已记，与记录一致。")
    return desk.to(case_url(case_no), words)


@router.post("/console/case/{case_no}/rule")
def ruled(
    desk: Ruling,
    case_no: str,
    stands: Annotated[str, Form(max_length=36)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    shown: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Which figure stands."""
    rule(desk.world, case_no, stands, desk.by, reason, shown, desk.scope.within())
    return desk.back(gettext_in(desk.language)("已裁定。"))


@router.post(f"{LIST}/published")
def published(
    desk: Ruling,
    item: Annotated[str, Form(max_length=50)],
    trips: Annotated[int, Form()],
    shown: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """How many trips to an office are published for an item."""
    publish_trips(desk.world, item, trips, desk.by, shown)
    return desk.to(LIST, gettext_in(desk.language)("公布的次数已改。"))
