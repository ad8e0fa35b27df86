"""Handing over: parcel after parcel is scanned out and counted, the list printed and signed, the evening compared."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from dispatch.approval.within import Within
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI, day_told
from dispatch.packing.collection import (
    abandon_collection,
    close_collection,
    open_collection,
    scan_all_out,
    scan_out,
    take_back,
)
from dispatch.packing.counted import count_collection
from dispatch.packing.put_back import put_back
from dispatch.packing.sign_list import (
    SIGNED_WITHIN_DAYS,
    Made,
    find_list,
    lists_of,
    print_list,
    sign_list,
    unsigned_lists,
)
from dispatch.staff.role import Right
from dispatch.tracking.collected import compare

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Giver = Annotated[Desk, needs(Right.HAND_OVER)]
Looker = Annotated[Desk, needs(Right.HAND_OVER, Right.OVERVIEW)]
"""Lists of the past are for whoever compares the bill with them, too."""
PAGE = "/console/hand-over"
Text = Annotated[str, Form(max_length=512)]


@router.get(PAGE)
def overview(desk: Giver) -> Response:
    """Each carrier with what waits for its postman, today's lists, and what is not signed of the last days."""
    within = desk.scope.within()
    counted = [(name, count_collection(desk.world, name, within)) for name in desk.world.carriers]
    waiting = [(name, desk.world.title(name), one) for name, one in counted if one.expected or one.opened_by]
    lists = lists_of(desk.world, _today(desk), _lists(desk))
    unsigned = [] if desk.scope.today_only else unsigned_lists(desk.world, _lists(desk))
    return desk.page("hand_over.html", waiting=waiting, lists=lists, unsigned=unsigned, days=SIGNED_WITHIN_DAYS)


@router.get(PAGE + "/lists")
def lists_of_a_day(desk: Looker, day: str = "") -> Response:
    """The posting lists of a day, to be looked at and printed again."""
    shown = _day(desk, day)
    return desk.page(
        "hand_over_lists.html", day_shown=shown.isoformat(), lists=lists_of(desk.world, shown, _lists(desk))
    )


@router.get(PAGE + "/compare")
def compared(desk: Giver, day: str = "") -> Response:
    """What was handed over on a day, against the post's own traces."""
    shown = _day(desk, day)
    rows = compare(desk.world, shown, _lists(desk))
    missing = sum(row.missing for row in rows)
    return desk.page("hand_over_compare.html", day_shown=shown.isoformat(), rows=rows, missing=missing)


@router.get(PAGE + "/list/{number}.pdf")
def printed(desk: Looker, number: str) -> Response:
    """The posting list in two copies."""
    _find(desk, number)
    body = print_list(desk.world, number, desk.by)
    headers = {**HEADERS, "Content-Disposition": f'inline; filename="{number}.pdf"'}
    return Response(body, media_type="application/pdf", headers=headers)


@router.get(PAGE + "/list/{number}/sign")
def sign_page(desk: Giver, number: str) -> Response:
    """For the postman's name and hand."""
    return desk.page("hand_over_sign.html", made=_find(desk, number), days=SIGNED_WITHIN_DAYS)


@router.post(PAGE + "/list/{number}/sign")
def signed(desk: Giver, number: str, postman: Text = "", signature: Annotated[str, Form()] = "") -> Response:
    """Signed on the screen."""
    _find(desk, number)
    sign_list(desk.world, number, postman, signature, desk.by)
    return desk.to(PAGE, gettext_in(desk.language)("签名已存。"))


@router.post(PAGE + "/put-back")
def never_left(desk: Giver, waybill: Text = "", carrier: Text = "", day: Text = "") -> Response:
    """It was scanned out, and lies on the desk still. The post's own clerk mends the lists of today alone."""
    since = _midnight(desk) if desk.scope.today_only else None
    number = put_back(desk.world, waybill, desk.by, carrier=carrier, within=_lists(desk), since=since)
    said = gettext_in(desk.language)("已从清单 {number} 放回待交寄，可再扫描交寄。").format(number=number)
    return desk.to(f"{PAGE}/compare?day={_day(desk, day)}" if day else PAGE, said)


@router.get(PAGE + "/{carrier}")
def counting(desk: Giver, carrier: str) -> Response:
    """A carrier's collection: parcels on one side, the count on the other."""
    return _answer(desk, carrier)


