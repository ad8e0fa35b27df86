"""An empty list of issued cases (出证清单) for people to fill in, with its explanation on a second sheet."""

import io
from datetime import UTC, datetime
from typing import Any

import xlsxwriter

from dispatch.approval.columns import COLUMNS, Column
from dispatch.visits import KINDS

_ROWS = 20_000
_NOTES = (
    "一行一个办件，从第2行填起；表头的名称和次序可以改动，多余的列不读取。",
    "带 * 的列必填；地址填“收件地址”一列，或填省、市、县（市、区）、乡镇（街道）、详细地址五列，只填一种。",
    "号码都按文本填写，表格软件会把15位以上的数字改成约数。",
    "同一收件人（姓名、电话、地址都相同）的几个办件会合装一个信封。",
    "双公示表的列（名称或代码，如 XK_XDR_MC）可以直接使用；法定代表人的姓名和身份证号不读取。",
)


def write_template() -> bytes:
    """An XLSX: sheet 出证清单 with headings only, sheet 说明 with each column, its allowed values and an example."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        # Otherwise the moment of writing goes into the file, and no two templates are equal.
        book.set_properties({"title": "出证清单", "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        shown = [column for column in COLUMNS if column.in_template]
        _list_sheet(book, shown)
        _explanation(book, shown)
    return out.getvalue()


def _list_sheet(book: Any, shown: list[Column]) -> None:
    sheet = book.add_worksheet("出证清单")
    head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True, "valign": "top"})
    as_text = book.add_format({"num_format": "@"})
    as_date = book.add_format({"num_format": "yyyy-mm-dd"})
    for place, column in enumerate(shown):
        sheet.set_column(place, place, 18, as_date if column.field == "decided_at" else as_text)
        sheet.write_string(0, place, column.heading + ("*" if column.required else ""), head)
        if column.choices:
            error = {"error_title": column.heading, "error_message": f"请填：{'、'.join(column.choices)}"}
            sheet.data_validation(
                1, place, _ROWS, place, {"validate": "list", "source": list(column.choices), **error}
            )
    sheet.freeze_panes(1, 1)


def _explanation(book: Any, shown: list[Column]) -> None:
    sheet = book.add_worksheet("说明")
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 20, wrapped)
    sheet.set_column(1, 1, 8, wrapped)
    sheet.set_column(2, 4, 44, wrapped)
    for row, note in enumerate(_NOTES):
        sheet.write_string(row, 0, note, book.add_format())
    top = len(_NOTES) + 1
    _write(sheet, top, ("列名", "必填吗", "怎样填", "例", "也认得的列名"), bold)
    for row, column in enumerate(shown, start=top + 1):
        need = "必填" if column.required else ""
        values = (column.heading, need, column.explain, column.example, "、".join(column.names))
        _write(sheet, row, values, wrapped)
    below = top + len(shown) + 2
    _write(sheet, below, ("办理方式", "", "计入上门", "计入跑动", "接口中的写法"), bold)
    for row, (kind, rule) in enumerate(KINDS.items(), start=below + 1):
        _write(sheet, row, (rule.chinese, "", str(rule.office_trips), str(rule.trips), kind.value), wrapped)


def _write(sheet: Any, row: int, values: tuple[str, ...], form: Any) -> None:
    for place, value in enumerate(values):
        sheet.write_string(row, place, value, form)
