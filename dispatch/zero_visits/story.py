"""The whole story of one case, in order: who did what, what the post said, what it came to."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.approval.case import Item, find_case
from dispatch.ledger import Count, what_stands
from dispatch.world import World
from dispatch.zero_visits.told.by_hall import told_by_hall
from dispatch.zero_visits.told.by_post import told_by_post
from dispatch.zero_visits.told.by_proof import told_by_proof
from dispatch.zero_visits.told.by_telephone import told_by_telephone
from dispatch.zero_visits.told.by_testimony import told_by_testimony
from dispatch.zero_visits.told.line import Kind, Line, Teller, teller

__all__ = ["Kind", "Line", "Story", "story", "subject_of", "tell"]


@dataclass(frozen=True, slots=True)
class Story:
    """One case. Names, telephone and address are masked unless `revealed`. `stands`: where its envelopes are now.

    `count`: what stands of its matter's trips; `differs`: the applicant says otherwise, and nobody has ruled.
    """

    case_no: str
    item: str
    department: str
    applicant: str
    recipient: str
    phone: str
    address: str
    stands: tuple[str, ...]
    count: Count
    differs: bool
    revealed: bool
    lines: tuple[Line, ...]


def story(world: World, case_no: str, *, reveal: bool = False) -> Story:
    """Tell it. With `reveal` personal data and the post's own text are shown: the caller has logged that act before
    (`dispatch.reveal.log_reveal`, on `subject_of` the case). Raises NotFoundError.
    """
    with world.reading() as session:
        return tell(session, teller(world, session, find_case(session, case_no), reveal=reveal))


def subject_of(world: World, case_no: str) -> str:
    """How the record of reveals names a case. Raises NotFoundError."""
    with world.reading() as session:
        return find_case(session, case_no).subject


def tell(session: Session, of: Teller) -> Story:
    """The same, by who has the teller already."""
    lines = [*told_by_hall(of), *told_by_post(of), *told_by_proof(of), *told_by_telephone(of), *told_by_testimony(of)]
    trips = what_stands(session, of.case.matter_id)
    return Story(
        case_no=of.case.case_no,
        item=session.scalars(select(Item.name).where(Item.id == of.case.item_id)).one(),
        department=of.case.department,
        applicant=of.curtain.applicant,
        recipient=of.curtain.recipient,
        phone=of.curtain.phone,
        address=of.curtain.address,
        stands=tuple(words.VIEWS[shipment.view] for shipment in of.shipments.values()),
        count=trips.count,
        differs=trips.differs_since is not None,
        revealed=of.curtain.reveal,
        lines=tuple(sorted(lines, key=Line.order)),
    )
