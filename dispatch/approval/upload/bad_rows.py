"""The rows that were not taken, as they came: the same columns, the same kind of file, and what is wrong beside."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import xlsxwriter

from dispatch import audit
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.fields import cells
from dispatch.approval.files import headings
from dispatch.approval.files.inert import in_workbook, inert
from dispatch.approval.read_list import Headed, open_list
from dispatch.approval.upload.preview import file_of, preview
from dispatch.errors import NotFoundError
from dispatch.world import World

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Written:
    """A file to be saved."""

    name: str
    kind: str
    content: bytes


def bad_rows(world: World, import_id: UUID, by: str) -> Written:
    """The bad rows of an upload, which may be mended and uploaded again. Raises NotFoundError where none is bad."""
    row, file = file_of(world, import_id, by)
    faults = preview(world, import_id, by).faults
    if not faults:
        raise NotFoundError("这份清单没有未收的行。")
    headed = open_list(file.content, file.name, row.said)
    with world.begin() as session:
        audit.note(world, session, by, audit.Deed.EXPORT, row.subject, f"未收的 {row.bad} 行")
    return write_bad_rows(headed, file.name, faults)


def write_bad_rows(headed: Headed, name: str, faults: Sequence[RowProblem]) -> Written:
    """These faults' rows of an opened list. Cells that a spreadsheet would compute are written as text."""
    words: dict[int, list[str]] = {}
    for fault in faults:
        words.setdefault(fault.row, []).append(f"{fault.field}：{fault.wrong}；{fault.right}")
    rows = [_row(headed, number, "\n".join(told)) for number, told in sorted(words.items())]
    head = _row(headed, headed.row + 1, headings.FAULTS)
    stem = name.rpartition(".")[0] or name
    form = headed.sheet.form
    if not form.encoding:
        return Written(f"{stem}-未收.xlsx", XLSX, _workbook([head, *rows]))
    text = _csv([head, *rows], form.delimiter)
    return Written(f"{stem}-未收.csv", "text/csv", text.encode(form.encoding))


def _row(headed: Headed, number: int, told: str) -> list[object]:
    """The row as it came, without our own column of an earlier round, and with what is told now at its end."""
    width = max((place for place, name in enumerate(headed.names) if name), default=-1) + 1
    came = headed.sheet.rows[number - 1]
    padded = [*came, *[""] * (width - len(came))][:width]
    kept = [cell for cell, name in zip(padded, headed.names, strict=False) if not headings.is_ours(name)]
    return [*kept, told]


def _csv(rows: Sequence[Sequence[object]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([inert(_told(cell)) for cell in row] for row in rows)
    return out.getvalue()


def _told(cell: object) -> str:
    return cell if isinstance(cell, str) else cells.as_text(cell)


def _workbook(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("未收的行")
        forms = {
            "text": book.add_format({"num_format": "@"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                _write(sheet, place, column, cell, forms)
        sheet.set_column(0, max(len(rows[0]) - 1, 0), 18)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def _write(sheet: Any, row: int, column: int, cell: object, forms: Mapping[str, Any]) -> None:
    """Text goes in as text, whatever it begins with: nothing is computed."""
    match cell:
        case None | "":
            return
        case bool():
            sheet.write_boolean(row, column, cell)
        case int() | float():
            sheet.write_number(row, column, cell)
        case datetime():
            sheet.write_datetime(row, column, cell, forms["moment" if cell.time() != time() else "day"])
        case date():
            sheet.write_datetime(row, column, cell, forms["day"])
        case timedelta() | time():
            sheet.write_string(row, column, str(cell), forms["text"])
        case _:
            sheet.write_string(row, column, in_workbook(str(cell)), forms["text"])
