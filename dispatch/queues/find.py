"""Finding a case by a number: its own, its waybill's (the QR code too), the order's, a paper's. Never by a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document, find_case
from dispatch.errors import NotFoundError
from dispatch.queues.queue import Scope
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill, token_in, waybill_of
from dispatch.world import World

MOST = 50
SHORTEST = 4
"""Fewer characters begin too many numbers to be of use."""
LONGEST = 128
"""As long as the address of a tracking page may be."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A case that was found, and the number that it was found by. `what`: the word for that number."""

    case_no: str
    what: str
    number: str


def find(world: World, scope: Scope, asked: str) -> Sequence[Hit]:
    """Cases that whoever asks may see, by the exact number; where there is none, by its beginning. At most 50."""
    wanted = asked.strip().replace("\0", "")[:LONGEST]
    if not wanted:
        return []
    with world.reading() as session:
        if token := token_in(wanted):
            return _by_token(world, session, scope, token)
        exact = _hits(session, scope, wanted, exact=True) or _hits(session, scope, wanted.upper(), exact=True)
        if exact or len(wanted) < SHORTEST:
            return exact
        return _hits(session, scope, wanted, exact=False) or _hits(session, scope, wanted.upper(), exact=False)


def case_in(world: World, scope: Scope, case_no: str) -> Case:
    """The case that whoever asks may see. Raises NotFoundError, for one of another department too."""
    with world.reading() as session:
        case = find_case(session, case_no)
        if session.scalar(select(Case.id).where(Case.id == case.id, scope.of_cases())) is None:
            raise NotFoundError(f"没有办件编号为“{case_no}”的办件。请核对编号。")
        return case


def _by_token(world: World, session: Session, scope: Scope, token: str) -> Sequence[Hit]:
    """The cases in the envelope whose waybill bears this QR code; of a void one those that lay in it."""
    waybill = waybill_of(world, session, token)
    if waybill is None:
        return []
    inside = select(Case.case_no).join(Document, Document.case_id == Case.id)
    inside = inside.join(Content, Content.document_id == Document.id)
    cases = inside.where(Content.shipment_id == waybill.shipment_id, scope.of_cases()).distinct()
    return [Hit(case_no, "运单号", waybill.number) for case_no in session.scalars(cases.order_by(Case.case_no))]


def _hits(session: Session, scope: Scope, wanted: str, *, exact: bool) -> Sequence[Hit]:
    inside = (
        select(Case.case_no)
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
    )
    queries: tuple[tuple[str, Any], ...] = (
        ("办件编号", select(Case.case_no, Case.case_no.label("number"))),
        ("运单号", inside.join(Waybill, Waybill.shipment_id == Shipment.id).add_columns(Waybill.number)),
        ("订单号", inside.add_columns(Shipment.order_no)),
        ("出件编码", select(Case.case_no, Document.code).join(Document, Document.case_id == Case.id)),
    )
    found: dict[str, Hit] = {}
    for what, query in queries:
        column = query.selected_columns[1]
        such = column == wanted if exact else column.startswith(wanted, autoescape=True)
        rows = session.execute(query.where(such, scope.of_cases()).distinct().order_by(Case.case_no).limit(MOST))
        for case_no, number in rows:
            found.setdefault(case_no, Hit(case_no, what, number))
    return list(found.values())[:MOST]
