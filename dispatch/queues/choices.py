"""What the filters of a queue may be set to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document, Item
from dispatch.db import spelled
from dispatch.queues.queue import ON_THE_DESK, STAGES, Scope
from dispatch.shipment import Content, Shipment
from dispatch.world import World

RECENT = timedelta(days=92)
DEPARTMENTS = text("""
    WITH RECURSIVE each AS (
        SELECT min(department) AS name FROM cases
        UNION ALL SELECT (SELECT min(department) FROM cases WHERE department > each.name) FROM each
        WHERE each.name IS NOT NULL)
    SELECT name FROM each
    WHERE (SELECT max(decided_at) FROM cases WHERE department = each.name) > :since ORDER BY name
""")
"""From one to the next by the index: every page asks, and must not read three months of cases for a dozen names."""
TOWNS = text("""
    WITH RECURSIVE each AS (
        SELECT min(town) AS name FROM slips
        UNION ALL SELECT (SELECT min(town) FROM slips WHERE town > each.name) FROM each
        WHERE each.name IS NOT NULL)
    SELECT name FROM each
    JOIN cases ON cases.id = (SELECT case_id FROM slips WHERE town = each.name ORDER BY case_id DESC LIMIT 1)
    WHERE name <> '' AND cases.decided_at > :since ORDER BY name
""")
"""The same; the newest case of each town says whether it is still asked for. A town's name is nobody's secret."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters may be set to."""

    departments: Sequence[str]
    items: Sequence[tuple[str, str]]
    towns: Sequence[str]
    carriers: Sequence[tuple[str, str]]


def choices(world: World, scope: Scope) -> Choices:
    """Departments (one's own) and towns (everybody's) with cases of the last three months, all items and carriers.

    To whoever sees only what lies here today, those of what lies here.
    """
    with world.reading() as session:
        departments, towns, items = (
            _on_the_desk(session, scope) if scope.today_only else _lately(world, session, scope)
        )
    return Choices(departments, items, towns, [(name, carrier.title) for name, carrier in world.carriers.items()])


Found = tuple[Sequence[str], Sequence[str], Sequence[tuple[str, str]]]


def _lately(world: World, session: Session, scope: Scope) -> Found:
    since = {"since": world.now() - RECENT}
    departments = [
        one for one in session.scalars(DEPARTMENTS, since) if scope.departments is None or one in scope.departments
    ]
    items = session.execute(select(Item.code, Item.name).order_by(Item.name)).all()
    return departments, session.scalars(TOWNS, since).all(), [(code, name) for code, name in items]


def _on_the_desk(session: Session, scope: Scope) -> Found:
    """Few lie here: each is looked at."""
    here = (
        select(Case.department, CaseSlip.town, Item.code, Item.name)
        .join(CaseSlip, CaseSlip.case_id == Case.id)
        .join(Item, Item.id == Case.item_id)
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .join(Shipment, Shipment.id == Content.shipment_id)
        .where(Shipment.stage.in_([spelled(STAGES[queue]) for queue in ON_THE_DESK]), ~Content.void, scope.of_cases())
        .distinct()
    )
    rows = session.execute(here).all()
    items = sorted({(code, name) for _, _, code, name in rows}, key=lambda item: item[1])
    return sorted({row[0] for row in rows}), sorted({row[1] for row in rows if row[1]}), items
