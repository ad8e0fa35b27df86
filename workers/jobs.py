"""The table of jobs: name, function, queue, how many to claim at once, tries until a person is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatch.approval.lodge import CASE_WATCH, GATHER
from dispatch.approval.watch_case import watch_case
from dispatch.booking.book import SETTLE_DOUBT, book
from dispatch.booking.doubt import settle_doubt
from dispatch.booking.gather import BOOK, SEAL, gather, seal
from dispatch.jobs import Claim
from dispatch.shipment import FOLLOW, WATCH, WEIGH
from dispatch.tracking.ask import ask
from dispatch.tracking.observe import ASK, follow
from dispatch.tracking.push import READ
from dispatch.tracking.read import read_push
from dispatch.tracking.watch import watch
from dispatch.world import World
from dispatch.zero_visits.close import weigh_shipment


@dataclass(frozen=True, slots=True)
class JobKind:
    """How one kind of job is done. A job that speaks to the outside is claimed singly: its lease is its own."""

    name: str
    work: Callable[[World, Claim], None]
    queue: str = "road"
    at_once: int = 10
    tries: int = 5


JOBS: Mapping[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(GATHER, gather),
        JobKind(CASE_WATCH, watch_case),
        JobKind(SEAL, seal),
        JobKind(BOOK, book, queue="post", at_once=1),
        JobKind(SETTLE_DOUBT, settle_doubt, queue="post", at_once=1),
        JobKind(READ, read_push),
        JobKind(FOLLOW, follow),
        JobKind(ASK, ask, queue="post", at_once=1),
        JobKind(WATCH, watch),
        JobKind(WEIGH, weigh_shipment),
    )
}


def queue_of(name: str) -> str:
    """The queue that a job's bell is rung on."""
    return JOBS[name].queue
