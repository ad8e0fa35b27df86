"""``X-Signature: <unix seconds>:<lower hex HMAC-SHA256(key, "<unix seconds>\\n" + body)>``, both ways alike."""

import hashlib
import hmac
import re
from typing import Final

from sandbox.post import now_ms

HEADER: Final = "X-Signature"
WINDOW_SECONDS: Final = 300
_SHAPE: Final = re.compile(r"([0-9]{1,12}):[0-9a-f]{64}", re.ASCII)


def now_seconds() -> int:
    """The wall clock in whole seconds."""
    return now_ms() // 1000


def signature(key: str, seconds: int, body: bytes) -> str:
    """What the header says of a body that is spoken at this time."""
    digest = hmac.new(key.encode(), f"{seconds}\n".encode() + body, hashlib.sha256).hexdigest()
    return f"{seconds}:{digest}"


def fault(key: str, given: str, body: bytes) -> str:
    """What is wrong with a header; empty for nothing."""
    shape = _SHAPE.fullmatch(given)
    if shape is None:
        return "缺少签名或格式不对"
    seconds = int(shape.group(1))
    if not hmac.compare_digest(signature(key, seconds, body).encode(), given.encode()):
        return "签名不符"
    if abs(now_seconds() - seconds) > WINDOW_SECONDS:
        return f"签名时间超出{WINDOW_SECONDS}秒"
    return ""
