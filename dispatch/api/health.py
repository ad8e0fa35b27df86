"""Is the process alive; is the service ready to be sent work."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.api.shell import RETRY_SECONDS, Answer
from dispatch.api.who import TheWorld
from dispatch.db import DATABASE_AWAY
from dispatch.jobs import Beat
from dispatch.restored import open_restore
from dispatch.safety import Level, database_findings, revision_of, skew_finding
from dispatch.tables import REVISION
from dispatch.world import World

router = APIRouter(tags=["运行状况"])
CLOCK = "clock"
"""The name under which the clock writes its beat."""
BEATS_MISSED = 3
OK, UNKNOWN = "ok", "unknown"
RED = frozenset({"away", "unsafe", "late", "never_seen", "behind", "wrong", UNKNOWN})
"""States of a part with which nothing can be accepted, or would move."""
READY: dict[int | str, dict[str, Any]] = {503: {"description": "哪一部分没有就绪"}}


@router.get("/healthz", summary="进程在运行")
async def health() -> Answer:
    """Needs no thread and no database: it answers while everything else waits."""
    return Answer({"status": OK})


@router.get("/readyz", summary="可以受理", responses=READY)
def ready(world: TheWorld) -> Answer:
    """The database answers with our tables, and the clock rings: without it nothing that waits would move.

    Without a broker everything moves too, later, and after a restore once it is reconciled: degraded, and accepted.
    """
    parts = {**_parts(world), "broker": OK if world.bell.answers() else "not_rung"}
    if RED & set(parts.values()):
        return Answer({"status": "not_ready", "parts": parts}, 503, headers={"Retry-After": RETRY_SECONDS})
    return Answer({"status": OK if set(parts.values()) == {OK} else "degraded", "parts": parts})


def _parts(world: World) -> Mapping[str, str]:
    try:
        with world.reading() as session:
            schema = _schema(session)
            known = schema == OK
            return {
                "database": _keeps_its_word(session),
                "schema": schema,
                CLOCK: _rings(world, session) if known else UNKNOWN,
                "time": _time(world, session),
                "restore": _restore(session) if known else UNKNOWN,
            }
    except DATABASE_AWAY:
        return {"database": "away", **dict.fromkeys(("schema", CLOCK, "time", "restore"), UNKNOWN)}


def _keeps_its_word(session: Session) -> str:
    """A server that was switched to forget at a power cut since we started: an answer of success would be a lie."""
    errors = [one for one in database_findings(session) if one.level is Level.ERROR]
    return "unsafe" if errors else OK


def _schema(session: Session) -> str:
    """A database that is ahead is one that a newer version of us has migrated: the older one goes on."""
    return OK if (revision_of(session) or "") >= REVISION else "behind"


def _rings(world: World, session: Session) -> str:
    young = Beat.at > func.now() - BEATS_MISSED * world.settings.clock_rhythm
    return {True: OK, False: "late", None: "never_seen"}[session.scalar(select(young).where(Beat.name == CLOCK))]


def _restore(session: Session) -> str:
    """Set back to a backup and not reconciled yet: cases are taken, and nothing is booked."""
    return OK if open_restore(session) is None else "reconciling"


def _time(world: World, session: Session) -> str:
    """This machine's clock beside the database's: leases hang on theirs, what people read on ours."""
    return {Level.OK: OK, Level.WARN: "off", Level.ERROR: "wrong"}[skew_finding(session, world.now).level]
