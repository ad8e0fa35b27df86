"""改窗口领取: an applicant comes to the window after all. How far that has come, and what can be done next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Case, Document, Hold, Item, open_hold
from dispatch.approval.hold_reason import AT_WINDOW
from dispatch.approval.issue import numbers_here
from dispatch.approval.pickup_row import Pickup, asked_for_under, pickup_of
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.booking.take_off import TAKEN_OFF
from dispatch.hall_time import hall_time
from dispatch.journey import Stage, Tracked
from dispatch.mask import mask_name
from dispatch.picture import Kept, pictures_of
from dispatch.shipment import Content, Shipment
from dispatch.visits import Fault
from dispatch.waybill import live_waybills
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from dispatch.zero_visits.told.line import teller


class Step(StrEnum):
    """What comes next at the window."""

    PULL = "pull"  # an envelope lies on the desk: it is pulled first
    WAIT = "wait"  # the post is asked to cancel, or it is not known yet whether it has the order
    ASK_POST = "ask_post"  # the postman has it
    PAPER = "paper"  # 待出证: it is not here, or was lost and is not made anew yet
    HELD = "held"  # a hold stands that is not the window's own
    GIVE = "give"
    GIVEN = "given"
    CLOSED = "closed"  # it was delivered


FAILED = frozenset({Tracked.RETURNED, Tracked.LOST})
UNDECIDED = frozenset({Stage.CANCELLING, Stage.BOOKING, Stage.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class OnTheRoad:
    """An envelope that holds something of the case. `others`: cases that lie in it too."""

    order_no: str
    waybill_no: str
    words: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who took what; the name masked. `fault`: in words, empty where the trip was voluntary."""

    given_by: str
    given_at: datetime
    taker: str
    delegate: bool
    originals: int
    copies: int
    fault: str
    on_paper: bool
    pictures: Sequence[Kept]


@dataclass(frozen=True, slots=True)
class AtWindow:
    """A case as the window sees it; names masked. `failed`: it came back or was lost, so the trip has a fault.

    `held`: why nothing of it is sent, empty where no hold stands. `originals`, `copies`: what there is to be taken.
    `stays`: it was asked for, and goes to no post until it is fetched, whoever lifts another's hold.
    """

    case_no: str
    item: str
    department: str
    applicant: str
    organisation: bool
    id_known: bool
    papers: tuple[tuple[str, int], ...]
    step: Step
    failed: bool
    envelopes: tuple[OnTheRoad, ...]
    asked_by: str
    asked_at: datetime | None
    held: str
    originals: int
    copies: int
    stays: bool
    receipt: Receipt | None


def at_window(world: World, case_no: str, within: Within = EVERYTHING) -> AtWindow:
    """How the case stands at the window. Raises NotFoundError."""
    with world.reading() as session:
        case = find_case_within(session, case_no, within)
        return _look(world, session, case)


def envelopes_of(session: Session, case: Case) -> list[Shipment]:
    """The envelopes in which something of the case lies, in order of id."""
    holding = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id, ~Content.void)
    )
    return list(session.scalars(select(Shipment).where(Shipment.id.in_(holding)).order_by(Shipment.id)))


def ever_failed(session: Session, case: Case) -> bool:
    """Whether something of it ever came back or was lost, also in an envelope that is over."""
    holding = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id)
    )
    # Taken back or given up by us, it may have been on its way still by the post's word.
    failed = or_(Shipment.tracked.in_(FAILED), Shipment.stage == Stage.UNDELIVERED)
    query = select(Shipment.id).where(Shipment.id.in_(holding), failed).limit(1)
    return session.scalar(query) is not None


def bars_giving(world: World, hold: Hold) -> bool:
    """Whether the paper must stay. 改窗口领取, called off, kept here (暂存): those only keep it from the post."""
    reason = world.vault.open(hold, "reason") or ""
    return hold.until is None and reason != TAKEN_OFF and not reason.startswith(AT_WINDOW)


