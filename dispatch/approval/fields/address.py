"""Where the postman goes: complete to the town (乡镇、街道), as one free line or in parts.

A free line is read by jionlp, which knows every town of the country. What it cannot place is not guessed: the
clerk fills in the parts.
"""

import contextlib
import functools
import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dispatch.approval.fields.text import WrongError, half_width

PARTS = {"province": "省", "city": "市", "county": "县（市、区）", "town": "乡镇（街道）", "detail": "详细地址"}
RIGHT = "写全省、市、县、乡镇（街道）和路名门牌，或改填“省、市、县（市、区）、乡镇（街道）、详细地址”各列"
_MUNICIPALITIES = {"北京市", "天津市", "上海市", "重庆市"}
# Some of their counties stand directly under the province (济源, 仙桃, 琼海, 石河子 …).
_WITH_COUNTIES_OF_THEIR_OWN = {"河南省", "湖北省", "海南省", "新疆维吾尔自治区"}
_WITHOUT_COUNTIES = {"东莞市", "中山市", "儋州市", "嘉峪关市"}
_BETWEEN = " ,、-"
_loading = threading.Lock()


@dataclass(frozen=True)
class Place:
    """The parts of an address; a part that is not known or does not exist is empty."""

    province: str = ""
    city: str = ""
    county: str = ""
    town: str = ""
    detail: str = ""

    def missing(self) -> list[str]:
        """The parts (English names) that a complete address would have and this one lacks."""
        return [part for part in PARTS if not getattr(self, part) and not self._may_lack(part)]

    def _may_lack(self, part: str) -> bool:
        if part == "city":
            own = self.province in _WITH_COUNTIES_OF_THEIR_OWN and bool(self.county)
            return own or self.province in _MUNICIPALITIES
        return part == "county" and self.city in _WITHOUT_COUNTIES


def read_line(line: str) -> Place:
    """The parts of one free line; never raises, parts that were not found are empty."""
    text = half_width(line)
    if not text:
        return Place()
    try:
        found = _parser()(text, town_village=True)
    except Exception:  # noqa: BLE001 - a dictionary parser on free text; whatever it trips over, a person fills in the parts
        return Place()
    parts = {part: str(found.get(part) or "") for part in PARTS}
    # jionlp leaves the town at the head of the detail.
    parts["detail"] = parts["detail"].strip(_BETWEEN).removeprefix(parts["town"]).strip(_BETWEEN)
    return Place(**parts)


def complete_or_wrong(place: Place) -> None:
    """Raise `WrongError` that names what a free line lacks or what could not be recognised in it."""
    missing = place.missing()
    if missing:
        names = "、".join(PARTS[part] for part in missing)
        known = f"{place.province}{place.city}{place.county}{place.town}" or "没有"
        raise WrongError(f"地址不完整，认不出{names}（已认出：{known}）", RIGHT)


@functools.cache
def _parser() -> Callable[..., dict[str, Any]]:
    # Imported late: 0.7 s and 80 MB that only a free line needs. It greets on the standard output and warns.
    with _loading, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jionlp  # noqa: PLC0415

        parse: Callable[..., dict[str, Any]] = jionlp.parse_location
        parse("", town_village=True)  # it fills its tables at its first line: a second thread would read half of them
    return parse
