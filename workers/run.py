"""The bell has rung: claim what is due of one kind, work, until none remain."""

import structlog

from dispatch import breaker, worklist
from dispatch.errors import LeaseLostError, ZhuandiError
from dispatch.jobs import Claim, claim, lane_of
from dispatch.worklist import Reason
from dispatch.world import World
from workers.jobs import JobKind, kind

log = structlog.get_logger()


def run_due(world: World, name: str) -> int:
    """Do every due job of this kind; how many were done."""
    known, done = kind(name), 0
    while claims := claim(world, name, known.at_once):
        for claimed in claims:
            run_one(world, known, claimed)
        done += len(claims)
    return done


def run_one(world: World, known: JobKind, claimed: Claim) -> None:
    """One job. Whatever goes wrong is written down in words; the job goes on by itself."""
    try:
        if known.speaks and (wait := breaker.gate(world, world.carriers[lane_of(claimed.name)])) is not None:
            claimed.postpone(wait.wait, wait.words)
            return
        known.work(world, claimed)
        if claimed.attempts > known.tries:
            _no_longer_stuck(world, claimed)
    except LeaseLostError:
        log.warning("job.lease_lost", job=claimed.name, subject=claimed.subject)
    except Exception as error:  # noqa: BLE001 - one bad job must not stop the others
        # The text of an error may hold personal data: it goes sealed into the job's history, not into the log.
        log.warning("job.failed", job=claimed.name, subject=claimed.subject, error=type(error).__name__)
        try:
            _write_down(world, known, claimed, error)
        except LeaseLostError:
            log.warning("job.lease_lost", job=claimed.name, subject=claimed.subject)


def _no_longer_stuck(world: World, claimed: Claim) -> None:
    with world.begin() as session:
        worklist.settle_by_itself(world, session, claimed.subject, [Reason.JOB_STUCK])


def _write_down(world: World, known: JobKind, claimed: Claim, error: Exception) -> None:
    words = str(error) if isinstance(error, ZhuandiError) else f"程序出错（{type(error).__name__}）：{error}"
    with claimed.failed(words) as session:
        told = worklist.stands(session, claimed.subject, Reason.JOB_STUCK)
        if claimed.attempts >= known.tries and not told:
            # A move of the shipment settles the entry; a job that is still stuck then comes back.
            cause = f"{claimed.name}:{claimed.id}:{claimed.attempts}"
            worklist.put(world, session, Reason.JOB_STUCK, claimed.subject, cause=cause, detail=words)
