"""The hall's time: everything is stored in UTC and shown in Asia/Shanghai."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from dispatch.errors import NotAllowedError

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
"""Far from the ends of the calendar, where a day more or a time zone leads out of it."""


def hall_time(at: datetime) -> str:
    """An aware time as a person at the hall reads it: 2026-11-23 09:05."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def day_told(told: str) -> date:
    """A day that somebody wrote, as 2026-11-23; what lies beyond every use is the nearest that can be reckoned with.

    Raises NotAllowedError.
    """
    try:
        return min(max(date.fromisoformat(told.strip()), FIRST_DAY), LAST_DAY)
    except ValueError:
        raise NotAllowedError(f"“{told[:20]}”不是日期。请写成 2026-11-23。") from None
