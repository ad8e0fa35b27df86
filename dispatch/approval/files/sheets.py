"""Bytes into rows of cells: which kind of file it is, its encoding, its delimiter."""

import csv
import io
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from dispatch.approval.files import headings
from dispatch.approval.files.archive import clean_workbook
from dispatch.approval.files.inert import alive
from dispatch.errors import NotAllowedError

_SAVE_AS = "请在表格软件里“另存为” .xlsx 或 CSV 后再选"
_OTHER_KINDS = (
    (b"%PDF", "PDF 文件"),
    (b"\xd0\xcf\x11\xe0", "旧版 .xls，或加了打开密码的表格"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
    (b"\x1f\x8b", "压缩包"),
    (b"{\\rtf", "文字文档"),
)
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",;\t"
_HEAD_LINES = 6


class ListError(NotAllowedError):
    """The file as a whole cannot be taken; the text says why and what to do."""


@dataclass(frozen=True)
class Form:
    """How a file was written, so that its rows can be written the same way. Without an encoding: a workbook."""

    encoding: str = ""
    delimiter: str = ","


@dataclass(frozen=True)
class Sheet:
    """Rows of cells, the first row first; `captions`: rows (from 1) with nothing but one merged cell."""

    rows: Sequence[Sequence[object]]
    captions: AbstractSet[int] = field(default_factory=frozenset)
    form: Form = Form()


def sheets_of(content: bytes, filename: str) -> list[Sheet]:
    """At least one sheet with at least one row; raises `ListError`."""
    for magic, kind in _OTHER_KINDS:
        if content.startswith(magic):
            raise ListError(f"“{filename}”是{kind}，不是 .xlsx 或 CSV 表格；{_SAVE_AS}")
    packed = content.startswith(b"PK")
    found = _workbook(content, filename) if packed else [_csv(*_decoded(content, filename))]
    filled = [sheet for sheet in found if sheet.rows]
    if not filled:
        raise ListError(f"“{filename}”里什么也没有")
    return filled


def _workbook(content: bytes, filename: str) -> list[Sheet]:
    unreadable = f"“{filename}”打不开，可能没有传完整或已损坏；{_SAVE_AS}"
    try:
        clean = clean_workbook(content)
    except ValueError as wrong:
        raise ListError(f"“{filename}”打不开：{wrong}；{_SAVE_AS}") from None
    except Exception:  # noqa: BLE001 - zipfile raises half a dozen kinds on damaged bytes
        raise ListError(unreadable) from None
    try:
        return _calamine(clean)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic inside the Rust reader is not an Exception
        raise ListError(unreadable) from None


def _calamine(clean: bytes) -> list[Sheet]:
    with CalamineWorkbook.from_filelike(io.BytesIO(clean)) as book:
        names = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
        ]
        return [_sheet(book.get_sheet_by_name(name)) for name in names]


def _sheet(sheet: CalamineSheet) -> Sheet:
    rows = sheet.to_python(skip_empty_area=False)
    wide = {top + 1 for (top, left), (_, right) in sheet.merged_cell_ranges or [] if right > left}
    captions = {row for row in wide if row <= len(rows) and sum(cell != "" for cell in rows[row - 1]) == 1}
    return Sheet(rows, captions)


def _decoded(content: bytes, filename: str) -> tuple[str, str]:
    """The text, and the encoding that gives these bytes again."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # Excel's "Unicode text"
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = _ENCODINGS
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        unmarked = encoding == "utf-8-sig" and not content.startswith(b"\xef\xbb\xbf")
        return _only_a_table(text, filename), "utf-8" if unmarked else encoding
    raise ListError(f"“{filename}”的文字编码认不出来；{_SAVE_AS}")


def _only_a_table(text: str, filename: str) -> str:
    if any(ord(c) < 32 and c not in "\t\r\n" for c in text):
        raise ListError(f"“{filename}”不是表格；{_SAVE_AS}")
    if text.lstrip()[:200].lower().startswith(("<html", "<!doctype", "<?xml", "<table")):
        raise ListError(f"“{filename}”是网页格式的表格；{_SAVE_AS}")
    return text


def _csv(text: str, encoding: str) -> Sheet:
    delimiter = max(_DELIMITERS, key=lambda delimiter: _headings(text, delimiter))
    rows = [[alive(cell) for cell in row] for row in _split(text, delimiter)]
    return Sheet(rows, form=Form(encoding, delimiter))


def _headings(text: str, delimiter: str) -> tuple[int, int]:
    """How many of our headings, and how many cells, the best of the first lines shows when cut by this delimiter."""
    head = _split("\n".join(text[:100_000].splitlines()[:_HEAD_LINES]), delimiter)
    return max(((sum(headings.find(cell) is not None for cell in row), len(row)) for row in head), default=(0, 0))


def _split(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        raise ListError("CSV 的引号或分隔不对，或有一格超过13万字；请另存为 .xlsx 后再选") from None
