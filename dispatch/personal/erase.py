"""What identifies a person is erased of cases whose time is up; what was counted, and the chain of the audit, stays.

Numbers, states, times, visits, evidence and closures stay, and so do the keyed digests by which the same case, push
or order is known again (DESIGN promise 2).
"""

import secrets
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, cast, exists, func, select, update
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.approval.case import Case
from dispatch.db import Base
from dispatch.ledger import Visit
from dispatch.personal.columns import SealedTable, sealed_tables
from dispatch.personal.reach import reach
from dispatch.shipment import lock_all
from dispatch.worklist import SYSTEM, Reason, settle_each_by_itself
from dispatch.world import World
from dispatch.zero_visits.close import Closure

DIGEST_BYTES, TRIP_DIGITS = 32, 32
LIES_OPEN: Mapping[str, Mapping[str, Any]] = {
    "cases": {"applicant_id_digest": None, "decision_doc_no": None},
    "documents": {"name": ""},
    "slips": {"province": "", "city": "", "county": "", "town": "", "postcode": "", "group_digest": b""},
    "waybills": {"sorting_code": ""},
    "shipments": {"group_digest": b""},
    "errand_events": {"place": ""},
    "reveals": {"reason": ""},
}
"""Columns that are not sealed and tell of a person all the same: where somebody lives, who belongs together.

Decisions are published (行政许可法 40): the number of one leads to whom it names, and so does a place from which few
come together with item and day. No figure is counted by them, so nothing is lost. The name of a document may hold
anything. What stays, and why, says tests/rooms/test_erasing.py.
"""
WORDS = "保存期限已满，清除个人信息"


def erase(world: World, session: Session, cases: Collection[UUID], shipments: Collection[UUID]) -> None:
    """Erase what says who these cases and envelopes were for, and note it for each case."""
    lock_all(session, shipments)
    reached = reach(session, cases, shipments)
    for table in sealed_tables():
        if ids := reached.get(table.name):
            _empty(world, session, table, ids)
    for name, values in LIES_OPEN.items():
        _write(session, name, reached.get(name, ()), values)
    for waybill_id in sorted(reached.get("waybills", ())):  # nobody's page any more: no token has this digest
        _write(session, "waybills", [waybill_id], {"token_digest": secrets.token_bytes(DIGEST_BYTES)})
    _blur_trips(world, session, reached.get("visits", ()))
    over = {"erased_at": world.now(), "lapsed_at": func.coalesce(Case.lapsed_at, _unless_closed(world))}
    session.execute(update(Case).where(Case.id.in_(cases)).values(over))
    subjects = [f"case:{case_id}" for case_id in cases]
    settle_each_by_itself(world, session, subjects, [Reason.KEPT_TOO_LONG])
    for case_id in sorted(cases):
        audit.note(world, session, SYSTEM, audit.Deed.ERASE, f"case:{case_id}", WORDS)


def _unless_closed(world: World) -> ColumnElement[Any]:
    """What was never closed is over now: with nobody to send it to it must not go out."""
    return case((~exists(select(Closure.id).where(Closure.case_id == Case.id)), world.now()))


def _blur_trips(world: World, session: Session, visit_ids: Collection[UUID]) -> None:
    """A trip bears the words of whoever told of it; the same words of other cases stay the same trip."""
    told = Visit.trip.startswith(cast(Visit.matter_id, String) + ":")
    for trip in sorted(set(session.scalars(select(Visit.trip).where(Visit.id.in_(visit_ids), told)))):
        blurred = f"{trip.partition(':')[0]}:{world.vault.digest('trip', trip).hex()[:TRIP_DIGITS]}"
        session.execute(update(Visit).where(Visit.trip == trip).values(trip=blurred))


def _empty(world: World, session: Session, table: SealedTable, ids: Collection[UUID]) -> None:
    """Nothing where nothing may stand; else a sealed emptiness, which every reader knows how to open."""
    nothing = {column: None for column in table.columns if table.may_be_empty(column)}
    filled = [column for column in table.columns if column not in nothing]
    if nothing and not filled:
        session.execute(update(table.table).where(table.table.c.id.in_(ids)).values(**nothing))
        return
    for row_id in sorted(ids):
        place = SimpleNamespace(__tablename__=table.name, id=row_id)
        for column in filled:
            world.vault.seal(place, column, "")
        values = nothing | {column: getattr(place, column) for column in filled}
        session.execute(update(table.table).where(table.table.c.id == row_id).values(**values))


def _write(session: Session, name: str, ids: Collection[UUID], values: Mapping[str, Any]) -> None:
    table = Base.metadata.tables[name]
    if ids:
        session.execute(update(table).where(table.c.id.in_(ids)).values(**values))
