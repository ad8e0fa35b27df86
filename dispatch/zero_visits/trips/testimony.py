"""群众反映: what an applicant says of the trips that a matter cost is written down, beside what the ledger counts."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.case import Case, Matter, refuse_erased
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.errors import NotAllowedError
from dispatch.ledger import Count, Stands, Testimony, count, hear, visits_of, what_stands
from dispatch.once import check_same, made_before
from dispatch.visits import ASKED_WORDS, Asked
from dispatch.world import World
from dispatch.zero_visits.told.by_testimony import in_words

MOST_TRIPS = 99
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Said:
    """What the applicant says: trips to an office (上门), and all trips (跑动), those among them.

    `form_key`: of the form on which it was written down; sent again it was said once.
    """

    way: Asked
    office_trips: int
    trips: int
    note: str = field(default="", repr=False)
    form_key: UUID | None = None


def take_testimony(world: World, case_no: str, said: Said, by: str, within: Within = EVERYTHING) -> Stands:
    """Write it down for the case's matter; what stands from now on.

    Raises NotFoundError, NotAllowedError (numbers that cannot be, or who it was is forgotten), ConflictError (the
    form's key was used before).
    """
    if not 0 <= said.office_trips <= said.trips <= MOST_TRIPS:
        raise NotAllowedError(
            f"次数不对，没有记：上门、跑动各填 0 至 {MOST_TRIPS}；到窗口一次既是上门、也是跑动，跑动不会比上门少。"
        )
    with world.begin() as session:
        case = find_case_within(session, case_no, within, locked=True)
        refuse_erased(case)
        lock_matter(session, case)
        if (first := made_before(session, Testimony, said.form_key)) is not None:
            check_same(same=_is_this(world, first, case, said, by))
            return what_stands(session, case.matter_id)
        testimony = _testimony(world, session, case, said, by)
        hear(session, testimony)
        told = (
            f"群众反映（{ASKED_WORDS[said.way]}）：{in_words(testimony.count)}；记录：{in_words(testimony.counted)}"
        )
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, told)
        return what_stands(session, case.matter_id)


def _is_this(world: World, row: Testimony, case: Case, said: Said, by: str) -> bool:
    told = (row.case_id, row.by, row.way, row.count, world.vault.open(row, "note") or "")
    return told == (case.id, by, said.way, Count(said.office_trips, said.trips), _note(said))


def _note(said: Said) -> str:
    return " ".join(said.note.split())[:LONGEST_NOTE]


def lock_matter(session: Session, case: Case) -> None:
    """Whoever records a trip of it has committed, or waits for us: both see each other's."""
    session.execute(select(Matter.id).where(Matter.id == case.matter_id).with_for_update())


def _testimony(world: World, session: Session, case: Case, said: Said, by: str) -> Testimony:
    counted = count(visits_of(session, case.matter_id))
    row = Testimony(
        id=uuid7(),
        matter_id=case.matter_id,
        case_id=case.id,
        at=world.now(),
        by=by,
        way=said.way,
        office_trips=said.office_trips,
        trips=said.trips,
        counted_office_trips=counted.office_trips,
        counted_trips=counted.trips,
        heard=False,
        form_key=said.form_key,
    )
    if note := _note(said):
        world.vault.seal(row, "note", note)
    return row
