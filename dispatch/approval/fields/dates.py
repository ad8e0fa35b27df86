"""The moment of a decision. A date alone means that day, 00:00 in Shanghai."""

import re
from datetime import date, datetime, time, timedelta

from dispatch.approval.fields.text import WrongError, half_width
from dispatch.hall_time import SHANGHAI

_RIGHT = "写成 2026-11-02，或用 Excel 的日期格式"
_WRITTEN = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?")
_TOGETHER = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
# Excel counts days from here (its 1900 has a day too many, so serials are right from 1900-03-01 on).
_EXCEL_DAY_0 = datetime(1899, 12, 30, tzinfo=SHANGHAI)
_EARLIEST = date(2000, 1, 1)


def iso_moment(value: object) -> datetime:
    """From the API: an ISO date, or an ISO moment with its offset; `date` and aware `datetime` objects too."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise WrongError("时间没有时区", "写成 2026-11-02T09:30:00+08:00")
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), SHANGHAI)
    if isinstance(value, str) and (_ISO_DATE.fullmatch(value) or _ISO_MOMENT.fullmatch(value)):
        return _from_iso(value)
    raise WrongError("不是日期", "写成 2026-11-02 或 2026-11-02T09:30:00+08:00")


def _from_iso(text: str) -> datetime:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
        return datetime.fromisoformat(text)
    except ValueError:
        raise WrongError("日历上没有这一天或这个时刻", _RIGHT) from None


def cell_moment(value: object) -> datetime:
    """From a cell: a real date cell, an Excel serial (also as text), or a date as people write it; in Shanghai."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=SHANGHAI) if value.tzinfo is None else value
    if isinstance(value, date):
        return datetime.combine(value, time(), SHANGHAI)
    text = half_width(str(value))
    if _SERIAL.fullmatch(text):
        return _from_serial(float(text))
    found = _WRITTEN.fullmatch(text) or _TOGETHER.fullmatch(text)
    if not found:
        raise WrongError("不是日期", _RIGHT)
    try:
        return datetime(*(int(part) for part in found.groups() if part), tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]
    except ValueError:
        raise WrongError("日历上没有这一天或这个时刻", _RIGHT) from None


def _from_serial(days: float) -> datetime:
    # Whole seconds: a serial is a binary fraction of a day, and 09:30 would become 09:29:59.999997.
    return _EXCEL_DAY_0 + timedelta(seconds=round(days * 86400))


def looks_like_one(text: str) -> bool:
    """Whether it is written as a date or a moment is, be there such a day or not."""
    if (found := _TOGETHER.fullmatch(text)) is not None:
        return found[1][:2] in {"19", "20"} and int(found[2]) <= 19 and int(found[3]) <= 39  # else a telephone number
    return any(form.fullmatch(text) for form in (_WRITTEN, _SERIAL, _ISO_MOMENT))


def not_ahead(moment: datetime, today: date) -> datetime:
    """Refuse a decision after tomorrow (clocks and midnight differ by less) or before 2000, both typing errors."""
    day = _day(moment)
    if day > today + timedelta(days=1):
        raise WrongError("决定日期还没有到", f"不晚于今天（{today}）")
    if day < _EARLIEST:
        raise WrongError("决定日期太早", f"不早于{_EARLIEST}")
    return moment


def _day(moment: datetime) -> date:
    try:
        return moment.astimezone(SHANGHAI).date()
    except OverflowError:  # the year 1 or 9999, shifted out of the calendar
        return moment.date()
