"""What a page may show of a refused value, which may stand in the wrong column and be anything about anybody."""

import re
from collections.abc import Callable, Mapping

from dispatch.approval.columns import COLUMNS
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.fields import cells, dates
from dispatch.approval.fields.text import half_width
from dispatch.mask import holds_a_number, mask_name, mask_phone
from dispatch.visits import kind_from

_OF_PEOPLE = frozenset({"slip.phone", "applicant_id_no", "credit_code"})
_CHOICES = cells.WORDS | {half_width(choice).upper() for column in COLUMNS for choice in column.choices}
_NUMBER = re.compile(r"(?=.*\d)[A-Za-z0-9._/-]{1,50}|[\u4e00-\u9fff]{0,8}[〔\[(]\d{4}[〕\])]第?\d{1,6}号?", re.ASCII)
_TELEPHONE = re.compile(r"0\d{9,11}|1[3-9]\d{9}|(?!20\d\d)[2-9]\d{6,7}", re.ASCII)
_POSTCODE = re.compile(r"\d{1,6}", re.ASCII)
_DEPARTMENT = re.compile(r"[\u4e00-\u9fff]{2,30}(?:局|厅|委员会|办公室|管理处|中心|大队|支队|政府)")
_TRIP = 2
"""Characters of the mark that holds the parts of one trip together; what is longer may be somebody."""


def masked(fault: RowProblem) -> str:
    """The value of a fault as a page may show it; empty for an empty cell.

    As it is only where its field knows such a value: a word of a list, a date, a number. Of everything else the first
    character is shown, and how long it is; of a telephone or ID number both ends. Row, column and what is wrong tell
    the clerk enough to look it up.
    """
    value = fault.value or ""
    if _is_known(fault.path, half_width(value)):
        return value
    if fault.path in _OF_PEOPLE and value.isascii():
        return mask_phone(value) if fault.path == "slip.phone" else _ends(value)
    return mask_name(value, organisation=False)


def _is_known(path: str, value: str) -> bool:
    """Whether it is a word of any list (columns that are shifted show themselves by it), or such as its field has."""
    if value.upper() in _CHOICES:
        return True
    known = _KNOWN.get(path)
    return known is not None and known(value)


def _is_number(value: str) -> bool:
    if _NUMBER.fullmatch(value) is None or holds_a_number(value):
        return False
    return _TELEPHONE.fullmatch(value.replace("-", "")) is None


def _are_trips(value: str) -> bool:
    return all(_is_trip(part) for part in cells.parts(value))


def _is_trip(part: str) -> bool:
    rest, _, trip = part.partition("#")
    word, _, day = rest.partition("@")
    return kind_from(word) is not None and len(trip) <= _TRIP and (not day or dates.looks_like_one(day.strip()))


_KNOWN: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("case_no", "matter_no", "item_code", "decision_doc_no"), _is_number),
    **dict.fromkeys(("application", "visits"), _are_trips),
    "decided_at": dates.looks_like_one,
    "department": lambda value: _DEPARTMENT.fullmatch(value) is not None,
    "slip.postcode": lambda value: _POSTCODE.fullmatch(value) is not None,
}
"""Whether a value is such as the field has."""


def _ends(value: str) -> str:
    return value[:3] + "*" * max(0, len(value) - 5) + value[-2:] if len(value) > 5 else "*" * len(value)
