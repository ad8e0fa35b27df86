"""What a sandbox post is told when it opens."""

import base64
import binascii
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

RepeatOrder = Literal["same_waybill", "duplicate_error"]

SM4_KEY_BYTES = 16


@dataclass(frozen=True)
class SandboxSettings:
    """Settings of one sandbox post; a value that cannot work is refused with ValueError.

    ``storage`` is the SQLite file; ``sk`` is the 签名钥匙, Base64 of 16 bytes (CARRIERS §1.2); ``push_url``
    is the customer's door for trace pushes. All times are seconds of real time. ``gap_seconds`` lies
    between two events of one parcel and is at least 1.0, because opTime has whole seconds and two events of
    a parcel must not share one. ``repeat_order`` says what a repeated order gets: EMS publishes neither.
    """

    host: str
    port: int
    storage: Path
    sender_no: str
    authorization: str = field(repr=False)
    sk: str = field(repr=False)
    push_url: str
    gap_seconds: float = 2.0
    seed: int = 1
    repeat_order: RepeatOrder = "same_waybill"
    push_retry_seconds: float = 1.0
    lost_answer_seconds: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        times = (self.gap_seconds, self.push_retry_seconds, self.lost_answer_seconds)
        if not all(math.isfinite(seconds) for seconds in times):
            raise ValueError("times must be finite")
        if self.gap_seconds < 1.0:
            raise ValueError(f"gap_seconds must be at least 1.0, not {self.gap_seconds}")
        if self.push_retry_seconds <= 0 or self.lost_answer_seconds < 0:
            raise ValueError("push_retry_seconds must be above 0 and lost_answer_seconds not below")
        if self.repeat_order not in get_args(RepeatOrder):
            raise ValueError(f"repeat_order must be one of {get_args(RepeatOrder)}")
        address = urlsplit(self.push_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError("push_url must be an http or https address")
        if not (self.sender_no and self.authorization and _is_sm4_key(self.sk)):
            raise ValueError("sender_no, authorization and sk (Base64 of 16 bytes) are required")


def _is_sm4_key(sk: str) -> bool:
    try:
        return len(base64.b64decode(sk, validate=True)) == SM4_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
