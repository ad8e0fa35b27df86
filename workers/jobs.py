"""The table of jobs: name, function, whether it speaks to a carrier, how many to claim at once, tries until a person
is told. A job that speaks is left on its carrier's lane (`shipment.book@ems`), whose workers serve nobody else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dispatch.approval.lodge import CASE_WATCH, GATHER
from dispatch.approval.watch_case import watch_case
from dispatch.booking.announce import announce
from dispatch.booking.book import BOOK, SETTLE_DOUBT, book
from dispatch.booking.cancel import CANCEL, cancel_booking
from dispatch.booking.doubt import settle_doubt
from dispatch.booking.gather import SEAL, gather, seal
from dispatch.errands.push import push_news
from dispatch.errands.report import PUSH
from dispatch.jobs import Claim, kind_of, lane_of, on_lane
from dispatch.label.their_label import fetch_label
from dispatch.retention import FORGET, forget
from dispatch.shipment import ANNOUNCE, ASK, FETCH_LABEL, FOLLOW, LOOK_AGAIN, WATCH, WEIGH
from dispatch.tracking.ask import ask
from dispatch.tracking.observe import follow
from dispatch.tracking.push import READ
from dispatch.tracking.read import read_push
from dispatch.tracking.rhythm import EVERYONE, LEARN, learn
from dispatch.tracking.watch import watch
from dispatch.world import World
from dispatch.zero_visits.close import weigh_shipment


@dataclass(frozen=True, slots=True)
class JobKind:
    """How one kind of job is done. A job that speaks to the outside is claimed singly: its lease is its own."""

    name: str
    work: Callable[[World, Claim], None]
    speaks: bool = False
    at_once: int = 10
    tries: int = 5


JOBS: Mapping[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(GATHER, gather),
        JobKind(CASE_WATCH, watch_case),
        JobKind(SEAL, seal),
        JobKind(BOOK, book, speaks=True, at_once=1),
        JobKind(SETTLE_DOUBT, settle_doubt, speaks=True, at_once=1),
        JobKind(CANCEL, cancel_booking, speaks=True, at_once=1),
        JobKind(ANNOUNCE, announce, speaks=True, at_once=1),
        JobKind(FETCH_LABEL, fetch_label, speaks=True, at_once=1),
        JobKind(READ, read_push),
        JobKind(FOLLOW, follow),
        JobKind(ASK, ask, speaks=True, at_once=1),
        JobKind(LOOK_AGAIN, ask, speaks=True, at_once=1),
        JobKind(PUSH, push_news, speaks=True, at_once=1),
        JobKind(WATCH, watch),
        JobKind(WEIGH, weigh_shipment),
        JobKind(LEARN, learn),
        JobKind(FORGET, forget),
    )
}
STANDING = ((LEARN, EVERYONE), (FORGET, EVERYONE))
"""Jobs that are always open and come back by themselves; the clock leaves them where they are missing."""
ROAD = "road"


def kind(name: str) -> JobKind:
    """How the job of this name is done, whatever its lane."""
    return JOBS[kind_of(name)]


def queue_of(name: str) -> str:
    """The queue that a job's bell is rung on: the road, or the queue of the carrier it speaks to."""
    lane = lane_of(name)
    return f"post-{lane}" if lane else ROAD


def names_on(lanes: Iterable[str]) -> list[str]:
    """The names of all jobs that can occur, with these carriers."""
    speaking = [on_lane(one.name, lane) for one in JOBS.values() if one.speaks for lane in lanes]
    return [one.name for one in JOBS.values() if not one.speaks] + speaking
