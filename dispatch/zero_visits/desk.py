"""What lies on the clerk's desk: the open worklist in a clerk's terms, oldest first, the overdue marked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document
from dispatch.approval.curtain import Curtain, behind
from dispatch.approval.within import EVERYTHING, Within
from dispatch.errors import NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.journey import AT_AN_END, Stage, View
from dispatch.shipment import Content, Shipment, subject_id
from dispatch.waybill import Waybill
from dispatch.working_days import due_at, hall_due_at
from dispatch.worklist import WORDS, Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.settle import SHORTEST, number_of

SETTLED_WITHIN = timedelta(days=1)
"""How long an entry may lie, where its envelope's view has no patience of its own."""


@dataclass(frozen=True, slots=True)
class OnDesk:
    """One entry. `number`: as many of its digits as name it alone among all open ones, six at least.

    An entry about a push belongs to no case: `case_nos` and `departments` are empty. `detail` is masked. `elsewhere`:
    so many of its cases are out of reach, and not named. `settlement`: what was written when it was settled, masked.
    """

    number: str
    reason: Reason
    words: str
    act: str
    whole_number: str
    owner: str
    taken_at: datetime | None
    since: datetime
    overdue: bool
    waybill_no: str
    view: str
    case_nos: tuple[str, ...]
    elsewhere: int
    departments: tuple[str, ...]
    town: str
    detail: str = field(repr=False)
    settlement: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What an entry is about."""

    shipment: Shipment | None
    waybill_no: str
    cases: tuple[tuple[Case, CaseSlip, bool], ...]  # whether within reach


NOBODY = _Subject(None, "", ())


def on_the_desk(world: World, reason: str | None = None, department: str | None = None) -> list[OnDesk]:
    """The open entries, oldest first. `reason`: its English or Chinese word. Raises NotFoundError for another."""
    wanted = reason_from(reason) if reason else None
    with world.reading() as session:
        entries = list(session.scalars(select(Entry).where(Entry.settled_at.is_(None)).order_by(Entry.opened_at)))
        chosen = [entry for entry in entries if wanted in {None, entry.reason}]
        shown = show_entries(world, session, chosen, among=entries)
    return [one for one in shown if department is None or department in one.departments]


def show_entries(
    world: World,
    session: Session,
    chosen: Sequence[Entry],
    among: Sequence[Entry] | None = None,
    within: Within = EVERYTHING,
) -> list[OnDesk]:
    """These entries in a clerk's terms, in the order given: three queries, however many. `among`: all open ones."""
    numbers = _numbers(chosen if among is None else among)
    subjects = _subjects(session, chosen, within)
    return [_show(world, session, entry, subjects.get(entry.subject, NOBODY), numbers[entry.id]) for entry in chosen]


def reason_from(text: str) -> Reason:
    """The reason meant by its English or its Chinese word. Raises NotFoundError."""
    for reason, words in WORDS.items():
        if text.strip() in {reason.value, words.reason}:
            return reason
    raise NotFoundError(f"没有“{text}”这种待处理原因。可用：{'、'.join(words.reason for words in WORDS.values())}。")


def _numbers(entries: Sequence[Entry]) -> Mapping[UUID, str]:
    """The shortest prefixes that tell these entries apart, by entry id."""
    whole = sorted((number_of(entry.id), entry.id) for entry in entries)
    numbers = {}
    for place, (number, entry_id) in enumerate(whole):
        beside = [whole[near][0] for near in (place - 1, place + 1) if 0 <= near < len(whole)]
        length = max([SHORTEST, *(1 + _alike(number, other) for other in beside)])
        numbers[entry_id] = number[:length]
    return numbers


def _alike(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))


def _subjects(session: Session, entries: Iterable[Entry], within: Within) -> Mapping[str, _Subject]:
    """What all these entries are about: three queries, however many they are."""
    named = {entry.subject for entry in entries}
    shipments = {subject_id(subject) for subject in named if subject.startswith("shipment:")}
    cases = {subject_id(subject) for subject in named if subject.startswith("case:")}
    inside = (
        select(Content.shipment_id, Case, CaseSlip, within.cases)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(Content.shipment_id.in_(shipments), ~Content.void | (Shipment.stage == Stage.UNDELIVERED))
        .order_by(Case.case_no)
    )
    held: defaultdict[UUID, dict[UUID, tuple[Case, CaseSlip, bool]]] = defaultdict(dict)
    for shipment_id, case, slip, reached in session.execute(inside):
        held[shipment_id][case.id] = (case, slip, reached)
    envelopes = (
        select(Shipment, Waybill.number)
        .outerjoin(Waybill, (Waybill.shipment_id == Shipment.id) & Waybill.voided_at.is_(None))
        .where(Shipment.id.in_(shipments))
    )
    found = {
        shipment.subject: _Subject(shipment, number or "", tuple(held[shipment.id].values()))
        for shipment, number in session.execute(envelopes)
    }
    alone = select(Case, CaseSlip).join(CaseSlip, CaseSlip.case_id == Case.id).where(Case.id.in_(cases))
    found.update({case.subject: _Subject(None, "", ((case, slip, True),)) for case, slip in session.execute(alone)})
    return found


def _show(world: World, session: Session, entry: Entry, about: _Subject, number: str) -> OnDesk:
    reason = Reason(entry.reason)
    curtains = [Curtain.before(world, case, slip, reveal=False) for case, slip, _ in about.cases]
    return OnDesk(
        number=number,
        reason=reason,
        words=WORDS[reason].reason,
        act=WORDS[reason].act,
        whole_number=number_of(entry.id),
        owner=entry.owner or "",
        taken_at=entry.taken_at,
        since=entry.opened_at.astimezone(SHANGHAI),
        overdue=world.now()
        > settle_by(world, session, entry.opened_at, about.shipment.view if about.shipment else None),
        waybill_no=about.waybill_no,
        view=about.shipment.view if about.shipment else "",
        case_nos=tuple(case.case_no for case, _, reached in about.cases if reached),
        elsewhere=sum(not reached for *_, reached in about.cases),
        departments=tuple(sorted({case.department for case, *_ in about.cases})),
        town=about.cases[0][1].town if about.cases else "",
        detail=behind(curtains, world.vault.open(entry, "detail")),
        settlement=behind(curtains, world.vault.open(entry, "settlement")),
    )


def settle_by(world: World, session: Session, opened_at: datetime, view: View | None) -> datetime:
    """Until when it should be settled. `view`: what is seen of its envelope, where it has one."""
    if view is None or view in AT_AN_END:
        return hall_due_at(world, session, opened_at, SETTLED_WITHIN)
    return due_at(world, session, opened_at, view)
