"""The table of jobs: name, function, whether it speaks to a carrier, how many to claim at once.

A job that speaks is left on its carrier's lane (`shipment.book@ems`), whose workers serve nobody else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dispatch.approval.carriage import CHECK_LAW
from dispatch.approval.dispatch_many import WORK, work_batch
from dispatch.approval.lodge import CASE_WATCH, GATHER
from dispatch.approval.watch_case import watch_case
from dispatch.booking.announce import announce
from dispatch.booking.book import SETTLE_DOUBT, book
from dispatch.booking.cancel import cancel_booking
from dispatch.booking.doubt import settle_doubt
from dispatch.booking.gather import SEAL, gather, gather_together, seal, seal_together
from dispatch.booking.route import check_law
from dispatch.carrier import Numbering
from dispatch.errands.push import push_news
from dispatch.errands.report import PUSH
from dispatch.jobs import kind_of, lane_of, on_lane
from dispatch.label.printer import SEND
from dispatch.label.their_label import fetch_label
from dispatch.label.thermal.send import send
from dispatch.lease import Claim, Wanted
from dispatch.reconcile.begin import LOOK_THROUGH
from dispatch.reconcile.look_through import look_through
from dispatch.retention import FORGET, forget
from dispatch.shipment import ANNOUNCE, ASK, BOOK, CANCEL, FETCH_LABEL, FOLLOW, LOOK_AGAIN, RECALL, WATCH, WEIGH
from dispatch.tracking.ask import ask
from dispatch.tracking.collected import CHECK, EVENING, check_collected
from dispatch.tracking.observe import follow
from dispatch.tracking.push import READ
from dispatch.tracking.read import read_push, read_together
from dispatch.tracking.recall import recall
from dispatch.tracking.rhythm import EVERYONE, LEARN, learn
from dispatch.tracking.watch import watch
from dispatch.world import World
from dispatch.zero_visits.weigh import weigh_shipment, weigh_together


@dataclass(frozen=True, slots=True)
class JobKind:
    """How one kind of job is done. A job that speaks to the outside is claimed singly: its lease is its own.

    `tells`: it puts its own failures before a person, under a reason of their own.
    `rank`: on its lane those of a smaller one come first, however many of a greater one are due.
    `together`: does several at once, in one transaction, and returns those that must be done singly.
    `silent_with`: where a carrier's numbers come from there, this job says nothing, however sick the account is.
    """

    name: str
    work: Callable[[World, Claim], None]
    speaks: bool = False
    at_once: int = 10
    tells: bool = False
    rank: int = 0
    together: Callable[[World, Sequence[Claim]], list[Claim]] | None = None
    silent_with: Numbering | None = None


JOBS: Mapping[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(GATHER, gather, at_once=50, together=gather_together),
        JobKind(CASE_WATCH, watch_case),
        JobKind(SEAL, seal, at_once=50, together=seal_together),
        JobKind(CHECK_LAW, check_law),
        JobKind(WORK, work_batch, at_once=1),
        JobKind(SEND, send, at_once=1, rank=1),
        JobKind(BOOK, book, speaks=True, at_once=1, silent_with=Numbering.ALLOTTED),
        JobKind(SETTLE_DOUBT, settle_doubt, speaks=True, at_once=1),
        JobKind(CANCEL, cancel_booking, speaks=True, at_once=1, tells=True, silent_with=Numbering.ALLOTTED),
        JobKind(ANNOUNCE, announce, speaks=True, at_once=1, tells=True),
        JobKind(FETCH_LABEL, fetch_label, speaks=True, at_once=1),
        JobKind(READ, read_push, at_once=100, together=read_together),
        JobKind(FOLLOW, follow),
        JobKind(RECALL, recall),
        JobKind(LOOK_THROUGH, look_through, at_once=1),
        JobKind(ASK, ask, speaks=True, at_once=1, rank=1),
        JobKind(LOOK_AGAIN, ask, speaks=True, at_once=1, rank=1),
        JobKind(PUSH, push_news, speaks=True, at_once=1),
        JobKind(WATCH, watch, rank=1),
        JobKind(WEIGH, weigh_shipment, at_once=50, together=weigh_together),
        JobKind(LEARN, learn, rank=1),
        JobKind(FORGET, forget, rank=1),
        JobKind(CHECK, check_collected, rank=1),
    )
}
STANDING = ((LEARN, EVERYONE), (FORGET, EVERYONE), (CHECK, EVENING))
"""Jobs that are always open and come back by themselves; the clock leaves them where they are missing."""
ROAD = "road"


def kind(name: str) -> JobKind:
    """How the job of this name is done, whatever its lane."""
    return JOBS[kind_of(name)]


def wanted_on(lane: str) -> dict[str, Wanted]:
    """The names of all jobs of a carrier's lane, or (without one) of the road, and how they are claimed."""
    return {
        on_lane(one.name, lane) if lane else one.name: Wanted(one.rank, one.at_once)
        for one in JOBS.values()
        if one.speaks == bool(lane)
    }


def queue_of(name: str) -> str:
    """The queue that a job's bell is rung on: the road, or the queue of the carrier it speaks to."""
    lane = lane_of(name)
    return f"post-{lane}" if lane else ROAD


def names_on(lanes: Iterable[str]) -> list[str]:
    """The names of all jobs that can occur, with these carriers."""
    speaking = [on_lane(one.name, lane) for one in JOBS.values() if one.speaks for lane in lanes]
    return [one.name for one in JOBS.values() if not one.speaks] + speaking
