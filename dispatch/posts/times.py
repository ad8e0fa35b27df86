"""Carriers write times as `yyyy-MM-dd HH:mm:ss` without a zone: Beijing time (CARRIERS §0.7)."""

import re
from datetime import UTC, datetime

from dispatch.hall_time import SHANGHAI

FORMAT = "%Y-%m-%d %H:%M:%S"
FRACTION = re.compile(r"(?<=:[0-9]{2})\.[0-9]{1,9}$")
NEVER = datetime.fromtimestamp(0, UTC)
"""No carrier's time: news at it moves nothing, and a person reads it."""


def wire_time(at: datetime) -> str:
    """An aware time as carriers write it."""
    return at.astimezone(SHANGHAI).strftime(FORMAT)


def read_time(text: str) -> datetime:
    """An aware UTC time from a carrier's text. Raises ValueError.

    Fractions of a second, as Java's timestamps have them, are left out: another door tells the same event without.
    """
    at = datetime.strptime(FRACTION.sub("", text.strip()), FORMAT).replace(tzinfo=SHANGHAI)
    try:
        return at.astimezone(UTC)
    except OverflowError as error:  # 0001-01-01 00:00:00, the null date of some systems
        raise ValueError(f"时间“{text}”超出范围") from error
