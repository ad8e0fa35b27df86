"""What every sandbox post has: books, carriage, pushes, faults, a server. A protocol derives `PostProtocol`."""

from sandbox.post.clock import BEIJING, TIME_FORMAT, beijing, is_time, now_ms
from sandbox.post.faults import ANSWER_FAULTS, PUSH_FAULTS, Faults
from sandbox.post.ledger.draft import CutShortError, Draft, Outcome, Placed
from sandbox.post.ledger.orders import Orders
from sandbox.post.ledger.parcel import Event, Parcel
from sandbox.post.protocol import Answer, Call, Door, Message, News, PostProtocol, PushRequest, read_json
from sandbox.post.settings import PostSettings, RepeatOrder
from sandbox.post.story import Play, Scenario, Step, table
from sandbox.post.wire.server import Running, running, serve

__all__ = [
    "ANSWER_FAULTS",
    "BEIJING",
    "PUSH_FAULTS",
    "TIME_FORMAT",
    "Answer",
    "Call",
    "CutShortError",
    "Door",
    "Draft",
    "Event",
    "Faults",
    "Message",
    "News",
    "Orders",
    "Outcome",
    "Parcel",
    "Placed",
    "Play",
    "PostProtocol",
    "PostSettings",
    "PushRequest",
    "RepeatOrder",
    "Running",
    "Scenario",
    "Step",
    "beijing",
    "is_time",
    "now_ms",
    "read_json",
    "running",
    "serve",
    "table",
]
