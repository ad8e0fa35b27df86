"""A case arrives: stored whole, once, with its slip, documents, leg, first visits, and the job that carries it on."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, ledger
from dispatch.approval.case import Case, CaseSlip, Direction, Document, Hold, Item, Leg, Matter
from dispatch.approval.decided_case import DecidedCase
from dispatch.crash import Deed
from dispatch.errors import ConflictError
from dispatch.world import World

GATHER = "case.gather"
CASE_WATCH = "case.watch"
DIGEST_CHARS = 32


class Outcome(StrEnum):
    """What became of a case at the door."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Lodged:
    """The answer to a lodged case; the same case again gets the same ids."""

    case_no: str
    case_id: UUID
    outcome: Outcome


def lodge(world: World, decided: DecidedCase, source: str) -> Lodged:
    """Store a decided case. The same content again gives the first answer; other content raises ConflictError."""
    with world.begin(Deed.LODGE) as session:
        return lodge_in(world, session, decided, source)


def lodge_in(world: World, session: Session, decided: DecidedCase, source: str) -> Lodged:
    """The same within a transaction of the caller's: a whole list stands or falls with it."""
    content = _digests(world, decided)
    case = _case(world, session, decided, content, source)
    if _insert_once(session, case):
        _furnish(world, session, case, decided)
        jobs.leave(session, GATHER, case.subject)
        jobs.leave(session, CASE_WATCH, case.subject, after=world.settings.case_patience)
        return Lodged(case.case_no, case.id, Outcome.ACCEPTED)
    known = session.scalars(select(Case).where(Case.case_no == decided.case_no)).one()
    if differs := _differs(known.content, content):
        raise ConflictError(f"办件编号“{decided.case_no}”已受理过，但内容不同：{'、'.join(differs)}。", differs)
    return Lodged(known.case_no, known.id, Outcome.REPEATED)


def _digests(world: World, decided: DecidedCase) -> dict[str, str]:
    """A keyed digest for each field: comparable for ever, also after the personal data is erased."""
    pairs = decided.content().items()
    return {path: world.vault.digest("content", path, text).hex()[:DIGEST_CHARS] for path, text in pairs}


def _differs(known: dict[str, str], content: dict[str, str]) -> tuple[str, ...]:
    return tuple(path for path in sorted(known.keys() | content.keys()) if known.get(path) != content.get(path))


def _case(world: World, session: Session, decided: DecidedCase, content: dict[str, str], source: str) -> Case:
    now = world.now()
    case = Case(
        id=uuid7(),
        case_no=decided.case_no,
        matter_id=_matter_id(session, decided.matter_no or decided.case_no),
        item_id=_item_id(world, session, decided),
        department=decided.department,
        decided_at=decided.decided_at,
        decision_doc_no=decided.decision_doc_no,
        applicant_kind=decided.applicant_kind,
        content=content,
        source=source,
        received_at=now,
        paper_ready_at=now if decided.paper_ready else None,
    )
    world.vault.seal(case, "applicant_name", decided.applicant_name)
    if decided.applicant_id_no:
        world.vault.seal(case, "applicant_id_no", decided.applicant_id_no)
        case.applicant_id_digest = world.vault.digest("applicant_id_no", decided.applicant_id_no)
    return case


def _insert_once(session: Session, case: Case) -> bool:
    """Whether this was the first: fifty at once make one row, the others wait for it and see it."""
    columns = {column.key: getattr(case, column.key) for column in Case.__table__.columns}
    added = insert(Case).values(**columns).on_conflict_do_nothing(index_elements=["case_no"]).returning(Case.id)
    return session.execute(added).scalar() is not None


def _matter_id(session: Session, number: str) -> UUID:
    session.execute(
        insert(Matter).values(id=uuid7(), number=number).on_conflict_do_nothing(index_elements=["number"])
    )
    return session.scalars(select(Matter.id).where(Matter.number == number)).one()


def _item_id(world: World, session: Session, decided: DecidedCase) -> UUID:
    code = decided.item_code or decided.item_name
    policy = {
        "id": uuid7(),
        "code": code,
        "name": decided.item_name,
        "release": world.settings.item_release,
        "grouping": world.settings.item_grouping,
        "carriage": "postal_only",
        "payer": "免费",
        "published_trips": 0,
        "hide_title": False,
    }
    session.execute(insert(Item).values(**policy).on_conflict_do_nothing(index_elements=["code"]))
    return session.scalars(select(Item.id).where(Item.code == code)).one()


def _furnish(world: World, session: Session, case: Case, decided: DecidedCase) -> None:
    """Everything that belongs to a new case."""
    session.add(_slip(world, case, decided))
    session.add(Leg(id=uuid7(), case_id=case.id, direction=Direction.OUTBOUND))
    for number, document in enumerate(decided.documents, start=1):
        session.add(
            Document(
                id=uuid7(),
                case_id=case.id,
                number=number,
                code=f"{case.case_no}-{number}",
                name=document.name,
                copies=document.copies,
            )
        )
    if decided.hold:
        hold = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=case.source)
        world.vault.seal(hold, "reason", decided.hold)
        session.add(hold)
    for number, visit in enumerate((decided.application, *decided.visits)):
        origin = f"{case.subject}:{number}"
        # One trip for several cases of a matter is one trip; across matters 上门 counts for each of them anew.
        trip = f"{case.matter_id}:{visit.trip}" if visit.trip else origin
        ledger.record(world, session, case.matter_id, visit.kind, origin, case_id=case.id, trip=trip, on=visit.on)


def _slip(world: World, case: Case, decided: DecidedCase) -> CaseSlip:
    slip = decided.slip
    row = CaseSlip(
        id=uuid7(),
        case_id=case.id,
        organisation=decided.applicant_kind == "organisation" and slip.recipient_name == decided.applicant_name,
        province=slip.province,
        city=slip.city,
        county=slip.county,
        town=slip.town,
        postcode=slip.postcode or "",
        way=slip.way,
        point_at_address=slip.point_at_address,
        brought_to_door=slip.brought_to_door,
        proxy_allowed=slip.proxy_allowed,
        group_digest=world.vault.digest("group", *(f"{k}={v}" for k, v in sorted(slip.model_dump().items()))),
    )
    for column, value in (("recipient_name", slip.recipient_name), ("phone", slip.phone), ("detail", slip.detail)):
        world.vault.seal(row, column, value)
    if slip.point:
        world.vault.seal(row, "point", slip.point)
    return row
