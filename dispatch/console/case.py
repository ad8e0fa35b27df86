"""One case on one page, and the way to it: by a number that was typed or scanned."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from markupsafe import Markup
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from dispatch.approval.case import Case, refuse_erased
from dispatch.approval.release import hold, lift, release
from dispatch.audit import DEEDS, AuditEntry, Deed
from dispatch.booking.cancel import CALLED_OFF, call_off, void_label
from dispatch.booking.take_off import Then
from dispatch.console.guard import ConsoleRoute, Desk, needs
from dispatch.console.language import gettext_in
from dispatch.console.page import HEADERS, case_url
from dispatch.console.printing import choices_for_printing
from dispatch.console.sentence import said_in
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.journey import View
from dispatch.label.qr import QUIET_MODULES, encode, svg
from dispatch.picture import Kept, pictures_of
from dispatch.queues.find import LONGEST, SHORTEST, case_in, find
from dispatch.queues.limit import limit_of
from dispatch.reveal import log_reveal
from dispatch.staff.role import Right
from dispatch.visits import ASKED_WORDS
from dispatch.zero_visits.pickup import at_window, envelopes_of
from dispatch.zero_visits.put_right.changed import Ground, mark, unchanged
from dispatch.zero_visits.record import Envelope, record
from dispatch.zero_visits.told.by_telephone import calls_of

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
Looking = Annotated[Desk, needs(Right.SEE)]
Releasing = Annotated[Desk, needs(Right.RELEASE)]
Settling = Annotated[Desk, needs(Right.SETTLE)]
Shown = Annotated[str, Form()]


@router.get("/console/find")
def found(desk: Looking, q: str = "") -> Response:
    """Straight to the case where there is one; a list where there are several."""
    hits = find(desk.world, desk.scope, q)
    if len(hits) == 1:
        return RedirectResponse(case_url(hits[0].case_no), 303, headers=HEADERS)
    return desk.page("find.html", asked=q.strip()[:LONGEST], hits=hits, shortest=SHORTEST)


@router.get("/console/case/{case_no}")
def case(desk: Looking, case_no: str) -> Response:
    """The whole story, masked."""
    return _page(desk, case_no, reveal=False)


@router.post("/console/case/{case_no}/reveal")
def revealed(
    desk: Annotated[Desk, needs(Right.REVEAL)], case_no: str, reason: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Whose data these are, in this one answer and for the reason given; the next look is masked again."""
    chosen = case_in(desk.world, desk.scope, case_no)
    refuse_erased(chosen)
    log_reveal(desk.world, chosen.subject, desk.by, reason)
    return _page(desk, case_no, reveal=True)


@router.post("/console/case/{case_no}/hold")
def held(
    desk: Releasing,
    case_no: str,
    reason: Annotated[str, Form(max_length=200)] = "",
    shown: Annotated[str, Form()] = "",
) -> Response:
    """It must wait."""
    if not reason.strip():
        raise NotAllowedError("请写明为什么暂缓。")
    chosen = case_in(desk.world, desk.scope, case_no)
    with unchanged(desk.world, Ground(case_id=chosen.id), shown):
        hold(desk.world, case_no, reason.strip(), desk.by)
    return desk.to(case_url(case_no), gettext_in(desk.language)("已暂缓寄递。"))


@router.post("/console/case/{case_no}/lift")
def lifted(desk: Releasing, case_no: str, shown: Annotated[str, Form()] = "") -> Response:
    """It need not wait any more."""
    chosen = case_in(desk.world, desk.scope, case_no)
    with unchanged(desk.world, Ground(case_id=chosen.id), shown):
        stays = lift(desk.world, case_no, desk.by)
    return desk.to(case_url(case_no), said_in(desk.language)(stays or "暂缓已解除。"))


@router.post("/console/case/{case_no}/release")
def released(desk: Releasing, case_no: str, shown: Shown = "") -> Response:
    """It may go."""
    chosen = case_in(desk.world, desk.scope, case_no)
    with unchanged(desk.world, Ground(case_id=chosen.id), shown):
        done = release(desk.world, case_no, desk.by)
    _ = gettext_in(desk.language)
    return desk.to(case_url(case_no), _("已放行。") if done else _("先前已放行，没有变化。"))


