"""The hall's time: everything is stored in UTC and shown in Asia/Shanghai."""

from datetime import datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def hall_time(at: datetime) -> str:
    """An aware time as a person at the hall reads it: 2026-11-23 09:05."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
