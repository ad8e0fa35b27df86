"""What the window does for somebody who comes after all: pulls the case from the road, checks who came, gives it out.

The trip is counted as HALL §2 says: voluntary where the post was offered, with its fault after a return or a loss.
The case closes with the receipt as its evidence.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit, ledger, words, worklist
from dispatch.approval.case import Case, Document, Hold, open_hold, refuse_erased
from dispatch.approval.hold_reason import AT_WINDOW
from dispatch.approval.issue import MOST_COPIES, numbers_here
from dispatch.approval.pickup_row import Pickup, pickup_of
from dispatch.approval.release import open_a_hold
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.booking.cancel import call_off_locked
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.hall_time import SHANGHAI, hall_time
from dispatch.journey import Act, Stage
from dispatch.packing.pack import open_envelope
from dispatch.packing.put_back import may_put_back
from dispatch.picture import Shows, keep_picture, read_signature
from dispatch.shipment import Content, Shipment, lock_all
from dispatch.visits import VisitKind
from dispatch.world import World
from dispatch.zero_visits.close import close_at_window
from dispatch.zero_visits.pickup import (
    FAILED,
    AtWindow,
    Step,
    at_window,
    bars_giving,
    envelopes_of,
    ever_failed,
    step_of,
    why_held,
)
from dispatch.zero_visits.put_right.undelivered import end_undelivered
from dispatch.zero_visits.who_came import FAULTS, LONGEST_TEXT, Given, check_person, identity

__all__ = ["FAULTS", "Given", "give", "pull"]

NO_PAPER = "办件“{}”待出证：纸质结果还没有到窗口，不能发出。请先登记出证，再发出。"
HELD = "办件“{}”暂缓寄递中：{}。不能发出，须先由寄件员在办件页“解除暂缓”。"
ON_THE_DESK = (
    "办件“{}”已列入交寄清单，寄递企业还没有收寄。"
    "件还在台上的，先在“交寄”放回待交寄，再抽回；已交出的，请联系寄递企业退回。"
)
WITH_THE_POST = "办件“{}”已交寄（{}），窗口不能办领取。请联系寄递企业退回，退件到后再办。"


def pull(world: World, case_no: str, by: str, within: Within = EVERYTHING) -> AtWindow:
    """Nothing of this case is sent any more: its envelopes are opened, their waybills taken back.

    Whatever has no envelope is held; where a hold stands, lifting that leaves it held for the window. The same again
    changes nothing. Other cases in such an envelope are held too.
    Raises NotFoundError, NotAllowedError (it is with the postman, or delivered, or given out already, or forgotten).
    """
    with world.begin() as session:
        case = find_case_within(session, case_no, within)
        envelopes = lock_all(session, [one.id for one in envelopes_of(session, case)])
        case = find_case_within(session, case_no, within, locked=True)
        refuse_erased(case)
        step = step_of(world, session, case, envelopes)
        _refuse(case, step, envelopes)
        _ask(world, session, case, by)
        for shipment in envelopes:
            if shipment.stage not in {Stage.CLOSED, Stage.HANDED_OVER}:
                _take_from_road(world, session, shipment, by)
        _hold(world, session, case, by, known=[one.id for one in envelopes])
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, AT_WINDOW)
    return at_window(world, case_no, within)


def _refuse(case: Case, step: Step, envelopes: list[Shipment]) -> None:
    if step is Step.GIVEN:
        raise NotAllowedError(f"办件“{case.case_no}”已由窗口发出，不能再办领取。")
    if step is Step.CLOSED:
        raise NotAllowedError(f"办件“{case.case_no}”已送达闭环，不能再办领取。本人说没有收到的，请列入核实。")
    if step is Step.ASK_POST:
        if all(may_put_back(one) for one in envelopes if one.stage == Stage.HANDED_OVER):
            raise NotAllowedError(ON_THE_DESK.format(case.case_no))
        seen = "、".join(words.VIEWS[one.view] for one in envelopes)
        raise NotAllowedError(WITH_THE_POST.format(case.case_no, seen))


def _ask(world: World, session: Session, case: Case, by: str) -> Pickup:
    # Only what must be there is written: what the person took is not known yet.
    row = {"delegate": False, "originals": 0, "copies": 0, "on_paper": False}
    asked = insert(Pickup).values(id=uuid7(), case_id=case.id, asked_at=world.now(), asked_by=by, **row)
    session.execute(asked.on_conflict_do_nothing(index_elements=["case_id"]))
    return session.scalars(select(Pickup).where(Pickup.case_id == case.id).with_for_update()).one()


def _take_from_road(world: World, session: Session, shipment: Shipment, by: str) -> None:
    if shipment.stage == Stage.PACKED:
        open_envelope(world, session, shipment, by)
    if shipment.after_voiding != "cancel":
        call_off_locked(world, session, shipment, by)


def _hold(world: World, session: Session, case: Case, by: str, known: Collection[UUID]) -> None:
    """Or it would be gathered into an envelope while the applicant is on the way."""
    session.flush()
    session.execute(select(Case.id).where(Case.id == case.id).with_for_update())  # who gathers waits, or we see it
    if any(one.id not in known for one in envelopes_of(session, case)):
        raise ConflictError(f"办件“{case.case_no}”刚刚装入信封。请再点一次，连信封一起抽回。")
    standing = open_hold(session, case.id)
    if standing is None:
        open_a_hold(world, session, case, AT_WINDOW, by)
    elif bars_giving(world, standing):
        _ask_again(world, session, case, standing, by)


def _ask_again(world: World, session: Session, case: Case, standing: Hold, by: str) -> None:
    """Asked for before that hold stood, and sent since by whoever lifted ours: the wish is of now."""
    pickup = pickup_of(session, case)
    if pickup is not None and pickup.asked_at <= standing.opened_at:
        pickup.asked_at, pickup.asked_by = world.now(), by


def give(world: World, case_no: str, given: Given, by: str, within: Within = EVERYTHING) -> AtWindow:
    """Give the papers out against a signature; the trip is counted and the case closes.

    Raises NotFoundError; NotAllowedError (who came is not who it must be, nothing was signed, the envelope is not
    pulled yet, a fault is missing), ConflictError (a colleague gave it out).
    """
    check_person(world, case_no, given, by, within)
    signature = read_signature(given.signature) if given.signature else None
    if signature is None and not given.on_paper:
        raise NotAllowedError("请在屏上签名；或打印领取登记，在纸上签好后勾选“已在纸上签名”。")
    with world.begin() as session:
        case = find_case_within(session, case_no, within)
        envelopes = lock_all(session, [one.id for one in envelopes_of(session, case)])
        case = find_case_within(session, case_no, within, locked=True)
        refuse_erased(case)
        _must_be_here(world, session, case, envelopes)
        pickup = _register(world, session, case, given, by)
        _empty_returned(world, session, case, envelopes, by)
        _end(world, session, case, by)
        session.flush()
        ledger.record_all(session, [_trip(world, case, pickup)])
        close_at_window(world, session, case)
        if signature is not None:
            keep_picture(world, session, pickup.subject, Shows.RECEIPT, signature, by)
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, "窗口领取，已签收")
    return at_window(world, case_no, within)


def _must_be_here(world: World, session: Session, case: Case, envelopes: list[Shipment]) -> None:
    step, pickup = step_of(world, session, case, envelopes), pickup_of(session, case)
    if step is Step.GIVEN and pickup is not None and pickup.given_at is not None:
        when = hall_time(pickup.given_at)
        raise ConflictError(f"办件“{case.case_no}”已由“{pickup.given_by}”于 {when} 发出，没有重复登记。")
    _refuse(case, step, envelopes)
    if step is Step.PAPER:
        raise NotAllowedError(NO_PAPER.format(case.case_no))
    if step is Step.HELD:
        raise NotAllowedError(HELD.format(case.case_no, why_held(world, session, case)))
    if step is not Step.GIVE:
        raise NotAllowedError(f"办件“{case.case_no}”还在寄递途中：请先抽回，等寄递企业撤单后再办。")


def _register(world: World, session: Session, case: Case, given: Given, by: str) -> Pickup:
    pickup = _ask(world, session, case, by)
    fault = _fault(session, case, given)
    originals, copies = _taken(session, case, given)
    pickup.given_at, pickup.given_by = world.now(), by
    pickup.delegate = given.by_delegate
    pickup.originals, pickup.copies, pickup.on_paper = originals, copies, not given.signature
    pickup.fault = fault
    pickup.kind = VisitKind.HALL_AFTER_FAILURE if fault else VisitKind.COLLECTED_AT_HALL
    name = given.delegate_name if given.by_delegate else world.vault.open(case, "applicant_name") or ""
    world.vault.seal(pickup, "person_name", " ".join(name.split())[:LONGEST_TEXT])
    if given.by_delegate:
        world.vault.seal(pickup, "person_id_no", identity(given.delegate_id_no))
        world.vault.seal(pickup, "authority", " ".join(given.authority.split())[:LONGEST_TEXT])
    elif case.applicant_id_no is None:
        world.vault.seal(pickup, "person_id_no", identity(given.id_no))
    return pickup


def _taken(session: Session, case: Case, given: Given) -> tuple[int, int]:
    """Originals and copies: as told, else all there is."""
    here = numbers_here(session, case)
    told = (given.originals, given.copies)
    originals, copies = (number if one is None else one for one, number in zip(told, here, strict=True))
    if not 0 <= min(originals, copies) <= max(originals, copies) <= MOST_COPIES or originals + copies == 0:
        raise NotAllowedError("请填写领走的正本、副本份数。")
    return originals, copies


def _fault(session: Session, case: Case, given: Given) -> str | None:
    """Whose fault the trip was. After a return or a loss somebody's; a wrong document may be the window's too."""
    if given.fault and given.fault not in set(FAULTS):
        raise NotAllowedError("责任方只有：邮政、窗口、部门。")
    if not given.fault and ever_failed(session, case):
        raise NotAllowedError("这件退回过或丢失过：请选明责任方，跑动按寄递失败计。")
    return given.fault or None


def _empty_returned(world: World, session: Session, case: Case, envelopes: list[Shipment], by: str) -> None:
    """What came back holds nothing of this case any more; one that holds nothing at all ends as taken back."""
    papers = set(session.scalars(select(Document.id).where(Document.case_id == case.id)))
    for shipment in envelopes:
        if shipment.stage != Stage.HANDED_OVER or shipment.tracked not in FAILED:
            continue
        inside = session.scalars(select(Content).where(Content.shipment_id == shipment.id, ~Content.void)).all()
        if all(content.document_id in papers for content in inside):
            end_undelivered(world, session, shipment, Act.TAKE_BACK, by, "退件由窗口发出")
            continue
        for content in inside:
            content.void = content.document_id in papers


def _end(world: World, session: Session, case: Case, by: str) -> None:
    """It waits for nothing any more."""
    now = world.now()
    case.given_at = now
    held = open_hold(session, case.id)
    if held is not None:
        held.lifted_at, held.lifted_by = now, by
    for entry in worklist.standing(session, case.subject):
        worklist.settle(world, entry, by, "窗口领取")


def _trip(world: World, case: Case, pickup: Pickup) -> ledger.Visit:
    """Several cases that one person fetches on one day were one trip."""
    day = world.now().astimezone(SHANGHAI).date()
    number = world.vault.open(pickup, "person_id_no")
    digest = world.vault.digest("applicant_id_no", number) if number else case.applicant_id_digest or case.id.bytes
    trip = world.vault.digest("window trip", digest.hex(), day.isoformat()).hex()[:32]
    kind = VisitKind(pickup.kind or VisitKind.COLLECTED_AT_HALL)
    origin = f"window:{pickup.id}"
    return ledger.visit(world, case.matter_id, kind, origin, case_id=case.id, trip=f"window:{trip}", on=day)
