"""Files that cannot be taken: what a clerk is told, and what is never opened."""

import struct

import pytest
from approval_files import HEAD, archive, refusal, row_of, text, with_sheet


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "空文件"),
        (b"\r\n\r\n", "缺少"),
        (b"%PDF-1.4", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"\x89PNG\r\n", "图片"),
        (b"\xff\xd8\xff\xe0", "图片"),
        (b"Rar!\x1a", "压缩包"),
        (b"PK\x03\x04half", "损坏"),
        (b"<html><table>", "网页"),
        (b"abc\x00def", "不是表格"),
        (b"\x81\x20\xff\xff", "编码"),
        (b"\xff\xfea", "编码"),
        (b"0" * (50 * 1024 * 1024), "50 MB"),
        (text([HEAD]), "没有数据行"),
        (text([HEAD, [""] * len(HEAD)]), "没有数据行"),
        (text([HEAD]) + b'\r\n"' + b"x" * 200_000, "CSV"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_taken_says_why(content: bytes, word: str) -> None:
    assert word in refusal(content)


@pytest.mark.parametrize(
    ("part", "word"),
    [("word/document.xml", "Word"), ("content.xml", ".ods"), ("xl/workbook.bin", ".xlsb"), ("photo.jpg", "压缩包")],
)
def test_an_archive_of_another_kind_is_named(part: str, word: str) -> None:
    assert word in refusal(archive({part: b"x"}))


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before_it_is_read() -> None:
    bomb = archive({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b" " * (201 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    assert "200 MB" in refusal(bomb)


def test_an_archive_that_lies_about_its_sizes_gains_nothing() -> None:
    honest = archive({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b" " * 5_000_000})
    lying = honest.replace(struct.pack("<I", 5_000_000), struct.pack("<I", 10))
    assert lying != honest
    assert "损坏" in refusal(lying)


@pytest.mark.parametrize(
    "row",
    [
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b"<row r='1048576'><c><v>1</v></c><c r='XFD1048576'><v>1</v></c></row>",
    ],
)
def test_a_cell_in_the_far_corner_is_refused_before_room_is_made(row: bytes) -> None:
    assert "范围太大" in refusal(with_sheet(b"<worksheet><sheetData>" + row + b"</sheetData></worksheet>"))


def test_more_than_twenty_thousand_rows_are_refused() -> None:
    assert "20001 行" in refusal(text([HEAD, *(row_of(case_no=str(number)) for number in range(20_001))]))
