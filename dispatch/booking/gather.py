"""Documents of one recipient are joined in one envelope, until its grouping window is over."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from dispatch import jobs, restored, worklist
from dispatch.approval.case import Case, CaseSlip, Direction, Document, Item, held_among, is_let_go
from dispatch.approval.lodge import CASE_WATCH
from dispatch.booking.order import order_number
from dispatch.booking.past import lost_past
from dispatch.booking.route import choose_carrier, routes
from dispatch.crash import Point, reach
from dispatch.db import insert_rows
from dispatch.journey import Act, Stage
from dispatch.lease import Claim, done_together
from dispatch.restored import Restore
from dispatch.shipment import BOOK, Content, Shipment, act_all, lock, lock_all, subject_id
from dispatch.working_days import case_patience
from dispatch.world import World

SEAL = "shipment.seal"
ONLY_GATHERING = text("stage = 'gathering'")
"""Written out: a prepared statement with the stage as a parameter would not match the partial index."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A case that may leave, and its papers that lie in no envelope yet."""

    case: Case
    item: Item
    slip: CaseSlip
    papers: Sequence[Document]

    @property
    def waits(self) -> bool:
        """Whether its envelope waits for others of the same recipient."""
        return bool(self.item.grouping) and not self.case.alone


def gather(world: World, claim: Claim) -> None:
    """Put a case's documents into an envelope, if it may leave and they are not in one already."""
    with claim.done() as session:
        _gather(world, session, [subject_id(claim.subject)])


def gather_together(world: World, claims: Sequence[Claim]) -> list[Claim]:
    """The same for several cases in one transaction; the claims of those whose recipient has another among them.

    Whether two share an envelope hangs on their windows, so they come one after the other.
    """
    done: list[Claim] = []
    with done_together(world, claims[0].name, done) as session:
        waiting = _gather(world, session, [subject_id(claim.subject) for claim in claims])
        done += [claim for claim in claims if subject_id(claim.subject) not in waiting]
    return [claim for claim in claims if claim not in done]


def seal(world: World, claim: Claim) -> None:
    """The grouping window is over: what the envelope holds now is what is booked."""
    with claim.done() as session:
        known = restored.check(session)
        _seal(world, session, [lock(session, subject_id(claim.subject))], known)


def seal_together(world: World, claims: Sequence[Claim]) -> list[Claim]:
    """The same for several envelopes in one transaction."""
    with done_together(world, claims[0].name, claims) as session:
        known = restored.check(session)
        _seal(world, session, lock_all(session, [subject_id(claim.subject) for claim in claims]), known)
    return []


def _gather(world: World, session: Session, case_ids: Collection[UUID]) -> set[UUID]:
    """Open envelopes for those of these cases that may leave; the ids of cases that must wait for another of them."""
    known = restored.check(session)
    leaving = _leaving(session, case_ids)
    if not leaving:
        return set()
    lines, by_digest, waiting = routes(session), dict[bytes, tuple[str, Leaving]](), set[UUID]()
    for one in leaving:
        carrier = choose_carrier(world, lines, one.slip, one.item)
        digest = envelope_digest(world, carrier, one.slip, one.case)
        if by_digest.setdefault(digest, (carrier, one))[1] is not one:
            waiting.add(one.case.id)
    envelopes = _open_envelopes(world, session, by_digest)
    inside = [(shipment, by_digest[shipment.group_digest][1]) for shipment in envelopes]
    contents = [
        Content(id=uuid7(), shipment_id=shipment.id, document_id=paper.id, void=False)
        for shipment, one in inside
        for paper in one.papers
    ]
    insert_rows(session, contents)
    for shipment, one in inside:
        jobs.because(session, shipment.subject, one.case.subject)
    subjects = [one.case.subject for _, one in inside]
    worklist.settle_each_by_itself(world, session, subjects, worklist.ENDS_BY_ITSELF)
    _leave_seals(world, session, [shipment for shipment, one in inside if one.waits])
    _seal(world, session, [shipment for shipment, one in inside if not one.waits], known)
    reach(Point.GATHERED)
    return waiting


def envelope_digest(world: World, carrier: str, slip: CaseSlip, case: Case) -> bytes:
    """What is the same for all that may lie in one envelope: to whom, where, in which way, and with which carrier.

    A case that was released alone has an envelope of which nobody else's is the same.
    """
    by_itself = (str(case.id),) if case.alone else ()
    return world.vault.digest("envelope", carrier, slip.group_digest.hex(), *by_itself)


def _leaving(session: Session, case_ids: Collection[UUID]) -> list[Leaving]:
    """Those of these cases, locked, that may leave and have papers that lie in no envelope, in order of their ids."""
    query = (
        select(Case, Item, CaseSlip)
        .join(Item, Item.id == Case.item_id)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .where(Case.id.in_(case_ids))
    )
    rows = session.execute(query.order_by(Case.id).with_for_update(of=Case)).all()
    papers, held = _loose_papers(session, case_ids), held_among(session, case_ids)
    return [
        Leaving(case, item, slip, papers[case.id])
        for case, item, slip in rows
        if case.id in papers and is_let_go(case, item) and case.id not in held
    ]


