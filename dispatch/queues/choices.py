"""What the filters of a queue may be set to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text

from dispatch.approval.case import Item
from dispatch.queues.queue import Scope
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
    """Departments (one's own) and towns (everybody's) with cases of the last three months, all items and carriers."""
    since = {"since": world.now() - RECENT}
    with world.reading() as session:
        departments = session.scalars(DEPARTMENTS, since).all()
        return Choices(
            [one for one in departments if scope.departments is None or one in scope.departments],
            [(code, name) for code, name in session.execute(select(Item.code, Item.name).order_by(Item.name))],
            session.scalars(TOWNS, since).all(),
            [(name, carrier.title) for name, carrier in world.carriers.items()],
        )
