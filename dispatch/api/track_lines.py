"""The timeline of an envelope for its applicant: our words, the office's name at most, never the carrier's text."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch import words
from dispatch.api.track_words import NEWS
from dispatch.journey import Act, News, Signer, taken_back
from dispatch.tracking.sighting import Sighting
from dispatch.world import World

DECIDED = "办件已办结"
UNDONE, UNDOES = f"act:{Act.HAND_OVER}", f"act:{Act.PUT_BACK}"
"""What was put back was never handed over: nobody is told that it was."""
OUR_ACTS = {UNDONE: "政务服务中心已交给邮政", f"act:{Act.CLOSE}": "已核实送达"}
PLACE_MOST = 30
NUMBER = re.compile(r"\d{6,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `taken_back`: the post has revoked it since."""

    at: datetime
    words: str
    place: str = ""
    taken_back: bool = False


def lines_of(world: World, told: Mapping[str, Any], never_shown: Collection[str]) -> tuple[Line, ...]:
    """What happened to the envelope of a record, newest first. A place that holds a `never_shown` is left out."""
    lines = [*_ours(told), *_theirs(world, [_sighting(seen) for seen in told["sightings"] or ()], never_shown)]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True))


def _ours(told: Mapping[str, Any]) -> Iterator[Line]:
    if inside := told["contents"]:
        yield Line(max(datetime.fromisoformat(decided_at) for *_, decided_at in inside), DECIDED)
    done: list[Line] = []
    for at, cause in told["acts"] or ():
        if cause == UNDOES:
            done = [line for line in done if line.words != OUR_ACTS[UNDONE]]
        elif cause in OUR_ACTS:
            done.append(Line(datetime.fromisoformat(at), OUR_ACTS[cause]))
    yield from done


def _sighting(seen: Mapping[str, Any]) -> Sighting:
    return Sighting(
        id=UUID(seen["id"]),
        at=datetime.fromisoformat(seen["at"]),
        digest=bytes.fromhex(seen["digest"]),
        place=bytes.fromhex(seen["place"]),
        **{name: seen[name] for name in ("code", "detail", "news", "signer", "voids")},
    )


def _theirs(world: World, rows: list[Sighting], never_shown: Collection[str]) -> Iterator[Line]:
    gone = taken_back(row.observed() for row in rows)
    for row in _told_once(rows):
        if said := _words(row):
            yield Line(row.at, said, _place(world, row, never_shown), (row.at, row.code) in gone)


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