def _loose_papers(session: Session, case_ids: Collection[UUID]) -> dict[UUID, list[Document]]:
    """These cases' documents that lie in no envelope yet, in their order."""
    enveloped = exists().where(Content.document_id == Document.id, ~Content.void)
    mine = Document.case_id.in_(case_ids) & Document.lost_at.is_(None)
    loose = select(Document).where(mine, ~enveloped).order_by(Document.number)
    found: dict[UUID, list[Document]] = {}
    for paper in session.scalars(loose):
        found.setdefault(paper.case_id, []).append(paper)
    return found


def _open_envelopes(
    world: World, session: Session, wanted: Mapping[bytes, tuple[str, Leaving]]
) -> Sequence[Shipment]:
    """The envelopes that gather for these recipients and carriers, locked; new ones where none does."""
    now = world.now()
    rows = [
        {
            "id": uuid7(),
            "direction": Direction.OUTBOUND,
            "slip_id": one.slip.id,
            "group_digest": digest,
            "carrier": carrier,
            "stage": Stage.GATHERING,
            "moved_at": now,
            "created_at": now,
            "seal_at": now + one.item.grouping,
        }
        for digest, (carrier, one) in sorted(wanted.items())  # two workers never wait for each other crosswise
    ]
    envelope = insert(Shipment)
    # To write what stands there anyway locks the envelope that gathers; one sealed at this moment is none any more.
    gathering = envelope.on_conflict_do_update(
        index_elements=["group_digest"], index_where=ONLY_GATHERING, set_={"stage": envelope.excluded.stage}
    )
    fresh = {"populate_existing": True}
    return session.scalars(gathering.returning(Shipment), rows, execution_options=fresh).all()


def _leave_seals(world: World, session: Session, shipments: Iterable[Shipment]) -> None:
    now, ends = world.now(), dict[timedelta, list[str]]()
    for shipment in shipments:
        ends.setdefault(max(shipment.seal_at - now, timedelta(0)), []).append(shipment.subject)
    for after, subjects in ends.items():
        jobs.leave_all(session, SEAL, subjects, after=after)


def _seal(world: World, session: Session, locked: Collection[Shipment], known: list[Restore]) -> None:
    """Seal those of these locked envelopes that gather. `known`: the restores so far; each may have lost an order."""
    shipments = [shipment for shipment in locked if shipment.stage == Stage.GATHERING]
    if not shipments:
        return
    papers = _papers_that_may_leave(world, session, [shipment.id for shipment in shipments])
    empty = [shipment for shipment in shipments if shipment.id not in papers]
    full = [shipment for shipment in shipments if shipment.id in papers]
    act_all(world, session, empty, Act.CANCEL)
    earlier, lost = _earlier_orders(session, papers), {one.id: lost_past(session, one, known) for one in full}
    for shipment in full:
        shipment.sequence = 1 + earlier.get(shipment.id, 0)
        mine = papers[shipment.id]
        shipment.order_no = order_number(world, shipment.direction, mine, shipment.sequence)
        shipment.perhaps_placed = shipment.perhaps_placed or lost[shipment.id]
    act_all(world, session, full, Act.SEAL)
    for lane in sorted({shipment.carrier for shipment in full}):
        subjects = [shipment.subject for shipment in full if shipment.carrier == lane]
        jobs.leave_all(session, jobs.on_lane(BOOK, lane), subjects)
    if full:
        reach(Point.SEALED)


def _papers_that_may_leave(
    world: World, session: Session, shipment_ids: Collection[UUID]
) -> dict[UUID, list[tuple[str, int]]]:
    """Case and document numbers in each envelope that is not empty.

    A case held since it joined is taken out, to join another later.
    """
    inside = (
        select(Content, Document, Case, Item)
        .join(Document, Document.id == Content.document_id)
        .join(Case, Case.id == Document.case_id)
        .join(Item, Item.id == Case.item_id)
        .where(Content.shipment_id.in_(shipment_ids), ~Content.void)
        .order_by(Case.id)
        .with_for_update(of=Case)  # a hold waits for us, or we see it
    )
    rows = session.execute(inside).all()
    held = held_among(session, {case.id for _, _, case, _ in rows})
    staying: dict[UUID, list[tuple[str, int]]] = {}
    for content, paper, case, item in rows:
        if is_let_go(case, item) and case.id not in held:
            staying.setdefault(content.shipment_id, []).append((case.case_no, paper.number))
        else:
            session.delete(content)
            jobs.leave(session, CASE_WATCH, case.subject, after=case_patience(world, session))
    session.flush()
    return staying


def _earlier_orders(session: Session, shipment_ids: Collection[UUID]) -> dict[UUID, int]:
    """The last sequence under which one of an envelope's papers was ever ordered: a new order needs a new number."""
    mine = (
        select(Content.shipment_id.label("of"), Content.document_id)
        .where(Content.shipment_id.in_(shipment_ids))
        .subquery()
    )
    earlier = (
        select(mine.c.of, func.max(Shipment.sequence))
        .join(Content, Content.document_id == mine.c.document_id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(Content.void)
        .group_by(mine.c.of)
    )
    return dict(session.execute(earlier).all())
