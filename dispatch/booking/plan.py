"""What would happen if these cases were released: looked up, and nothing done."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Item, Release, held_among
from dispatch.booking.gather import envelope_digest
from dispatch.booking.route import choose_carrier, routes
from dispatch.hall_time import hall_time
from dispatch.journey import Stage
from dispatch.shipment import Content, Shipment
from dispatch.world import World


class Expected(StrEnum):
    """What would become of a case."""

    GOES = "goes"
    HELD = "held"
    WAITS = "waits"
    ALREADY = "already"


EXPECTED_WORDS: Mapping[Expected, str] = {
    Expected.GOES: "将寄出",
    Expected.HELD: "暂缓中",
    Expected.WAITS: "等纸质结果",
    Expected.ALREADY: "先前已办",
}
assert set(EXPECTED_WORDS) == set(Expected)  # noqa: S101 - a row without a word


@dataclass(frozen=True, slots=True)
class Planned:
    """One case. `envelope`: the number of its envelope in this plan, 0 for none; `carrier`: as people read it."""

    id: UUID
    case_no: str
    expected: Expected
    words: str
    carrier: str = ""
    envelope: int = 0
    joins: bool = False  # an envelope of this recipient is open already


@dataclass(frozen=True, slots=True)
class Offer:
    """A case that was not chosen, for a recipient to whom one goes: they would share an envelope."""

    id: UUID
    case_no: str
    envelope: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it. `envelopes`: how many go with which carrier."""

    rows: Sequence[Planned]
    envelopes: Mapping[str, int]
    offers: Sequence[Offer]

    @property
    def going(self) -> int:
        """How many cases would go."""
        return self.tally[Expected.GOES]

    @property
    def tally(self) -> Counter[Expected]:
        """How many cases of each kind."""
        return Counter(row.expected for row in self.rows)

    @property
    def joined(self) -> bool:
        """Whether any goes into an envelope that is open already."""
        return any(row.joins for row in self.rows)

    @property
    def shared(self) -> Mapping[int, int]:
        """Envelopes with several cases, and how many."""
        inside = Counter(row.envelope for row in self.rows if row.envelope)
        return {number: count for number, count in inside.items() if count > 1}


@dataclass(frozen=True, slots=True)
class _Found:
    case: Case
    item: Item
    slip: CaseSlip


class _Envelopes:
    """Numbers envelopes as they would be opened: a recipient whose items wait to be joined gets one."""

    def __init__(self, world: World, session: Session, alone: Collection[UUID]) -> None:
        self._world, self._lines, self._alone = world, routes(session), alone
        self._numbers: dict[bytes, int] = {}
        self.carriers: list[str] = []
        open_now = select(Shipment.group_digest).where(Shipment.stage == Stage.GATHERING)
        self._open = set(session.scalars(open_now))

    def number(self, found: _Found) -> tuple[int, str, bool]:
        """Its envelope, the carrier's name, and whether that envelope is open already."""
        carrier = choose_carrier(self._world, self._lines, found.slip, found.item)
        digest = envelope_digest(self._world, carrier, found.slip, found.case)
        alone = found.case.id in self._alone
        joins = digest in self._open and not alone
        shares = joins or (bool(found.item.grouping) and not alone)
        known = self._numbers.get(digest)
        if known is None or not shares:
            self.carriers.append(self._world.title(carrier))
            known = len(self.carriers)
            if shares:
                self._numbers[digest] = known
        return known, self._world.title(carrier), joins

    def of_recipient(self, found: _Found) -> int:
        """The envelope that this case would share, 0 for none."""
        carrier = choose_carrier(self._world, self._lines, found.slip, found.item)
        digest = envelope_digest(self._world, carrier, found.slip, found.case)
        return self._numbers.get(digest, 0) if found.item.grouping else 0


def plan_release(
    world: World, case_ids: Sequence[UUID], waiting: ColumnElement[bool], alone: Collection[UUID] = ()
) -> Plan:
    """What releasing these would do, `alone` each into an envelope of its own.

    `waiting`: the condition on `Case` and `Item` of what may be offered too.
    """
    with world.reading() as session:
        found = {row.case.id: row for row in _find(session, _query().where(Case.id.in_(case_ids)))}
        envelopes = _Envelopes(world, session, alone)
        held, enveloped = held_among(session, list(found)), _enveloped(session, found)
        rows = [
            _expect(found[one], envelopes, held=one in held, enveloped=one in enveloped)
            for one in case_ids
            if one in found
        ]
        offers = _offers(session, found, envelopes, waiting)
    return Plan(rows, Counter(envelopes.carriers), offers)


def _query() -> Select[Case, Item, CaseSlip]:
    joined = select(Case, Item, CaseSlip).join(Item, Item.id == Case.item_id)
    return joined.join(CaseSlip, CaseSlip.case_id == Case.id).order_by(Case.decided_at, Case.id)


def _find(session: Session, query: Select[Case, Item, CaseSlip]) -> list[_Found]:
    return [_Found(case, item, slip) for case, item, slip in session.execute(query)]


def _enveloped(session: Session, found: Mapping[UUID, _Found]) -> set[UUID]:
    inside = exists().where(Content.document_id == Document.id, ~Content.void)
    return set(session.scalars(select(Document.case_id).where(Document.case_id.in_(found), inside)))


def _expect(found: _Found, envelopes: _Envelopes, *, held: bool, enveloped: bool) -> Planned:
    case = found.case
    if enveloped:
        return Planned(case.id, case.case_no, Expected.ALREADY, "已在邮件里。")
    if held:
        return Planned(case.id, case.case_no, Expected.HELD, "放行后仍暂缓，解除后才寄出。")
    if case.paper_ready_at is None:
        return Planned(case.id, case.case_no, Expected.WAITS, "放行后等纸质结果到窗口（待出证）。")
    if case.released_at is not None:
        words = f"{case.released_by} {hall_time(case.released_at)} 已放行。"
        return Planned(case.id, case.case_no, Expected.ALREADY, words)
    if found.item.release == Release.AT_ONCE:
        return Planned(case.id, case.case_no, Expected.ALREADY, "本事项办结即寄，无需放行。")
    number, carrier, joins = envelopes.number(found)
    return Planned(case.id, case.case_no, Expected.GOES, "", carrier, number, joins)


def _offers(
    session: Session, chosen: Mapping[UUID, _Found], envelopes: _Envelopes, waiting: ColumnElement[bool]
) -> list[Offer]:
    digests = {found.slip.group_digest for found in chosen.values()}
    query = _query().where(CaseSlip.group_digest.in_(digests), Case.id.not_in(chosen), waiting)
    others = _find(session, query)
    held = held_among(session, [one.case.id for one in others])
    numbered = [(one, envelopes.of_recipient(one)) for one in others if one.case.id not in held]
    return [Offer(one.case.id, one.case.case_no, number) for one, number in numbered if number]
