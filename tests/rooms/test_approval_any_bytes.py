"""Whatever the bytes or the cells: a list, a refusal, a case or problems, and nothing else."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

from approval_files import CELLS, HEAD, TODAY, archive, case_of, row_of, text, workbook
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.approval.check import check
from dispatch.approval.read_list import ListError, read_list


def never_anything_else(content: bytes) -> None:
    try:
        found = read_list(content, "a")
    except ListError:
        return
    for _, row in found.rows:
        check(row, undrawable=lambda _: [], today=TODAY)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_a_refusal(content: bytes) -> None:
    never_anything_else(content)


DAMAGE = st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=8)
GOOD = workbook([HEAD, row_of()])


def damaged(content: bytes, damage: Sequence[tuple[float, int]]) -> bytes:
    worse = bytearray(content)
    for place, value in damage:
        worse[int(place * len(worse))] = value
    return bytes(worse)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(DAMAGE, st.floats(0, 1))
def test_a_damaged_workbook_is_a_list_or_a_refusal(damage: list[tuple[float, int]], kept: float) -> None:
    never_anything_else(damaged(GOOD, damage))
    never_anything_else(GOOD[: int(kept * len(GOOD))])


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    DAMAGE, st.sampled_from(["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"])
)
def test_damage_inside_a_sound_archive_is_a_list_or_a_refusal(damage: list[tuple[float, int]], part: str) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    never_anything_else(archive(parts | {part: damaged(parts[part], damage)}))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=len(HEAD)), max_size=4))
def test_any_texts_in_the_cells_are_cases_or_problems(rows: list[list[str]]) -> None:
    never_anything_else(text([HEAD, *rows], "\t"))
    for row in rows:
        assert check(dict(zip(CELLS, row, strict=False)), undrawable=lambda _: [], today=TODAY)


NAMES = st.text("蓝雷钟陈堃𬭎㛃䶮𠮷𬎆·", min_size=1, max_size=8).filter(lambda name: bool(name.strip("·")))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    name=NAMES,
    copies=st.integers(1, 99),
    day=st.dates(date(2000, 1, 1), TODAY),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_a_row_is_the_same_case_by_workbook_and_by_text(name: str, copies: int, day: date, encoding: str) -> None:
    head = [*HEAD, "出件"]
    row = [*row_of(slip__recipient_name=name, decided_at=day.isoformat()), f"证;副本×{copies}"]
    real = [*row_of(slip__recipient_name=name, decided_at=datetime(day.year, day.month, day.day)), row[-1]]  # noqa: DTZ001
    written = case_of(read_list(text([head, row], encoding=encoding), "a"))
    assert case_of(read_list(workbook([head, real]), "a")) == written
    assert (written.slip.recipient_name, written.documents[1].copies) == (name, copies)
