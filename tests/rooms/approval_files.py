"""Lists of issued cases as bytes, good and bad."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from dispatch.approval.check import check
from dispatch.approval.columns import BY_FIELD
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.read_list import IssuedList, ListError, read_list

TODAY = date(2026, 11, 23)
CELLS: dict[str, Any] = {
    "case_no": "331127-2026-000001",
    "item_name": "食品经营许可",
    "department": "县市场监督管理局",
    "decided_at": "2026-11-02",
    "applicant_name": "周𬎆",
    "applicant_kind": "自然人",
    "slip.recipient_name": "张𠮷",
    "slip.phone": "13900000101",
    "slip.province": "浙江省",
    "slip.city": "金华市",
    "slip.county": "磐安县",
    "slip.town": "尖山镇",
    "slip.detail": "示例路1号",
    "slip.way": "须上门投递",
}
HEAD = [BY_FIELD[field].heading for field in CELLS]


def workbook(rows: Sequence[Sequence[object]], merge: Sequence[int] = ()) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_formulas": False}
    ) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 - the same bytes every time
        sheet = book.add_worksheet("清单")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        for number in merge:
            sheet.merge_range(number, 0, number, 5, rows[number][0])
    return out.getvalue()


def text(rows: Sequence[Sequence[object]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    lines = [delimiter.join(f'"{cell}"' if delimiter in str(cell) else str(cell) for cell in row) for row in rows]
    return "\r\n".join(lines).encode(encoding)


def row_of(**changed: object) -> list[object]:
    return list((CELLS | {key.replace("__", "."): value for key, value in changed.items()}).values())


def case_of(found: IssuedList, place: int = 0) -> DecidedCase:
    outcome = check(found.rows[place][1], undrawable=lambda _: [], today=TODAY)
    assert isinstance(outcome, DecidedCase), [str(problem) for problem in outcome]
    return outcome


def refusal(content: bytes) -> str:
    with pytest.raises(ListError) as refused:
        read_list(content, "清单.xlsx")
    return str(refused.value)


def archive(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return out.getvalue()


def with_sheet(sheet: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook([HEAD, row_of()]))) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    return archive(parts | {"xl/worksheets/sheet1.xml": sheet})
