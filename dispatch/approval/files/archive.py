"""A workbook's archive, measured before it is read: a small file can unpack to gigabytes or claim a giant sheet.

What was measured is what is read: the parts are unpacked here, within limits, and packed anew for the reader, so
an archive that lies about its sizes gains nothing.
"""

import io
import re
import zipfile

MOST_UNPACKED = 200 * 1024 * 1024
_MOST_CELLS = 4_000_000
_MOST_PARTS = 2_000
_PART = re.compile(rb"<(?:\w+:)?(row|c)\b([^>]*)>")
_AT = re.compile(rb"""\br=["']([A-Z]{0,3})([0-9]{1,7})["']""")


def clean_workbook(content: bytes) -> bytes:
    """The workbook's XML parts as a new archive; raises `ValueError` with why a file is not opened.

    Damaged archives raise whatever `zipfile` raises.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = packed.infolist()
        names = {part.filename for part in parts}
        _must_be_xlsx(names)
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise ValueError("展开后超过 200 MB，不像一张清单")
        return _packed_anew(packed, [part for part in parts if part.filename.endswith((".xml", ".rels"))])


def _must_be_xlsx(names: set[str]) -> None:
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names:
        raise ValueError("是 .xlsb 表格")
    if any(name.startswith("word/") for name in names):
        raise ValueError("是 Word 文档，不是表格")
    if "content.xml" in names:
        raise ValueError("是 .ods 等其他格式的文档")
    raise ValueError("是压缩包，不是表格")


def _packed_anew(packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> bytes:
    out, left = io.BytesIO(), MOST_UNPACKED
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as anew:
        for part in parts:
            with packed.open(part) as source:
                data = source.read(left + 1)
            left -= len(data)
            if left < 0:
                raise ValueError("展开后超过 200 MB，不像一张清单")
            if part.filename.startswith("xl/worksheets/"):
                _must_have_a_sane_extent(data)
            anew.writestr(part.filename, data)
    return out.getvalue()


def _must_have_a_sane_extent(sheet: bytes) -> None:
    """The reader makes room for the whole rectangle of the filled cells: one cell in the far corner is a bomb."""
    row = column = last_row = last_column = 0
    for found in _PART.finditer(sheet):
        at = _AT.search(found[2])
        if found[1] == b"row":
            row, column = (int(at[2]) if at else row + 1), 0
            continue
        column = _column(at[1]) if at and at[1] else column + 1
        if found[2].endswith(b"/"):  # formatted only: takes no room
            continue
        row = int(at[2]) if at else row
        last_row, last_column = max(last_row, row), max(last_column, column)
        if last_row * last_column > _MOST_CELLS:
            raise ValueError("表格范围太大，请删去清单以外的行和列")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
