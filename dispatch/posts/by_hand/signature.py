"""Who speaks: `X-Signature: <unix seconds>:<lower hex HMAC-SHA256(key, "<unix seconds>\\n" + raw body)>`.

Both sides sign alike. The time is signed with the body, so a call that somebody recorded is worth nothing after the
window; a late repeat is signed anew, so the window loses none. (docs/by-hand.md)
"""

import hmac
from datetime import datetime

from dispatch.posts.reading import same

HEADER = "X-Signature"
WINDOW_SECONDS = 300
STAMP_MOST = 12  # digits of a stamp that can be a time


def sign(key: str, at: datetime, raw: bytes) -> str:
    """The header's value for these bytes, spoken at `at`."""
    return _signed(key, str(int(at.timestamp())), raw)


def fault(key: str, header: str, raw: bytes, now: datetime) -> str:
    """Why this cannot be the other side's; empty where it is genuine. Without a key nobody is believed."""
    stamp = header.partition(":")[0]
    if not key:
        return "没有设置签名密钥"
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= STAMP_MOST):
        return "没有签名，或签名不是约定的格式"
    if not same(_signed(key, stamp, raw), header):
        return "签名不符"
    if abs(now.timestamp() - int(stamp)) > WINDOW_SECONDS:
        return f"签名时间与本机相差超过 {WINDOW_SECONDS} 秒，请校准时钟"
    return ""


def _signed(key: str, stamp: str, raw: bytes) -> str:
    message = stamp.encode() + b"\n" + raw
    return f"{stamp}:{hmac.digest(key.encode(), message, 'sha256').hex()}"
