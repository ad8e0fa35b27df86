"""The bell has rung: claim what is due, most urgent first, and work until none remains."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from dispatch import breaker, restored
from dispatch.breaker import Wait
from dispatch.carrier import Carrier
from dispatch.crash import Point, reach, work_on
from dispatch.errors import HeldBackError, LeaseLostError, ZhuandiError
from dispatch.jobs import A_LINE, kind_of, lane_of, on_behalf_of
from dispatch.lease import Claim, claim, claim_next
from dispatch.tracing import span
from dispatch.world import World
from workers import stuck
from workers.jobs import JobKind, kind, wanted_on
from workers.stranded import WORDS, show_lane

log = structlog.get_logger()


def run_lane(world: World, lane: str, leaving: Callable[[], bool] = lambda: False) -> int:
    """Do whatever is due on a carrier's lane, or (without one) on the road; how many were done.

    Bells may be many and old, and questions after parcels are always due somewhere: no order waits for them. A
    worker that is leaving claims nothing more, however much is due.
    """
    wanted, done, told = wanted_on(lane), 0, False
    while not leaving() and (found := claim_next(world, wanted)) is not None:
        if not found.claims:
            del wanted[found.name]  # somebody has them, or is about to leave them: there will be another bell
        elif found.more and not told:
            world.bell.ring([found.name])  # many jobs may have been left with one bell: whoever has time helps
            told = True
        _run_all(world, kind(found.name), found.claims)
        done += len(found.claims)
    return done


def run_due(world: World, name: str) -> int:
    """Do every due job of this kind; how many were done."""
    known, done = kind(name), 0
    while claims := claim(world, name, known.at_once):
        _run_all(world, known, claims)
        done += len(claims)
    return done


def _run_all(world: World, known: JobKind, claims: list[Claim]) -> None:
    for claimed in _done_singly(world, known, claims):
        run_one(world, known, claimed)


def _done_singly(world: World, known: JobKind, claims: list[Claim]) -> list[Claim]:
    """What is left when all that can be done together is done."""
    if known.together is None or len(claims) < 2:
        return claims
    work_on(kind_of(known.name), claims[0].subject)
    reach(Point.CLAIMED)
    try:
        with on_behalf_of("by_jobs", {one.subject: [str(one.id)] for one in claims}):
            left = known.together(world, claims)
    except Exception as error:  # noqa: BLE001 - one bad job must not stop the others: singly each tells its own
        log.warning("jobs.not_together", job=known.name, count=len(claims), error=type(error).__name__)
        return claims
    _tell_of(known, {one.id: one for one in claims}, {one.id for one in left})
    return left


def _tell_of(known: JobKind, claims: Mapping[UUID, Claim], left: Collection[UUID]) -> None:
    """Some in each line: so a job is found by its id, and a full batch costs no more than it has to."""
    ran = [
        {"job_id": str(one.id), "subject": one.subject, "attempt": one.attempts}
        for one in claims.values()
        if one.id not in left
    ]
    for first in range(0, len(ran), A_LINE):
        some = ran[first : first + A_LINE]
        log.info("jobs.ran_together", job=known.name, count=len(some), jobs=some)


def run_one(world: World, known: JobKind, claimed: Claim) -> None:
    """One job. Whatever goes wrong is written down in words; the job goes on by itself."""
    told = {"job_id": str(claimed.id), "job": claimed.name, "subject": claimed.subject}
    work_on(kind_of(claimed.name), claimed.subject)
    reach(Point.CLAIMED)
    with bound_contextvars(**told, attempt=claimed.attempts), span("job", **told):
        _run(world, known, claimed)


def _run(world: World, known: JobKind, claimed: Claim) -> None:
    try:
        if claimed.abandoned >= world.settings.job_deaths:
            stuck.put_off(world, claimed)
            return
        _work(world, known, claimed)
        if claimed.attempts >= min(world.settings.job_tries, world.settings.job_deaths) and not known.tells:
            stuck.look_back(world, claimed)
        log.info("job.ran")
    except LeaseLostError:
        log.warning("job.lease_lost")
    except HeldBackError as held:
        _hold_back(claimed, held)
    except Exception as error:  # noqa: BLE001 - one bad job must not stop the others
        # The text of an error may hold personal data: it goes sealed into the job's history, not into the log.
        log.warning("job.failed", error=type(error).__name__)
        try:
            _write_down(world, claimed, error)
        except LeaseLostError:
            log.warning("job.lease_lost")


def _hold_back(claimed: Claim, held: HeldBackError) -> None:
    """Nothing was done, and it counts as no attempt: the end of the mode wakes it."""
    try:
        claimed.postpone(restored.PAUSE, str(held))
    except LeaseLostError:
        log.warning("job.lease_lost")


def _work(world: World, known: JobKind, claimed: Claim) -> None:
    """At once, or in the carrier's turn. Of a carrier that the settings do not name any more a person is told."""
    lane = lane_of(claimed.name)
    if not known.speaks:
        known.work(world, claimed)
    elif (carrier := world.carriers.get(lane)) is None:
        show_lane(world, lane)
        claimed.postpone(world.settings.job_retry_cap, WORDS.format(lane))
    elif carrier.numbering is known.silent_with:
        known.work(world, claimed)
    else:
        _in_turn(world, known, claimed, carrier)


def _in_turn(world: World, known: JobKind, claimed: Claim, carrier: Carrier) -> None:
    turn = breaker.gate(world, carrier)
    if isinstance(turn, Wait):
        claimed.postpone(turn.wait, turn.words)
        return
    try:
        known.work(world, claimed)
    finally:
        breaker.give_back(world, carrier, turn)


def _write_down(world: World, claimed: Claim, error: Exception) -> None:
    kind = f"程序出错（{type(error).__name__}）"
    told = str(error) if isinstance(error, ZhuandiError) else kind  # the text of any other may hold anything
    with claimed.failed(told if told != kind else f"{kind}：{error}") as session:
        if claimed.attempts >= world.settings.job_tries:
            stuck.show(world, session, claimed, told)
