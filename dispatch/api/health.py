"""Is the process alive; is the service ready to be sent work."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select

from dispatch.api.shell import RETRY_SECONDS, Answer
from dispatch.api.who import TheWorld
from dispatch.db import DATABASE_AWAY
from dispatch.jobs import Beat
from dispatch.world import World

router = APIRouter(tags=["运行状况"])
CLOCK = "clock"
"""The name under which the clock writes its beat."""
BEATS_MISSED = 3
OK = "ok"
READY: dict[int | str, dict[str, Any]] = {503: {"description": "哪一部分没有就绪"}}


@router.get("/health", summary="进程在运行")
async def health() -> Answer:
    """Needs no thread and no database: it answers while everything else waits."""
    return Answer({"status": OK})


@router.get("/ready", summary="可以受理", responses=READY)
def ready(world: TheWorld) -> Answer:
    """The database answers, and the clock rings: without it nothing that waits would move."""
    parts = _parts(world)
    if set(parts.values()) == {OK}:
        return Answer({"status": OK, "parts": parts})
    return Answer({"status": "not_ready", "parts": parts}, 503, headers={"Retry-After": RETRY_SECONDS})


def _parts(world: World) -> dict[str, str]:
    try:
        with world.reading() as session:
            young = Beat.at > func.now() - BEATS_MISSED * world.settings.clock_rhythm
            rings = session.scalar(select(young).where(Beat.name == CLOCK))
    except DATABASE_AWAY:
        return {"database": "away", CLOCK: "unknown"}
    return {"database": OK, CLOCK: {True: OK, False: "late", None: "never_seen"}[rings]}
