"""Which rows of all tables belong to a case and its envelopes: followed along the foreign keys, and by subject.

So a table that is new is reached by itself, where it points at a case, an envelope, or anything that hangs on them.
"""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, or_, select, text, union_all
from sqlalchemy.orm import Session

from dispatch.db import Base

Reached = Mapping[str, frozenset[UUID]]
"""By table, the ids of its rows."""
SUBJECTS = (
    *(("cases", "case"), ("shipments", "shipment"), ("errands", "errand"), ("pickups", "pickup")),
    *(("hand_overs", "hand_over"), ("batches", "batch"), ("batches", "print")),
)
"""What is named by a word and an id where something is told of it: jobs, worklist, pictures, reveals, audit."""
PARCEL = "parcel"
NUMBERS = (("errands", "number", "waybills", "number"), ("errands", "order_no", "shipments", "order_no"))
"""A side room knows no other: its rows are found by the numbers that both have."""
ALL_FORGOTTEN = """NOT EXISTS (
    SELECT FROM hand_over_lines AS line JOIN contents ON contents.shipment_id = line.shipment_id
    JOIN documents ON documents.id = contents.document_id JOIN cases ON cases.id = documents.case_id
    WHERE line.hand_over_id = hand_overs.id AND cases.erased_at IS NULL AND NOT cases.id = ANY(:forgotten))
"""
"""Of everybody on a posting list: until then the postman's signature is the proof of theirs."""


def reach(session: Session, cases: Collection[UUID], shipments: Collection[UUID]) -> Reached:
    """Every row that belongs to these cases and envelopes."""
    reached = {"cases": frozenset(cases), "shipments": frozenset(shipments)}
    grown = True
    while grown:
        found = {table.name: _rows(session, table, reached) for table in Base.metadata.sorted_tables}
        grown = any(ids - reached.get(name, frozenset()) for name, ids in found.items())
        reached |= {name: ids | reached.get(name, frozenset()) for name, ids in found.items() if ids}
    return reached


def _rows(session: Session, table: Table, reached: Reached) -> frozenset[UUID]:
    """Of one table. Cases and envelopes are those that were named: no others are reached through them."""
    if table.name in {"cases", "shipments"} or "id" not in table.c:
        return frozenset()
    asked = [*_pointing(table, reached), *_named_alike(session, table, reached), *_of_many(table, reached)]
    if "subject" in table.c and (subjects := list(_subjects(session, reached))):
        asked.append(table.c.subject.in_(subjects))
    return frozenset(session.scalars(select(table.c.id).where(or_(*asked)))) if asked else frozenset()


def _pointing(table: Table, reached: Reached) -> Iterator[ColumnElement[bool]]:
    for key in table.foreign_keys:
        if ids := reached.get(key.column.table.name):
            yield key.parent.in_(ids)


def _named_alike(session: Session, table: Table, reached: Reached) -> Iterator[ColumnElement[bool]]:
    for mine, column, theirs, number in NUMBERS:
        if mine == table.name and (ids := reached.get(theirs)):
            other = Base.metadata.tables[theirs]
            yield table.c[column].in_(session.scalars(select(other.c[number]).where(other.c.id.in_(ids))).all())


def _of_many(table: Table, reached: Reached) -> Iterator[ColumnElement[bool]]:
    """What belongs to several: why a batch was made goes with the first of its items, a signature with the last."""
    if table.name == "batches":
        items, named = Base.metadata.tables["batch_items"], reached["cases"] | reached["shipments"]
        yield table.c.id.in_(select(items.c.batch_id).where(items.c.of.in_(named)))
    if table.name == "hand_overs":
        lines, back = (Base.metadata.tables[name] for name in ("hand_over_lines", "lines_put_back"))
        mine = [
            select(one.c.hand_over_id).where(one.c.shipment_id.in_(reached["shipments"])) for one in (lines, back)
        ]
        yield and_(
            table.c.id.in_(union_all(*mine)), text(ALL_FORGOTTEN).bindparams(forgotten=sorted(reached["cases"]))
        )


def _subjects(session: Session, reached: Reached) -> Iterator[str]:
    for name, word in SUBJECTS:
        yield from (f"{word}:{row_id}" for row_id in reached.get(name, ()))
    if ids := reached.get("waybills"):
        waybills = Base.metadata.tables["waybills"]
        parcel = func.concat_ws(":", PARCEL, waybills.c.carrier, waybills.c.number)
        yield from session.scalars(select(parcel).where(waybills.c.id.in_(ids)))
