"""What was kept for disputes is erased when its time is up."""

from datetime import timedelta

from dispatch.call import forget_calls
from dispatch.jobs import Claim
from dispatch.world import World

FORGET = "calls.forget"
BATCH = 1000
ROUND = timedelta(days=1)


def forget(world: World, claim: Claim) -> None:
    """Erase calls older than their retention; the job comes back, sooner where more is left."""
    with world.begin() as session:
        erased = forget_calls(session, world.now() - world.settings.calls_kept, BATCH)
    with claim.later(timedelta(seconds=1) if erased == BATCH else ROUND):
        return
