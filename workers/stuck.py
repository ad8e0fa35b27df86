"""A job that does not come to its end is shown to a person with its true reason; done, the entry settles by itself.

Whoever is stuck goes on by itself, but for what ends its workers: that is put off, so that the others proceed.
"""

from sqlalchemy.orm import Session

from dispatch import worklist
from dispatch.jobs import Job
from dispatch.lease import Claim
from dispatch.worklist import Reason
from dispatch.world import World

DEADLY = "接手它的工作进程连续 {} 次没有做完就中断了，先搁置，之后再试。请查看运行日志。"


def put_off(world: World, claimed: Claim) -> None:
    """Its workers ended over it again and again: nobody works on it now."""
    words = DEADLY.format(claimed.abandoned)
    with claimed.put_off(world.settings.job_put_off, words) as session:
        show(world, session, claimed, words)


def look_back(world: World, claimed: Claim) -> None:
    """After an outcome: a job that failed so often, or was given up, is shown; any other is stuck no longer."""
    with world.begin() as session:
        job = session.get(Job, claimed.id)
        if job is None:
            return
        given_up = job.done_at is not None and job.last_error is not None
        if given_up or (job.done_at is None and job.attempts >= world.settings.job_tries):
            show(world, session, claimed, world.vault.open(job, "last_error") or "")
        else:
            worklist.settle_by_itself(world, session, claimed.subject, [Reason.JOB_STUCK], cause=str(claimed.id))


def show(world: World, session: Session, claimed: Claim, words: str) -> None:
    """Once for each job. Settled by a person and still stuck, it rests for a while, and then it is shown again."""
    times, last = worklist.last_settled(session, claimed.subject, Reason.JOB_STUCK, cause=str(claimed.id))
    if last is not None and world.now() - last < world.settings.case_patience:
        return
    cause = f"{claimed.id}:{times}"
    worklist.put(world, session, Reason.JOB_STUCK, claimed.subject, cause=cause, detail=words)