def why_held(world: World, session: Session, case: Case) -> str:
    """Why nothing of it is sent now, who said so and when, masked; empty where no hold stands."""
    standing = open_hold(session, case.id)
    if standing is None:
        return ""
    told = teller(world, session, case, reveal=False).curtain.free(world.vault.open(standing, "reason"))
    return f"{told or '—'}（{standing.opened_by} {hall_time(standing.opened_at)}）"


def step_of(world: World, session: Session, case: Case, envelopes: Collection[Shipment]) -> Step:
    """What comes next, as all its envelopes stand."""
    if case.given_at is not None:
        return Step.GIVEN
    if session.scalar(select(Closure.id).where(Closure.case_id == case.id)) is not None:
        return Step.CLOSED
    open_ones = [one for one in envelopes if one.stage != Stage.CLOSED]
    if any(one.stage == Stage.HANDED_OVER and one.tracked not in FAILED for one in open_ones):
        return Step.ASK_POST
    desk = [one for one in open_ones if one.stage != Stage.HANDED_OVER]
    if any(one.stage not in UNDECIDED or one.after_voiding != "cancel" for one in desk):
        return Step.PULL
    if desk:
        return Step.WAIT
    if case.paper_ready_at is None:
        return Step.PAPER
    standing = open_hold(session, case.id)
    return Step.HELD if standing is not None and bars_giving(world, standing) else Step.GIVE


def _look(world: World, session: Session, case: Case) -> AtWindow:
    envelopes, pickup = envelopes_of(session, case), pickup_of(session, case)
    item = session.get_one(Item, case.item_id)
    organisation = case.applicant_kind == "organisation"
    papers = session.execute(
        select(Document.name, Document.copies)
        .where(Document.case_id == case.id, Document.lost_at.is_(None))
        .order_by(Document.number)
    )
    originals, copies = numbers_here(session, case)
    return AtWindow(
        case_no=case.case_no,
        item=item.title,
        department=case.department,
        applicant=mask_name(world.vault.open(case, "applicant_name") or "", organisation=organisation),
        organisation=organisation,
        id_known=case.applicant_id_no is not None,
        papers=tuple((name, copies) for name, copies in papers),
        step=step_of(world, session, case, envelopes),
        failed=ever_failed(session, case),
        envelopes=_on_the_road(session, case, envelopes),
        asked_by=pickup.asked_by if pickup else "",
        asked_at=pickup.asked_at if pickup else None,
        held=why_held(world, session, case),
        originals=originals,
        copies=copies,
        stays=_stays(world, session, case),
        receipt=_receipt(world, session, pickup),
    )


def _stays(world: World, session: Session, case: Case) -> bool:
    standing = open_hold(session, case.id)
    if standing is None or pickup_of(session, case) is None:
        return False
    return not bars_giving(world, standing) or asked_for_under(session, case, standing)


def _receipt(world: World, session: Session, pickup: Pickup | None) -> Receipt | None:
    if pickup is None or pickup.given_at is None:
        return None
    return Receipt(
        given_by=pickup.given_by or "",
        given_at=pickup.given_at,
        taker=mask_name(world.vault.open(pickup, "person_name") or "", organisation=False),
        delegate=pickup.delegate,
        originals=pickup.originals,
        copies=pickup.copies,
        fault=Fault(pickup.fault).chinese if pickup.fault else "",
        on_paper=pickup.on_paper,
        pictures=pictures_of(session, [pickup.subject]),
    )


def _on_the_road(session: Session, case: Case, envelopes: Sequence[Shipment]) -> tuple[OnTheRoad, ...]:
    ids = [one.id for one in envelopes]
    numbers = live_waybills(session, ids)
    beside = session.execute(
        select(Content.shipment_id, Case.case_no)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .where(Content.shipment_id.in_(ids), ~Content.void, Case.id != case.id)
        .distinct()
        .order_by(Case.case_no)
    ).all()
    return tuple(
        OnTheRoad(
            one.order_no or "",
            numbers[one.id].number if one.id in numbers else "",
            words.VIEWS[one.view],
            tuple(case_no for of, case_no in beside if of == one.id),
        )
        for one in envelopes
    )
