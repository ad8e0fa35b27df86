"""Cells of a list, as spreadsheets and people write them, into the JSON values of the API's fields."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from dispatch.approval.fields.dates import cell_moment
from dispatch.approval.fields.text import WrongError, half_width
from dispatch.approval.fields.way import Way
from dispatch.visits import KINDS, kind_from

KIND_WORDS = tuple(rule.chinese for rule in KINDS.values())
_BETWEEN = re.compile(r"[;；\n]")
_COPIES = re.compile(r"(.+?)\s*[×xX✕*]\s*(\d+)\s*份?")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_LOST = "被表格软件当成数字改写，末尾几位已经丢失"
_AS_TEXT = "先把这一列设成文本格式，再重新填写原号码"
_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number
_YES = {"是", "Y", "YES", "TRUE", "1", "√", "有"}
_NO = {"否", "N", "NO", "FALSE", "0", "×", "无"}
_WAYS = {
    **{way.value: way for way in Way},
    **{way.chinese: way for way in Way},
    "上门投递": Way.DOOR,
    "快件箱": Way.LOCKER,
}
_PERSON = {"自然人", "个人", "PERSON", "1", "01"}
_ORGANISATION = {
    "法人及其他组织", "法人及非法人组织", "法人", "非法人组织", "单位", "企业", "企业法人", "事业法人",
    "社会组织法人", "机关法人", "其他组织", "ORGANISATION", "2", "3", "4", "5", "02", "03", "04", "05",
}  # fmt: skip
_IDENTITY_CARD = {"身份证", "居民身份证", "公民身份证", "公民身份号码", "二代身份证"}
WORDS = frozenset().union(_YES, _NO, map(str.upper, _WAYS), _PERSON, _ORGANISATION, _IDENTITY_CARD)
"""Every word of a closed list, in capitals where it has letters."""


def as_text(cell: object) -> str:
    """What the clerk sees in the cell, on one line; empty for an empty cell."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, int | float):
        return _digits(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return " ".join(str(cell).split())


def _digits(cell: float) -> str:
    whole = isinstance(cell, int) or cell.is_integer()
    return str(int(cell)) if whole else repr(cell)


def text(cell: object) -> str:
    """Text of a name, an address, a reason."""
    return as_text(cell)


def number(cell: object) -> str:
    """Digits that are a name (case, phone, licence): refused where the spreadsheet has rounded them."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= _EXACT:
        raise WrongError(_LOST, _AS_TEXT)
    written = as_text(cell)
    if _SCIENTIFIC.fullmatch(written):
        raise WrongError(_LOST, _AS_TEXT)
    # A leading apostrophe is how people force text; exports keep it.
    return written.removeprefix("'")


def moment(cell: object) -> str:
    """ISO moment of a date cell."""
    return cell_moment(cell).isoformat()


def yes_no(cell: object) -> bool:
    """是 or 否, as words, ticks or Excel's own truth values."""
    word = half_width(as_text(cell)).upper()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise WrongError("看不出是或否", "填“是”或“否”")


def way(cell: object) -> str:
    """The API's word for a way of delivery."""
    found = _WAYS.get(half_width(as_text(cell)).lower())
    if found is None:
        raise WrongError("没有这种投递方式", f"填{'、'.join(w.chinese for w in Way)}之一")
    return found.value


def applicant_kind(cell: object) -> str:
    """person or organisation, from the words and codes of 双公示 and GB/T 39046 A.4."""
    word = half_width(as_text(cell)).upper()
    head = re.split(r"[-:.\s(]", word)[0]  # "1-自然人"
    for spoken in (word, head):
        if spoken in _PERSON:
            return "person"
        if spoken in _ORGANISATION:
            return "organisation"
    raise WrongError("不知道是哪一类", "填“自然人”或“法人及其他组织”")


def is_identity_card(cell: object) -> bool:
    """Whether 证件类型 says that the number is a 公民身份号码 (or says nothing)."""
    word = as_text(cell)
    return not word or word in _IDENTITY_CARD


def documents(cell: object) -> list[dict[str, Any]]:
    """`营业执照;副本×2` → names and copies."""
    return [_document(part) for part in parts(_kept_lines(cell))]


def _document(written: str) -> dict[str, Any]:
    found = _COPIES.fullmatch(written)
    if found is None:
        return {"name": written}
    copies = int(half_width(found[2])[:6])
    if not 1 <= copies <= 99:
        raise WrongError("份数不对", "份数是1到99")
    return {"name": found[1], "copies": copies}


def visits(cell: object) -> list[dict[str, Any]]:
    """`hall_counter@2026-11-02#甲;咨询` → kinds with date and trip."""
    return [visit(part) for part in parts(_kept_lines(cell))]


def parts(written: str) -> list[str]:
    """What stands between the semicolons or line ends of a cell that holds several things."""
    return [part.strip() for part in _BETWEEN.split(written) if part.strip()]


def visit(cell: object) -> dict[str, Any]:
    """One trip: the kind's Chinese or English word, then `@` date and `#` trip where known."""
    written = half_width(as_text(cell))
    rest, _, trip = written.partition("#")
    word, _, day = rest.partition("@")
    kind = kind_from(word)
    if kind is None:
        raise WrongError("没有这种办理方式", f"填{'、'.join(KIND_WORDS)}之一，日期写在 @ 后面")
    made: dict[str, Any] = {"kind": kind.value}
    if day.strip():
        made["on"] = cell_moment(day.strip()).date().isoformat()
    if trip.strip():
        made["trip"] = trip.strip()
    return made


def _kept_lines(cell: object) -> str:
    return cell if isinstance(cell, str) else as_text(cell)


READERS: dict[str, Callable[[object], object]] = {
    "case_no": number,
    "matter_no": number,
    "item_code": number,
    "decided_at": moment,
    "applicant_kind": applicant_kind,
    "applicant_id_no": number,
    "application": visit,
    "visits": visits,
    "paper_ready": yes_no,
    "documents": documents,
    "slip.phone": number,
    "slip.postcode": number,
    "slip.way": way,
    "slip.point_at_address": yes_no,
    "slip.brought_to_door": yes_no,
    "slip.proxy_allowed": yes_no,
}
"""How a cell of each field is read; `text` for every other."""
