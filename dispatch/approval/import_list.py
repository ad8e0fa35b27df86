"""A list of issued cases is imported: good rows go in, each whole, and the bad ones are told by row and field."""

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.approval.check import check
from dispatch.approval.decided_case import DecidedCase, RowProblem
from dispatch.approval.lodge import Lodged, Outcome, lodge, lodge_in
from dispatch.approval.read_list import IssuedList, read_list
from dispatch.errors import ConflictError
from dispatch.world import World

Row = tuple[int, DecidedCase]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list, row by row."""

    lodged: tuple[Lodged, ...]
    problems: tuple[RowProblem, ...]
    notices: tuple[str, ...]

    @property
    def accepted(self) -> int:
        """Cases that are new."""
        return sum(one.outcome is Outcome.ACCEPTED for one in self.lodged)

    @property
    def repeated(self) -> int:
        """Cases that we had already, with the same content."""
        return len(self.lodged) - self.accepted


def import_list(
    world: World, content: bytes, filename: str, source: str, *, all_or_nothing: bool = False
) -> Imported:
    """Import a list. Raises ListError where the file as a whole cannot be read.

    `all_or_nothing`: one bad row keeps every row out. A row that is repeated exactly is taken once.
    """
    read = read_list(content, filename)
    good, problems = _check(world, read)
    if all_or_nothing and problems:
        return Imported((), tuple(problems), _notices(read))
    lodge_all = _all_together if all_or_nothing else _one_by_one
    lodged = lodge_all(world, good, problems, source)
    return Imported(tuple(lodged), tuple(sorted(problems, key=lambda problem: problem.row)), _notices(read))


def _one_by_one(world: World, good: Sequence[Row], problems: list[RowProblem], source: str) -> list[Lodged]:
    """Each row in a transaction of its own: the good go in without the bad."""
    lodged = []
    for row, decided in good:
        try:
            lodged.append(lodge(world, decided, source))
        except ConflictError as conflict:
            problems.append(_conflict(row, decided, conflict))
    return lodged


def _all_together(world: World, good: Sequence[Row], problems: list[RowProblem], source: str) -> list[Lodged]:
    """The whole list in one transaction: the first conflict takes everything back."""
    lodged: list[Lodged] = []
    in_order = sorted(good, key=lambda pair: pair[1].case_no)  # two lists never wait for each other crosswise
    try:
        with world.begin() as session:
            lodged.extend(lodge_in(world, session, decided, source) for _, decided in in_order)
    except ConflictError as conflict:
        problems.append(_conflict(*in_order[len(lodged)], conflict))
        return []
    return lodged


def _check(world: World, read: IssuedList) -> tuple[list[tuple[int, DecidedCase]], list[RowProblem]]:
    good: list[tuple[int, DecidedCase]] = []
    problems = list(read.problems)
    contradicted = {problem.row for problem in problems}
    repeated = {row for row, _ in read.repeated}
    for row, raw in read.rows:
        if row in contradicted | repeated:
            continue
        checked = check(raw, undrawable=world.typefaces.undrawable)
        if isinstance(checked, DecidedCase):
            good.append((row, checked))
        else:
            problems.extend(RowProblem.at(row, problem) for problem in checked)
    return good, problems


def _conflict(row: int, decided: DecidedCase, conflict: ConflictError) -> RowProblem:
    right = "核对是否同一办件；确需更正的，先与受理时的内容核对"
    return RowProblem(row, "办件编号", decided.case_no, str(conflict).rstrip("。"), right, "case_no")


def _notices(read: IssuedList) -> tuple[str, ...]:
    said = []
    if read.unknown:
        said.append(f"未采用的列：{'、'.join(read.unknown)}")
    if read.never_read:
        said.append(f"按规定不读取的列：{'、'.join(read.never_read)}")
    said.extend(f"第{row}行与第{earlier}行完全相同，只收一次" for row, earlier in read.repeated)
    return tuple(said)