@router.post("/console/case/{case_no}/envelope/{shipment_id}/call-off")
def called_off(desk: Settling, case_no: str, shipment_id: UUID, shown: Shown = "") -> Response:
    """撤销寄递: nothing of this envelope is sent."""
    chosen = case_in(desk.world, desk.scope, case_no)
    with unchanged(desk.world, Ground(case_id=chosen.id), shown):
        left_in = call_off(desk.world, _envelope_of(desk, chosen, shipment_id), desk.by)
    return desk.to(case_url(case_no), said_in(desk.language)(CALLED_OFF[left_in]))


@router.post("/console/case/{case_no}/envelope/{shipment_id}/relabel")
def relabelled(desk: Releasing, case_no: str, shipment_id: UUID, shown: Shown = "") -> Response:
    """作废换单: its waybill is void, and it is ordered anew."""
    chosen = case_in(desk.world, desk.scope, case_no)
    with unchanged(desk.world, Ground(case_id=chosen.id), shown):
        void_label(desk.world, _envelope_of(desk, chosen, shipment_id), Then.BOOK_AGAIN, desk.by)
    return desk.to(case_url(case_no), gettext_in(desk.language)("正在撤单，撤成后自动重新下单，换新运单号。"))


def _envelope_of(desk: Desk, chosen: Case, shipment_id: UUID) -> UUID:
    """Raises NotFoundError where nothing of the case lies in it, or does any more."""
    with desk.world.reading() as session:
        if shipment_id not in {one.id for one in envelopes_of(session, chosen)}:
            raise NotFoundError(f"办件“{chosen.case_no}”的出件不在这个邮件里。请刷新页面再看。")
    return shipment_id


def _page(desk: Desk, case_no: str, *, reveal: bool) -> Response:
    chosen = case_in(desk.world, desk.scope, case_no)
    told = record(desk.world, case_no, reveal=reveal)
    return desk.page(
        "case.html",
        record=told,
        story=told.story,
        at=case_url(case_no),
        codes={one.id: _code(one) for one in told.envelopes},
        calls=calls_of(desk.world, case_no, desk.scope.within()),
        limit=limit_of(desk.world, chosen.id),
        window=at_window(desk.world, case_no, desk.scope.within()),
        pictures=_pictures(desk, told.subjects),
        audited=_audited(desk, [chosen.subject, *told.subjects]) if desk.may(Right.RULE) else None,
        asked=ASKED_WORDS,
        reprintable=[one for one in told.envelopes if one.view == View.TO_PACK and one.order_no],
        beside=choices_for_printing(desk) if desk.may(Right.PRINT) else None,
        mark=mark(desk.world, Ground(case_id=chosen.id)),
    )


def _pictures(desk: Desk, subjects: Sequence[str]) -> list[Kept]:
    """Photographs of what lay in the envelopes: each is a person's, and shown for a reason."""
    if not desk.may(Right.REVEAL):
        return []
    with desk.world.reading() as session:
        return pictures_of(session, list(subjects))


def _code(envelope: Envelope) -> Markup:
    """The QR code of the applicant's page, drawn by the piece that draws it on the label."""
    if envelope.live is None:
        return Markup()
    drawn = svg(encode(envelope.live.link, subject=envelope.live.number))
    side = drawn.partition('viewBox="0 0 ')[2].partition(" ")[0]
    wide = int(side) + 2 * QUIET_MODULES
    quiet = f'viewBox="-{QUIET_MODULES} -{QUIET_MODULES} {wide} {wide}"'
    return Markup(drawn.replace(f'viewBox="0 0 {side} {side}"', quiet, 1))  # noqa: S704 - digits of our own drawing


def _audited(desk: Desk, subjects: list[str]) -> list[tuple[AuditEntry, str]]:
    """Who did what to this case, the newest first: for who supervises, not for who works on it."""
    query = select(AuditEntry).where(AuditEntry.subject.in_(subjects)).order_by(AuditEntry.seq.desc()).limit(100)
    with desk.world.reading() as session:
        return [(one, DEEDS[Deed(one.deed)]) for one in session.scalars(query)]
