"""What needs a person, as the desk lists it: each entry of the worklist with its owner and its clock."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from dispatch.errors import NotFoundError
from dispatch.journey import Stage, Tracked, view
from dispatch.queues.about import about
from dispatch.queues.filters import Filters
from dispatch.queues.look import PAGE, entries_within, open_entries
from dispatch.queues.queue import Scope
from dispatch.shipment import Shipment, subject_id
from dispatch.worklist import SYSTEM, WORDS, Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.desk import OnDesk, settle_by, show_entries
from dispatch.zero_visits.settle import REOPENED_WITHIN, find_any

MINE, NOBODY, SETTLED = "mine", "nobody", "settled"
OVERDUE = "yes"


@dataclass(frozen=True, slots=True)
class Needs:
    """A page of entries. `reasons`: how many of each there are, whatever reason was chosen."""

    rows: Sequence[OnDesk]
    total: int
    overdue: int
    number: int
    reasons: Mapping[Reason, int]

    @property
    def pages(self) -> int:
        """How many there are, one at least."""
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry before anything of it is opened."""

    id: UUID
    reason: Reason
    overdue: bool


def needs(world: World, scope: Scope, filters: Filters, by: str, number: int = 1) -> Needs:
    """A page of what `filters` choose for `by`; past the end, the last one."""
    with world.reading() as session:
        found = _waiting(world, session, _such(world, scope, filters, by), filters)
        chosen = [one for one in found if filters.reason in {"", one.reason}]
        last = max(1, -(-len(chosen) // PAGE))
        number = min(max(1, number), last)
        page = [one.id for one in chosen[(number - 1) * PAGE : number * PAGE]]
        entries = {entry.id: entry for entry in session.scalars(select(Entry).where(Entry.id.in_(page)))}
        shown = [entries[one] for one in page if one in entries]
        rows = show_entries(world, session, shown, within=scope.within())
    reasons = Counter(one.reason for one in found)
    in_order = {reason: reasons[reason] for reason in WORDS if reasons[reason]}
    return Needs(rows, len(chosen), sum(one.overdue for one in chosen), number, in_order)


def entry_in(world: World, scope: Scope, number: str) -> Entry:
    """The entry with this number that whoever asks may see, open or settled. Raises NotFoundError."""
    with world.reading() as session:
        entry = find_any(session, number)
        if session.scalar(select(Entry.id).where(Entry.id == entry.id, entries_within(scope))) is None:
            raise NotFoundError(f"没有编号为“{number}”的待处理事项。")
        return entry


def _such(world: World, scope: Scope, filters: Filters, by: str) -> ColumnElement[bool]:
    asked = [open_entries(scope) if filters.whose != SETTLED else _just_settled(world, scope)]
    if filters.whose == MINE:
        asked.append(Entry.owner == by)
    elif filters.whose == NOBODY:
        asked.append(Entry.owner.is_(None))
    if filters.of_what:
        asked.append(about(filters.of_cases(), filters.of_shipments()))
    return and_(true(), *asked)


def _just_settled(world: World, scope: Scope) -> ColumnElement[bool]:
    since = world.now() - REOPENED_WITHIN
    return and_(entries_within(scope), Entry.settled_at >= since, Entry.settled_by != SYSTEM)


def _waiting(world: World, session: Session, such: ColumnElement[bool], filters: Filters) -> list[_Waiting]:
    """The oldest first. Whether it is overdue hangs on what is seen of its envelope, so that is read before."""
    query = select(Entry.id, Entry.reason, Entry.subject, Entry.opened_at).where(such)
    rows = session.execute(query.order_by(Entry.opened_at, Entry.id)).all()
    ids = {subject_id(row.subject) for row in rows if row.subject.startswith("shipment:")}
    standing = select(Shipment.id, Shipment.stage, Shipment.tracked).where(Shipment.id.in_(ids))
    views = {
        f"shipment:{shipment_id}": view(Stage(stage), Tracked(tracked))
        for shipment_id, stage, tracked in session.execute(standing)
    }
    now: datetime = world.now()
    found = [
        _Waiting(row.id, Reason(row.reason), now > settle_by(world, session, row.opened_at, views.get(row.subject)))
        for row in rows
    ]
    return [one for one in found if one.overdue] if filters.overdue == OVERDUE else found
