"""A case arrives: stored whole, once, with its slip, documents, leg, first visits, and the job that carries it on."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, ledger
from dispatch.approval.case import Case, Direction, Document, Hold, Item, Leg, Matter
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.slip_row import new_slip
from dispatch.crash import Deed
from dispatch.db import insert_rows
from dispatch.errors import ConflictError
from dispatch.ledger import Visit
from dispatch.working_days import case_patience
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
    [outcome] = lodge_all(world, [decided], source)
    if isinstance(outcome, ConflictError):
        raise outcome
    return outcome


def lodge_all(world: World, decided: Sequence[DecidedCase], source: str) -> list[Lodged | ConflictError]:
    """Store cases together, in one transaction: what became of each, in their order. A conflict keeps itself out.

    Of two that bear one number in the same call the first is taken, and the other compared with it.
    """
    with world.begin(Deed.LODGE) as session:
        return lodge_in(world, session, decided, source)


def lodge_in(
    world: World, session: Session, decided: Sequence[DecidedCase], source: str
) -> list[Lodged | ConflictError]:
    """The same within a transaction of the caller's: a whole list stands or falls with it.

    Rows are written in the order of their keys, so that two callers never wait for each other crosswise.
    """
    in_order = sorted(decided, key=lambda one: one.case_no)
    matters, items = _matter_ids(session, in_order), _item_ids(world, session, in_order)
    cases = [_case(world, one, source, matters[_matter_no(one)], items[_item_code(one)]) for one in in_order]
    added = insert_rows(session, cases, once="case_no")  # fifty at once make one row: the others wait for it
    new = [(case, one) for case, one in zip(cases, in_order, strict=True) if case.id in added]
    _furnish(world, session, new)
    known = _known(session, [case.case_no for case in cases if case.id not in added])
    outcomes = {case.id: _outcome(case, known.get(case.case_no)) for case in cases}
    places = {id(one): outcomes[case.id] for case, one in zip(cases, in_order, strict=True)}
    return [places[id(one)] for one in decided]


def foresee(world: World, session: Session, decided: Sequence[DecidedCase]) -> list[Outcome | ConflictError]:
    """What lodging these cases would say of each now; nothing is stored."""
    known = _known(session, [one.case_no for one in decided])
    return [_foreseen(world, one, known.get(one.case_no)) for one in decided]


def _foreseen(world: World, decided: DecidedCase, known: Case | None) -> Outcome | ConflictError:
    if known is None:
        return Outcome.ACCEPTED
    differs = _differs(known.content, _digests(world, decided))
    return _conflict(decided.case_no, differs) if differs else Outcome.REPEATED


def _conflict(case_no: str, differs: tuple[str, ...]) -> ConflictError:
    return ConflictError(f"办件编号“{case_no}”已受理过，但内容不同：{'、'.join(differs)}。", differs)


def _known(session: Session, case_nos: Collection[str]) -> dict[str, Case]:
    if not case_nos:
        return {}
    return {case.case_no: case for case in session.scalars(select(Case).where(Case.case_no.in_(case_nos)))}


def _outcome(case: Case, known: Case | None) -> Lodged | ConflictError:
    if known is None or known.id == case.id:
        return Lodged(case.case_no, case.id, Outcome.ACCEPTED)
    if differs := _differs(known.content, case.content):
        return _conflict(case.case_no, differs)
    return Lodged(known.case_no, known.id, Outcome.REPEATED)


def _digests(world: World, decided: DecidedCase) -> dict[str, str]:
    """A keyed digest for each field: comparable for ever, also after the personal data is erased."""
    pairs = decided.content().items()
    return {path: world.vault.digest("content", path, text).hex()[:DIGEST_CHARS] for path, text in pairs}


def _differs(known: dict[str, str], content: dict[str, str]) -> tuple[str, ...]:
    return tuple(path for path in sorted(known.keys() | content.keys()) if known.get(path) != content.get(path))


def _case(world: World, decided: DecidedCase, source: str, matter_id: UUID, item_id: UUID) -> Case:
    now = world.now()
    case = Case(
        id=uuid7(),
        case_no=decided.case_no,
        matter_id=matter_id,
        item_id=item_id,
        department=decided.department,
        decided_at=decided.decided_at,
        decision_doc_no=decided.decision_doc_no,
        applicant_kind=decided.applicant_kind,
        content=_digests(world, decided),
        source=source,
        received_at=now,
        paper_ready_at=now if decided.paper_ready else None,
    )
    world.vault.seal(case, "applicant_name", decided.applicant_name)
    if decided.applicant_id_no:
        world.vault.seal(case, "applicant_id_no", decided.applicant_id_no)
        case.applicant_id_digest = world.vault.digest("applicant_id_no", decided.applicant_id_no)
    return case


def _matter_no(decided: DecidedCase) -> str:
    return decided.matter_no or decided.case_no


def _item_code(decided: DecidedCase) -> str:
    return decided.item_code or decided.item_name


def _matter_ids(session: Session, decided: Iterable[DecidedCase]) -> dict[str, UUID]:
    """The ids of the matters of these cases by their numbers; what is not there is made. Most are new."""
    matters = [Matter(id=uuid7(), number=number) for number in sorted({_matter_no(one) for one in decided})]
    added = insert_rows(session, matters, once="number")
    found = {matter.number: matter.id for matter in matters if matter.id in added}
    if missing := [matter.number for matter in matters if matter.id not in added]:
        there = select(Matter.number, Matter.id).where(Matter.number.in_(missing))
        found |= dict(session.execute(there).all())
    return found


def _item_ids(world: World, session: Session, decided: Iterable[DecidedCase]) -> dict[str, UUID]:
    """The ids of the items of these cases by their codes; a new one is made with the settings' policy."""
    names: dict[str, str] = {}
    for one in decided:
        names.setdefault(_item_code(one), one.item_name)
    there = select(Item.code, Item.id).where(Item.code.in_(names))
    found = dict(session.execute(there).all())
    if missing := names.keys() - found.keys():
        insert_rows(session, [_item(world, code, names[code]) for code in sorted(missing)], once="code")
        found = dict(session.execute(there).all())
    return found


