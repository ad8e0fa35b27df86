"""Whose time is up: closed so long ago as the item says, or untouched for so long; nothing is open on it, and
everybody in the same envelope has had their time too.
"""

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
from dispatch.worklist import Reason
from dispatch.world import World

ENDED = ", ".join(f"'{stage}'" for stage, view in BY_STAGE.items() if view in AT_AN_END)
KEPT = """
    greatest(coalesce((SELECT items.retention FROM items WHERE items.id = {of}.item_id), :cases_kept), :pushes_kept)
"""
"""How long: never shorter than what the posts have told is kept, which names the same people."""
SINCE = """
    coalesce((SELECT closed_at FROM closures WHERE closures.case_id = {of}.id), greatest(
        {of}.received_at, {of}.paper_ready_at, {of}.released_at,
        (SELECT max(greatest(opened_at, lifted_at)) FROM holds WHERE holds.case_id = {of}.id),
        (SELECT max(slip_changes.at) FROM slip_changes WHERE slip_changes.case_id = {of}.id),
        (SELECT max(telephone_calls.at) FROM telephone_calls WHERE telephone_calls.case_id = {of}.id),
        (SELECT max(asked_at) FROM pickups WHERE pickups.case_id = {of}.id)))
"""
"""From when: the closing; of what was never closed, the last thing that happened to it. Looks and notes are none."""
OPEN = """
    EXISTS (SELECT FROM worklist WHERE settled_at IS NULL AND subject = 'case:' || {of}.id AND reason <> {told})
    OR EXISTS (SELECT FROM holds WHERE holds.case_id = {of}.id AND lifted_at IS NULL)
    OR EXISTS (
        SELECT FROM documents AS paper JOIN contents ON contents.document_id = paper.id
        JOIN shipments AS envelope ON envelope.id = contents.shipment_id
        WHERE paper.case_id = {of}.id AND (
            envelope.stage NOT IN ({ended})
            OR EXISTS (SELECT FROM worklist WHERE settled_at IS NULL AND subject = 'shipment:' || envelope.id)))
"""
"""Somebody still has it in hand: a hold, an envelope that is not at its end, an entry of the worklist."""
MOVED = """
    EXISTS (
        SELECT FROM documents AS paper JOIN contents ON contents.document_id = paper.id
        JOIN shipments AS envelope ON envelope.id = contents.shipment_id
        WHERE paper.case_id = {of}.id AND (
            envelope.moved_at + {kept} > :now
            OR EXISTS (SELECT FROM sightings WHERE shipment_id = envelope.id AND received_at + {kept} > :now)))
"""
"""One of its envelopes was moved, or told of, not so long ago."""


def _of(fragment: str, of: str) -> str:
    told = f"'{Reason.KEPT_TOO_LONG}'"
    return fragment.format(of=of, kept=KEPT.format(of=of), ended=ENDED, told=told)


def past_its_time(of: str) -> str:
    """The condition on `cases` under this name that its time is up: by itself, whatever is open on it."""
    return f"""
        {of}.erased_at IS NULL AND {of}.received_at <= :now - :pushes_kept
        AND ({of}.lapsed_at IS NOT NULL OR ({_of(SINCE, of)} + {_of(KEPT, of)} <= :now AND NOT {_of(MOVED, of)}))
    """


def still_open(of: str) -> str:
    """The condition on `cases` under this name that somebody still has it in hand."""
    return f"({_of(OPEN, of)})"


def _own(of: str) -> str:
    return f"({past_its_time(of)} AND NOT {still_open(of)})"


DUE = f"""
    SELECT mine.id FROM cases AS mine
    WHERE {_own("mine")} AND NOT EXISTS (
        SELECT FROM documents AS of_mine JOIN contents AS beside ON beside.document_id = of_mine.id
        JOIN contents AS inside ON inside.shipment_id = beside.shipment_id
        JOIN documents AS of_theirs ON of_theirs.id = inside.document_id AND of_theirs.case_id <> mine.id
        JOIN cases AS theirs ON theirs.id = of_theirs.case_id
        WHERE of_mine.case_id = mine.id AND theirs.erased_at IS NULL AND NOT {_own("theirs")})
"""  # noqa: S608 - our own words
"""Not before everybody else who is in one of its envelopes: they share a recipient, calls, and a label."""
PLAN = f"""
    SELECT items.code, items.name, items.retention,
        count(cases.id) FILTER (WHERE cases.erased_at IS NULL) AS kept,
        count(*) FILTER (WHERE cases.id IN ({DUE})) AS due,
        count(*) FILTER (WHERE {past_its_time("cases")} AND {still_open("cases")}) AS open,
        count(*) FILTER (WHERE cases.erased_at IS NOT NULL) AS erased,
        min({_of(SINCE, "cases")}) FILTER (WHERE cases.erased_at IS NULL) AS oldest
    FROM items LEFT JOIN cases ON cases.item_id = items.id
    GROUP BY items.id ORDER BY items.code
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Plan:
    """An item: how long is kept who its cases were for, and how many have had their time.

    `own`: the item says so itself. `due`: erased next; `open`: their time is up too, and something is open on them.
    `next_at`: before this nothing more of it is erased.
    """

    code: str
    name: str
    retention: timedelta
    own: bool
    kept: int
    due: int
    open: int
    erased: int
    next_at: datetime | None


def plan(world: World) -> list[Plan]:
    """What would be erased now, and nothing is: item by item."""
    with world.reading() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        rows = session.execute(text(PLAN), told(world)).all()
    return [_planned(world, *row) for row in rows]


def _planned(
    world: World,
    code: str,
    name: str,
    own: timedelta | None,
    kept: int,
    due: int,
    still_open: int,
    erased: int,
    oldest: datetime | None,
) -> Plan:
    retention = max(world.settings.cases_kept if own is None else own, world.settings.pushes_kept)
    next_at = oldest + retention if oldest else None
    return Plan(code, name, retention, own is not None, kept, due, still_open, erased, next_at)


def told(world: World) -> dict[str, object]:
    """What these conditions ask for."""
    kept = world.settings
    return {"now": world.now(), "cases_kept": kept.cases_kept, "pushes_kept": kept.pushes_kept}


def _some() -> TextClause:
    return text(f"{DUE} ORDER BY mine.received_at LIMIT :most FOR UPDATE OF mine SKIP LOCKED")


def erase_due(world: World, session: Session, most: int) -> int:
    """Erase who the oldest of these cases were for, with their envelopes; how many cases."""
    cases = list(session.scalars(_some(), told(world) | {"most": most}))
    if cases:
        erase(world, session, cases, _envelopes(session, cases))
    return len(cases)


def _envelopes(session: Session, cases: list[UUID]) -> list[UUID]:
    """All that ever held something of them, void contents too."""
    inside = select(Content.shipment_id).join(Document, Document.id == Content.document_id)
    return sorted(set(session.scalars(inside.where(Document.case_id.in_(cases)))))


def set_retention(world: World, item_code: str, days: int | None, by: str) -> None:
    """How long after its end it is kept who a case of this item was for; None: as the settings say.

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