@router.post(PAGE + "/{carrier}/open")
def opened(desk: Giver, carrier: str) -> Response:
    """Begin, or go on with what a colleague began."""
    fresh = open_collection(desk.world, carrier, desk.by)
    _ = gettext_in(desk.language)
    said = _("请逐件扫描面单条码。") if fresh else _("同事已经开始，接着扫即可。")
    return desk.to(f"{PAGE}/{carrier}", said, "note")


@router.post(PAGE + "/{carrier}/scan")
def scanned(desk: Giver, carrier: str, code: Annotated[str, Form(alias="scan", max_length=512)] = "") -> Response:
    """One parcel."""
    try:
        out = scan_out(desk.world, carrier, code, desk.by, desk.scope.within())
    except (NotFoundError, NotAllowedError) as error:
        return _answer(desk, carrier, 404 if isinstance(error, NotFoundError) else 409, wrong=str(error))
    _ = gettext_in(desk.language)
    if out.again:
        return _answer(
            desk, carrier, done=f"{out.waybill_no} {_('先前已经计入，没有重复计。')}（{out.by}）", again=True
        )
    return _answer(desk, carrier, done=f"{out.waybill_no} {_('已计入。')}")


@router.post(PAGE + "/{carrier}/all")
def all_out(desk: Giver, carrier: str) -> Response:
    """All that are packed, without scanning each."""
    count = scan_all_out(desk.world, carrier, desk.by, desk.scope.within())
    return desk.to(f"{PAGE}/{carrier}", f"{gettext_in(desk.language)('已整批计入：')}{count}")


@router.post(PAGE + "/{carrier}/back")
def back(desk: Giver, carrier: str, waybill: Text = "") -> Response:
    """One stays after all."""
    take_back(desk.world, carrier, waybill, desk.by, desk.scope.within())
    return desk.to(f"{PAGE}/{carrier}", f"{waybill} {gettext_in(desk.language)('已取回，没有交寄。')}")


@router.post(PAGE + "/{carrier}/close")
def closed(desk: Giver, carrier: str, shown: Annotated[int, Form()]) -> Response:
    """The postman takes them: as many as the page has shown, of whatever department."""
    made = close_collection(desk.world, carrier, desk.by, shown)
    _ = gettext_in(desk.language)
    stays = f"{_('留下未交：')}{'、'.join(made.stays)}" if made.stays else ""
    return desk.to(PAGE, f"{_('已交寄，清单编号：')}{made.number}（{made.count}）{stays}")


@router.post(PAGE + "/{carrier}/abandon")
def abandoned(desk: Giver, carrier: str) -> Response:
    """The postman did not come; what other departments have counted out is theirs."""
    others = abandon_collection(desk.world, carrier, desk.by, desk.scope.within())
    _ = gettext_in(desk.language)
    if others:
        said = _("您部门的邮件都已取回；其他部门计入的 {count} 件照交。").format(count=others)
        return desk.to(PAGE, said, "note")
    return desk.to(PAGE, _("本次交寄作罢，邮件都还在待交寄。"), "note")


def _answer(
    desk: Desk, carrier: str, status: int = 200, *, wrong: str = "", done: str = "", again: bool = False
) -> Response:
    title = desk.world.carrier(carrier).title
    counted = count_collection(desk.world, carrier, desk.scope.within())
    told = {"carrier": carrier, "title": title, "counted": counted, "wrong": wrong, "done": done, "again": again}
    if desk.request.headers.get("hx-request"):
        return desk.part("part_hand_over.html", status, **told)
    return desk.page("hand_over_count.html", status, **told)


def _today(desk: Desk) -> date:
    return desk.world.now().astimezone(SHANGHAI).date()


def _find(desk: Desk, number: str) -> Made:
    """A list within reach; the post's own clerk sees those of today alone. Raises NotFoundError."""
    return find_list(desk.world, number, _lists(desk), _midnight(desk) if desk.scope.today_only else None)


def _midnight(desk: Desk) -> datetime:
    return datetime.combine(_today(desk), time(), SHANGHAI)


def _lists(desk: Desk) -> Within:
    """What was handed over today has left the desk, and whoever handed it over still sees its list."""
    return Within(desk.scope.of_cases(), desk.scope.of_shipments())


def _day(desk: Desk, told: str) -> date:
    today = _today(desk)
    if desk.scope.today_only or not told:
        return today
    return max(min(day_told(told), today), today - timedelta(days=3660))
