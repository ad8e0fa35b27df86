"""The bell has rung: claim what is due of one kind, work, until none remain."""

import structlog

from dispatch import worklist
from dispatch.errors import LeaseLostError, ZhuandiError
from dispatch.jobs import Claim, claim
from dispatch.worklist import Reason
from dispatch.world import World
from workers.jobs import JOBS, JobKind

log = structlog.get_logger()


def run_due(world: World, name: str) -> int:
    """Do every due job of this kind; how many were done."""
    kind, done = JOBS[name], 0
    while claims := claim(world, kind.name, kind.at_once):
        for claimed in claims:
            run_one(world, kind, claimed)
        done += len(claims)
    return done


def run_one(world: World, kind: JobKind, claimed: Claim) -> None:
    """One job. Whatever goes wrong is written down in words; the job goes on by itself."""
    try:
        kind.work(world, claimed)
        if claimed.attempts > kind.tries:
            _no_longer_stuck(world, claimed)
    except LeaseLostError:
        log.warning("job.lease_lost", job=claimed.name, subject=claimed.subject)
    except Exception as error:  # noqa: BLE001 - one bad job must not stop the others
        # The text of an error may hold personal data: it goes sealed into the job's history, not into the log.
        log.warning("job.failed", job=claimed.name, subject=claimed.subject, error=type(error).__name__)
        try:
            _write_down(world, kind, claimed, error)
        except LeaseLostError:
            log.warning("job.lease_lost", job=claimed.name, subject=claimed.subject)


def _no_longer_stuck(world: World, claimed: Claim) -> None:
    with world.begin() as session:
        worklist.settle_by_itself(world, session, claimed.subject, [Reason.JOB_STUCK])


def _write_down(world: World, kind: JobKind, claimed: Claim, error: Exception) -> None:
    words = str(error) if isinstance(error, ZhuandiError) else f"程序出错（{type(error).__name__}）：{error}"
    with claimed.failed(words) as session:
        told = worklist.stands(session, claimed.subject, Reason.JOB_STUCK)
        if claimed.attempts >= kind.tries and not told:
            # A move of the shipment settles the entry; a job that is still stuck then comes back.
            cause = f"{claimed.name}:{claimed.id}:{claimed.attempts}"
            worklist.put(world, session, Reason.JOB_STUCK, claimed.subject, cause=cause, detail=words)
