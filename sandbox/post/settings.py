"""What every sandbox post is told when it opens."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from sandbox.post.faults import Faults

RepeatOrder = Literal["same_waybill", "duplicate_error"]


@dataclass(frozen=True, kw_only=True)
class PostSettings:
    """Settings of one sandbox post; a value that cannot work is refused with ValueError.

    ``storage`` is the SQLite file, ``push_url`` the customer's door (empty where the
    protocol needs none). All
    times are seconds of real time. ``gap_seconds`` lies between two events of one parcel and is at least
    1.0, because carriers tell whole seconds and two events of a parcel must not share one. ``repeat_order``
    says what a repeated order gets. ``push_tries`` is how often a push is tried before it is given up, 0 for
    ever. A protocol derives its own settings from this class and overrides `secret`.
    """

    host: str
    port: int
    storage: Path
    push_url: str = ""
    gap_seconds: float = 2.0
    seed: int = 1
    repeat_order: RepeatOrder = "same_waybill"
    push_retry_seconds: float = 1.0
    push_tries: int = 0
    lost_answer_seconds: float = 20.0
    late_seconds: float = 10.0
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        """Refuse what cannot work; a subclass calls this and then looks at its own."""
        times = (self.gap_seconds, self.push_retry_seconds, self.lost_answer_seconds, self.late_seconds)
        if not all(math.isfinite(seconds) for seconds in times):
            raise ValueError("times must be finite")
        if self.gap_seconds < 1.0:
            raise ValueError(f"gap_seconds must be at least 1.0, not {self.gap_seconds}")
        if self.push_retry_seconds <= 0 or min(self.lost_answer_seconds, self.late_seconds, self.push_tries) < 0:
            raise ValueError("push_retry_seconds must be above 0; push_tries and the other times not below")
        if self.repeat_order not in get_args(RepeatOrder):
            raise ValueError(f"repeat_order must be one of {get_args(RepeatOrder)}")
        if self.push_url and not is_web_address(self.push_url):
            raise ValueError("push_url must be an http or https address")

    def secret(self) -> str:
        """What digests of orders are keyed with: the secret shared with the customer."""
        raise NotImplementedError


def is_web_address(text: str) -> bool:
    """True for an http or https address with a host."""
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    return address.scheme in {"http", "https"} and bool(address.hostname)
