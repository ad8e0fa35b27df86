"""What a tracker tells: the whole history of a parcel, each time anew (CARRIERS §0), and the state it is in. Pure.

Kdniao and Kuaidi100 tell alike: nodes with a time, words and (on newer accounts) a state of their own, and beside
them the state of the parcel. A state is coarse (3 签收) or finer (304 代收签收). The coarse one is our `code`, the
finer one its `detail`, so that a node told coarsely by one door and finely by another is one event, told finely.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dispatch.carrier import Seen
from dispatch.journey import News, Signer
from dispatch.posts.times import NEVER, read_time

NOTHING_YET = frozenset({"", "0"})
"""States of a parcel without nodes that say nothing: none told, 暂无轨迹 (Kdniao), the 0 of Kuaidi100."""


@dataclass(frozen=True, slots=True)
class State:
    """One row of a tracker's table. `of`: the coarse state that it refines. `wants_detail`: a finer one says more."""

    name: str
    news: News
    signer: Signer | None = None
    of: str = ""
    wants_detail: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the tracker tells it; `state` is empty where it tells none."""

    time: str
    state: str
    text: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is told of one parcel at one time; nodes in either order of time."""

    number: str
    carrier: str
    state: str
    nodes: tuple[Node, ...]
    order_no: str = ""
    words: str = ""  # beside the state of a parcel that has no nodes


def news_in(history: History, states: Mapping[str, State]) -> tuple[Seen, ...]:
    """One line for each node, and one for the parcel's own state where no node tells it."""
    lines = [_line(history, node, states) for node in history.nodes]
    last = _last(lines)
    if last is None:
        return (*lines, *_without_nodes(history))
    own = _stated(last, history.state, states)
    if not history.state or any(_tells(line, own) for line in lines):
        return tuple(lines)
    if not last.code:
        # The parcel's state is its last node's: that is where the parcel is.
        return tuple(own if line is last else line for line in lines)
    named = states[history.state].name if history.state in states else ""
    return (*lines, own if own.code == last.code else replace(own, text=named))


def _line(history: History, node: Node, states: Mapping[str, State]) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it.

    A node without a state moves nothing. To take it for movement would be a guess, and a wrong one where it is the
    reminder of a parcel that waits in a locker; what moves the parcel is the state told with the whole history.
    """
    blank = Seen(
        waybill_no=history.number,
        at=NEVER,
        code="",
        news=News.NOTE,
        order_no=history.order_no,
        text=node.text,
        place=node.place,
        carrier=history.carrier,
    )
    try:
        at = read_time(node.time)
    except ValueError as error:
        return replace(blank, code=node.state, news=News.UNKNOWN, text=f"{error} {node.text}".strip())
    return _stated(replace(blank, at=at), node.state, states) if node.state else replace(blank, at=at)


def _stated(line: Seen, told: str, states: Mapping[str, State]) -> Seen:
    state = states.get(told)
    if state is None:
        return replace(line, code=told, detail="", news=News.UNKNOWN, signer=None, wants_detail=False)
    return replace(
        line,
        code=state.of or told,
        detail=told if state.of else "",
        news=state.news,
        signer=state.signer,
        wants_detail=state.wants_detail,
    )


def _last(lines: list[Seen]) -> Seen | None:
    """The latest of those with a time. Among equal times, the later in the order in which the nodes were told."""
    timed = [line for line in lines if line.at != NEVER]
    if timed and timed[0].at > timed[-1].at:
        timed.reverse()
    return max(reversed(timed), key=_time, default=None)


def _time(line: Seen) -> datetime:
    return line.at


def _tells(line: Seen, own: Seen) -> bool:
    """Whether this node tells the parcel's own state, as finely or finer."""
    return line.at != NEVER and line.code == own.code and own.detail in {"", line.detail}


def _without_nodes(history: History) -> Iterator[Seen]:
    """A state without any node has no time: it moves nothing, and a person looks."""
    if history.state not in NOTHING_YET:
        yield unsettled(history, history.state, f"只有状态，没有轨迹。{history.words}")


def unsettled(history: History, code: str, words: str, at: datetime = NEVER) -> Seen:
    """What is told of the parcel and means no movement: it goes before a person."""
    return Seen(
        waybill_no=history.number,
        at=at,
        code=code,
        news=News.UNKNOWN,
        order_no=history.order_no,
        text=words,
        carrier=history.carrier,
    )
