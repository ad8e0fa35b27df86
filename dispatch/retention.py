"""What was kept for disputes, or to see how a job went, and who a case was for, is erased when its time is up."""

from datetime import timedelta

import structlog

from dispatch import audit
from dispatch.approval.upload.kept import KEPT, forget_false_headings, forget_imports
from dispatch.call import forget_calls
from dispatch.crash import Deed
from dispatch.jobs import forget_failures, forget_jobs
from dispatch.lease import Claim
from dispatch.personal.due import erase_due
from dispatch.personal.past_its_time import show_past_their_time
from dispatch.staff.session import forget_sessions
from dispatch.tracking.forget import forget_pushes, forget_refused
from dispatch.world import World

log = structlog.get_logger()
FORGET = "calls.forget"
BATCH = 1000
"""Rows of one kind in one transaction: nobody waits long for its locks."""
SESSIONS_KEPT = timedelta(days=30)
"""Beyond the last moment at which a session could be used."""
CASES = 50
"""Cases in one: each has rows in twenty tables."""
ROUND, SOON = timedelta(days=1), timedelta(seconds=1)


def forget(world: World, claim: Claim) -> None:
    """Erase what is older than its retention; the job comes back, sooner where more is left."""
    now, kept = world.now(), world.settings
    times = (
        (forget_calls, kept.calls_kept),
        (forget_pushes, kept.pushes_kept),
        (forget_refused, kept.pushes_kept),
        (forget_failures, kept.jobs_kept),
        (forget_jobs, kept.jobs_kept),
        (forget_sessions, kept.session_longest + SESSIONS_KEPT),
        (forget_imports, KEPT),
        (forget_false_headings, KEPT),
    )
    more = False
    for erase, age in times:
        with world.begin(Deed.FORGET) as session:
            more = erase(session, now - age, BATCH) == BATCH or more
    with world.begin(Deed.FORGET) as session:
        more = erase_due(world, session, CASES) == CASES or more
    with world.begin(Deed.FORGET) as session:
        more = show_past_their_time(world, session, CASES) == CASES or more
    with world.reading() as session:  # whoever keeps the logs elsewhere has what the chain must still hold
        log.info("audit.head", head=audit.head_of(session))
    with claim.later(SOON if more else ROUND):
        return
