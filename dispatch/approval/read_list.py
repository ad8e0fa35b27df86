"""A list of issued cases (出证清单) as a file: XLSX, or CSV in the encodings that offices use.

The kind is told by the content, never by the name. A file that cannot be taken gives one `ListError` in a clerk's
words; what is wrong inside single rows is `check`'s business, except a 办件编号 that the file has twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatch.approval.columns import BY_FIELD
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.fields import cells
from dispatch.approval.files import headings
from dispatch.approval.files.headings import Meanings
from dispatch.approval.files.inert import alive
from dispatch.approval.files.sheets import ListError, Sheet, sheets_of

__all__ = ["Headed", "IssuedList", "ListError", "open_list", "read_list", "rows_of"]

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 20_000
_TITLE_ROWS = 5
_TEMPLATE = "可以先取一张空表，照着填"

Row = tuple[int, Mapping[str, object]]


@dataclass(frozen=True)
class IssuedList:
    """The rows of a list, and what was not taken from it.

    `rows`: (row as Excel counts, API path → cell) for `check`. `unknown`: headings that mean nothing to us.
    `never_read`: columns that we must not keep. `repeated`: (row, the earlier row that says exactly the same).
    `merged`: rows that only carry a merged caption. `problems`: rows whose 办件编号 contradicts another row's.
    """

    rows: tuple[Row, ...]
    unknown: tuple[str, ...] = ()
    never_read: tuple[str, ...] = ()
    repeated: tuple[tuple[int, int], ...] = ()
    merged: tuple[int, ...] = ()
    problems: tuple[RowProblem, ...] = ()


def read_list(content: bytes, filename: str, said: Mapping[str, str] | None = None) -> IssuedList:
    """Read a list of at most 20 MB and 20,000 rows; raises `ListError`, and nothing else on any bytes.

    `filename` is only for the words of the error; `said`: what a clerk said that unknown headings mean.
    """
    return rows_of(open_list(content, filename, said))


def open_list(content: bytes, filename: str, said: Mapping[str, str] | None = None) -> "Headed":
    """The sheet with most of our headings, which may still lack some; raises `ListError`."""
    if not content:
        raise ListError(f"“{filename}”是空文件，请重新导出后再选")
    if len(content) > MOST_BYTES:
        size = len(content) / 1024 / 1024
        raise ListError(f"“{filename}”有 {size:.0f} MB，超过 20 MB；请删去图片，或分成几个文件")
    meanings = Meanings(said or {})
    found = [Headed.of(sheet, meanings) for sheet in sheets_of(content, filename)]
    best = max(found, key=lambda headed: headed.score)
    best.must_be_headings()
    return best.unmarked()


def rows_of(headed: "Headed") -> IssuedList:
    """The rows of an opened list; raises `ListError` where headings are missing or mean the same."""
    headed.must_be_complete()
    return _listed(headed)


@dataclass(frozen=True)
class Headed:
    """A sheet with its row of headings: `fields` gives for each API path its positions, the best name first."""

    sheet: Sheet
    row: int
    fields: Mapping[str, Sequence[int]]
    names: Sequence[str]
    meanings: Meanings = field(default_factory=Meanings)

    @classmethod
    def of(cls, sheet: Sheet, meanings: Meanings) -> "Headed":
        """The row among the first six that has most of our headings; with none at all, the one with most cells."""
        tries = [cls._at(sheet, row, meanings) for row in range(min(len(sheet.rows), _TITLE_ROWS + 1))]
        return max(tries, key=lambda headed: (headed.score, headed.width), default=cls(sheet, 0, {}, ()))

    @classmethod
    def _at(cls, sheet: Sheet, row: int, meanings: Meanings) -> "Headed":
        names = [cells.as_text(cell) for cell in sheet.rows[row]]
        ranked: dict[str, list[tuple[int, int]]] = {}
        for position, heading in enumerate(names):
            found = None if headings.never_read(heading) else meanings.find(heading)
            if found:
                ranked.setdefault(found[0].field, []).append((found[1], position))
        fields = {field: [position for _, position in sorted(places)] for field, places in ranked.items()}
        return cls(sheet, row, fields, names, meanings)

    @property
    def width(self) -> int:
        """So many of its cells are filled in, where they say all different things: a row of headings does."""
        filled = [name for name in self.names if name]
        return len(filled) if len(set(filled)) == len(filled) else 0

    @property
    def missing(self) -> list[str]:
        """The headings that it lacks."""
        return headings.missing(self.fields)

    @property
    def unknown(self) -> list[str]:
        """Headings of which nobody ever said what they mean."""
        return [name for name in self.names if name and self.meanings.unknown(name)]

    @property
    def score(self) -> int:
        return len(self.fields)

    def unmarked(self) -> "Headed":
        """Without the apostrophes of rows that came back in a workbook: our own column in it shows that they did.

        It may be our CSV, saved as a workbook; of a CSV they are off already.
        """
        if self.sheet.form.encoding or not any(map(headings.is_ours, self.names)):
            return self
        rows = [[alive(cell) if isinstance(cell, str) else cell for cell in row] for row in self.sheet.rows]
        return self._at(replace(self.sheet, rows=rows), self.row, self.meanings)

    def must_be_headings(self) -> None:
        """Raise `ListError` where its row is one of data: which cell shows it, and nothing of what it says."""
        place = next((place for place, name in enumerate(self.names, 1) if headings.of_a_row(name)), None)
        if place is not None:
            raise ListError(
                f"第{self.row + 1}行不是列名：第{place}列像是一行数据（有号码、日期或邮箱，或者太长）。"
                f"请在第一行写上每一列的列名再传；{_TEMPLATE}"
            )

    def must_be_complete(self) -> None:
        """Raise `ListError` that says which headings are missing and which were found."""
        if lacking := self.missing:
            found = "、".join(BY_FIELD[field].heading for field in self.fields) or "一个也没有"
            raise ListError(f"表头里缺少：{'、'.join(lacking)}（已找到：{found}）。{_TEMPLATE}")
        seen = [headings.plain(heading) for heading in self.names if self.meanings.find(heading)]
        twice = sorted({heading for heading in seen if seen.count(heading) > 1})
        if twice:
            raise ListError(f"表头“{'、'.join(twice)}”出现了两次，分不清以哪一列为准；请删去一列")

    def cells_of(self, values: Sequence[object]) -> dict[str, object]:
        """The row by API path: of several columns of one field, the first that is filled in."""
        return {field: _first(values, places) for field, places in self.fields.items()}


def _first(values: Sequence[object], places: Sequence[int]) -> object:
    given = (values[place] for place in places if place < len(values))
    return next((value for value in given if cells.as_text(value)), None)


def _listed(headed: Headed) -> IssuedList:
    rows, merged = [], []
    for number, values in enumerate(headed.sheet.rows[headed.row + 1 :], start=headed.row + 2):
        if not any(cells.as_text(value) for value in values) or _is_heading(values, headed.meanings):
            continue
        if number in headed.sheet.captions:
            merged.append(number)
        else:
            rows.append((number, headed.cells_of(values)))
    if not rows:
        raise ListError("表头下面没有数据行")
    if len(rows) > MOST_ROWS:
        raise ListError(f"有 {len(rows)} 行数据，超过 {MOST_ROWS} 行；请分成几个文件")
    kept, repeated, problems = _once_each(rows)
    named = [heading for heading in headed.names if heading]
    never = tuple(heading for heading in named if headings.never_read(heading))
    unread = (heading for heading in named if heading not in never and not headings.is_ours(heading))
    unknown = tuple(heading for heading in unread if not headed.meanings.find(heading))
    return IssuedList(tuple(kept), unknown, never, tuple(repeated), tuple(merged), tuple(problems))


def _is_heading(values: Sequence[object], meanings: Meanings) -> bool:
    """Whether the row repeats headings (双公示 exports carry a row of codes below the row of names)."""
    given = [text for text in map(cells.as_text, values) if text]
    return len(given) > 2 and all(meanings.find(text) or headings.never_read(text) for text in given)


def _once_each(rows: Iterable[Row]) -> tuple[list[Row], list[tuple[int, int]], list[RowProblem]]:
    """Rows that say the same once; rows that contradict each other under one 办件编号 not at all."""
    by_number: dict[str, list[Row]] = {}
    for number, row in rows:
        by_number.setdefault(cells.as_text(row["case_no"]) or f"\n{number}", []).append((number, row))
    kept, repeated, problems = [], [], []
    for case_no, same in by_number.items():
        first, row = same[0]
        if all(_said(other) == _said(row) for _, other in same):
            kept.append(same[0])
            repeated += [(number, first) for number, _ in same[1:]]
        else:
            problems += [_contradiction(case_no, number, same) for number, _ in same]
    return kept, repeated, sorted(problems, key=lambda problem: problem.row)


def _said(row: Mapping[str, object]) -> dict[str, str]:
    return {field: cells.as_text(cell) for field, cell in row.items()}


def _contradiction(case_no: str, number: int, same: Sequence[Row]) -> RowProblem:
    others = "、".join(str(other) for other, _ in same if other != number)
    wrong = f"与第{others}行的办件编号相同而内容不同，这几行都没有收"
    right = "一个办件只写一行，几本证照都写在“出件”一格里；两个不同的办件要有各自的编号"
    return RowProblem(number, "办件编号", case_no, wrong, right, "case_no")
