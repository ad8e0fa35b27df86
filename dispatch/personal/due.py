"""Whose time is up: closed so long ago as the item says, undisputed, and everybody in the same envelope too."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.approval.carriage import find_item
from dispatch.approval.case import Document
from dispatch.errors import NotAllowedError
from dispatch.journey import AT_AN_END, BY_STAGE
from dispatch.personal.erase import erase
from dispatch.shipment import Content
from dispatch.world import World

ENDED = ", ".join(f"'{stage}'" for stage, view in BY_STAGE.items() if view in AT_AN_END)
OWN = """
    {of}.closed_at + {kept} <= :now
    AND NOT EXISTS (SELECT FROM worklist WHERE settled_at IS NULL AND subject = 'case:' || {of}.case_id)
    AND NOT EXISTS (
        SELECT FROM documents AS paper JOIN contents ON contents.document_id = paper.id
        JOIN shipments AS envelope ON envelope.id = contents.shipment_id
        WHERE paper.case_id = {of}.case_id AND (
            envelope.stage NOT IN ({ended}) OR envelope.moved_at + {kept} > :now
            OR EXISTS (SELECT FROM worklist WHERE settled_at IS NULL AND subject = 'shipment:' || envelope.id)
            OR EXISTS (
                SELECT FROM sightings WHERE shipment_id = envelope.id AND received_at + {kept} > :now)))
"""
"""A closed case by itself: nothing was heard of it for so long, and nobody has it on the worklist."""
KEPT = """
    greatest(coalesce((SELECT items.retention FROM cases JOIN items ON items.id = cases.item_id
    WHERE cases.id = {of}.case_id), :cases_kept), :pushes_kept)
"""
"""How long: never shorter than what the posts have told is kept, which names the same people."""


def _own(of: str) -> str:
    return OWN.format(of=of, kept=KEPT.format(of=of), ended=ENDED)


DUE = f"""
    SELECT mine.case_id FROM closures AS mine
    WHERE mine.erased_at IS NULL AND {_own("mine")} AND NOT EXISTS (
        SELECT FROM documents AS of_mine JOIN contents AS beside ON beside.document_id = of_mine.id
        JOIN contents AS inside ON inside.shipment_id = beside.shipment_id
        JOIN documents AS of_theirs ON of_theirs.id = inside.document_id AND of_theirs.case_id <> mine.case_id
        LEFT JOIN closures AS theirs ON theirs.case_id = of_theirs.case_id
        WHERE of_mine.case_id = mine.case_id
        AND (theirs.id IS NULL OR (theirs.erased_at IS NULL AND NOT ({_own("theirs")}))))
"""  # noqa: S608 - our own words
"""Not before everybody else who is in one of its envelopes: they share a recipient, calls, and a label."""
PLAN = f"""
    SELECT items.code, items.name, items.retention,
        count(*) FILTER (WHERE closures.erased_at IS NULL) AS kept,
        count(*) FILTER (WHERE closures.case_id IN ({DUE})) AS due,
        count(*) FILTER (WHERE closures.erased_at IS NOT NULL) AS erased,
        min(closures.closed_at) FILTER (WHERE closures.erased_at IS NULL) AS oldest
    FROM items LEFT JOIN cases ON cases.item_id = items.id LEFT JOIN closures ON closures.case_id = cases.id
    GROUP BY items.id ORDER BY items.code
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Plan:
    """An item: how long is kept who its closed cases were for, and how many have had their time.

    `own`: the item says so itself. `next_at`: before this nothing more of it is erased.
    """

    code: str
    name: str
    retention: timedelta
    own: bool
    kept: int
    due: int
    erased: int
    next_at: datetime | None


def plan(world: World) -> list[Plan]:
    """What would be erased now, and nothing is: item by item."""
    with world.reading() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        rows = session.execute(text(PLAN), _told(world)).all()
    return [_planned(world, *row) for row in rows]


def _planned(
    world: World,
    code: str,
    name: str,
    own: timedelta | None,
    kept: int,
    due: int,
    erased: int,
    oldest: datetime | None,
) -> Plan:
    retention = max(world.settings.cases_kept if own is None else own, world.settings.pushes_kept)
    return Plan(code, name, retention, own is not None, kept, due, erased, oldest + retention if oldest else None)


def _told(world: World) -> dict[str, object]:
    kept = world.settings
    return {"now": world.now(), "cases_kept": kept.cases_kept, "pushes_kept": kept.pushes_kept}


def _some() -> TextClause:
    return text(f"{DUE} ORDER BY mine.closed_at LIMIT :most FOR UPDATE OF mine SKIP LOCKED")


def erase_due(world: World, session: Session, most: int) -> int:
    """Erase who the oldest of these cases were for, with their envelopes; how many cases."""
    cases = list(session.scalars(_some(), _told(world) | {"most": most}))
    if cases:
        erase(world, session, cases, _envelopes(session, cases))
    return len(cases)


def _envelopes(session: Session, cases: list[UUID]) -> list[UUID]:
    """All that ever held something of them, void contents too."""
    inside = select(Content.shipment_id).join(Document, Document.id == Content.document_id)
    return sorted(set(session.scalars(inside.where(Document.case_id.in_(cases)))))


def set_retention(world: World, item_code: str, days: int | None, by: str) -> None:
    """How long after the closing it is kept who a case of this item was for; None: as the settings say.

    Raises NotFoundError, and NotAllowedError where what the posts told would outlast it.
    """
    least = world.settings.pushes_kept
    if days is not None and timedelta(days=days) < least:
        raise NotAllowedError(
            f"保存期限不能短于 {least.days} 天：寄递企业推送的原文保存这么久，里面也有个人信息。"
            "确要更短，请先改设置 pushes_kept。"
        )
    with world.begin() as session:
        item = find_item(session, item_code)
        item.retention = None if days is None else timedelta(days=days)
        said = "按设置" if days is None else f"{days} 天"
        audit.note(world, session, by, audit.Deed.SETTING, f"item:{item.code}", f"个人信息保存期限改为{said}")
