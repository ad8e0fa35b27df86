"""EMS writes times as `yyyy-MM-dd HH:mm:ss` without a zone: Beijing time (CARRIERS §0.7)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
FORMAT = "%Y-%m-%d %H:%M:%S"


def wire_time(at: datetime) -> str:
    """An aware time as EMS writes it."""
    return at.astimezone(BEIJING).strftime(FORMAT)


def read_time(text: str) -> datetime:
    """An aware UTC time from EMS's text. Raises ValueError."""
    return datetime.strptime(text.strip(), FORMAT).replace(tzinfo=BEIJING).astimezone(UTC)
