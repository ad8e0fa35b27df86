"""The wall clock of a post, and the time as Chinese carriers write it."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

BEIJING: Final = ZoneInfo("Asia/Shanghai")
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


def now_ms() -> int:
    """Wall clock in whole milliseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1000)


def beijing(epoch_ms: int) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in Beijing time, the fraction of a second cut off."""
    return datetime.fromtimestamp(epoch_ms // 1000, BEIJING).strftime(TIME_FORMAT)


def is_time(text: str) -> bool:
    """True for ``yyyy-MM-dd HH:mm:ss`` and nothing looser."""
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=BEIJING).strftime(TIME_FORMAT) == text
    except ValueError:
        return False
