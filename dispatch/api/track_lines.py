"""The timeline of an envelope for its applicant: our words, the office's name at most, never the carrier's text."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import words
from dispatch.api.track_words import NEWS
from dispatch.approval.case import Case, Document
from dispatch.journey import Act, News, Signer, taken_back
from dispatch.shipment import Content, Move, Shipment
from dispatch.tracking.sighting import Sighting, sightings_of
from dispatch.world import World

DECIDED = "办件已办结"
OUR_ACTS = {f"act:{Act.HAND_OVER}": "政务服务中心已交给邮政", f"act:{Act.CLOSE}": "已核实送达"}
PLACE_MOST = 30
NUMBER = re.compile(r"\d{6,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `taken_back`: the post has revoked it since."""

    at: datetime
    words: str
    place: str = ""
    taken_back: bool = False


def lines_of(world: World, session: Session, shipment: Shipment, never_shown: Collection[str]) -> tuple[Line, ...]:
    """What happened to an envelope, newest first. A place that holds a name of `never_shown` is left out."""
    lines = [*_ours(session, shipment), *_theirs(world, sightings_of(session, shipment.id), never_shown)]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True))


def _ours(session: Session, shipment: Shipment) -> Iterator[Line]:
    decided = (
        select(func.max(Case.decided_at))
        .join(Document, Document.case_id == Case.id)
        .join(Content, Content.document_id == Document.id)
        .where(Content.shipment_id == shipment.id, ~Content.void)
    )
    if at := session.scalar(decided):
        yield Line(at, DECIDED)
    acts = select(Move.at, Move.cause).where(Move.shipment_id == shipment.id, Move.cause.in_(OUR_ACTS))
    for at, cause in session.execute(acts):
        yield Line(at, OUR_ACTS[cause])


def _theirs(world: World, rows: list[Sighting], never_shown: Collection[str]) -> Iterator[Line]:
    gone = taken_back(row.observed() for row in rows)
    for row in _told_once(rows):
        if told := _words(row):
            yield Line(row.at, told, _place(world, row, never_shown), (row.at, row.code) in gone)


def _told_once(rows: list[Sighting]) -> list[Sighting]:
    """One row for each event, in the journey's order: pushed and asked for, it is told twice, once with more."""
    best: dict[tuple[datetime, str], Sighting] = {}
    for row in sorted(rows, key=lambda row: row.observed().order()):
        kept = best.get((row.at, row.code))
        if kept is None or (row.detail and not kept.detail):
            best[row.at, row.code] = row
    return sorted(best.values(), key=lambda row: row.observed().order())


def _words(row: Sighting) -> str:
    told = NEWS.get(News(row.news), "")
    if row.news == News.DELIVERED and row.signer:
        return f"{told}：{words.SIGNERS[Signer(row.signer)]}"
    return told


def _place(world: World, row: Sighting, never_shown: Collection[str]) -> str:
    """The office's name; left out where it is no name: too long, with a telephone number, or the recipient's own."""
    place = " ".join((world.vault.open(row, "place") or "").split())
    unfit = len(place) > PLACE_MOST or NUMBER.search(place) or any(name and name in place for name in never_shown)
    return "" if unfit else place