def _item(world: World, code: str, name: str) -> Item:
    return Item(
        id=uuid7(),
        code=code,
        name=name,
        release=world.settings.item_release,
        grouping=world.settings.item_grouping,
        carriage="postal_only",
        payer="免费",
        published_trips=world.settings.item_published_trips,
        hide_title=False,
    )


def _furnish(world: World, session: Session, new: Sequence[tuple[Case, DecidedCase]]) -> None:
    """Everything that belongs to new cases, and the jobs that carry them on."""
    insert_rows(session, [new_slip(world, case, one) for case, one in new])
    insert_rows(session, [Leg(id=uuid7(), case_id=case.id, direction=Direction.OUTBOUND) for case, _ in new])
    insert_rows(session, [paper for case, one in new for paper in _documents(case, one)])
    insert_rows(session, [_hold(world, case, one.hold) for case, one in new if one.hold])
    ledger.record_all(session, [visit for case, one in new for visit in _visits(world, case, one)])
    subjects = [case.subject for case, _ in new]
    jobs.leave_all(session, GATHER, subjects)
    jobs.leave_all(session, CASE_WATCH, subjects, after=case_patience(world, session))


def _documents(case: Case, decided: DecidedCase) -> Iterator[Document]:
    for number, document in enumerate(decided.documents, start=1):
        yield Document(
            id=uuid7(),
            case_id=case.id,
            number=number,
            code=f"{case.case_no}-{number}",
            name=document.name,
            copies=document.copies,
        )


def _hold(world: World, case: Case, reason: str) -> Hold:
    hold = Hold(id=uuid7(), case_id=case.id, opened_at=world.now(), opened_by=case.source)
    world.vault.seal(hold, "reason", reason)
    return hold


def _visits(world: World, case: Case, decided: DecidedCase) -> Iterator[Visit]:
    for number, visit in enumerate((decided.application, *decided.visits)):
        origin = f"{case.subject}:{number}"
        # One trip for several cases of a matter is one trip; across matters 上门 counts for each of them anew.
        trip = f"{case.matter_id}:{visit.trip}" if visit.trip else origin
        yield ledger.visit(world, case.matter_id, visit.kind, origin, case_id=case.id, trip=trip, on=visit.on)
