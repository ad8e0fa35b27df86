"""A list of issued cases is imported: good rows go in, each whole, and the bad ones are told by row and field."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dispatch.approval.check import check
from dispatch.approval.decided_case import DecidedCase, RowProblem
from dispatch.approval.lodge import Lodged, Outcome, lodge_all, lodge_in
from dispatch.approval.read_list import IssuedList, read_list
from dispatch.errors import ConflictError
from dispatch.world import World


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
    cases = [decided for _, decided in good]
    outcomes = _all_together(world, cases, source) if all_or_nothing else lodge_all(world, cases, source)
    conflicts = [
        _conflict(row, decided, outcome)
        for (row, decided), outcome in zip(good, outcomes, strict=True)
        if isinstance(outcome, ConflictError)
    ]
    kept_out = all_or_nothing and conflicts
    lodged = () if kept_out else tuple(outcome for outcome in outcomes if isinstance(outcome, Lodged))
    by_row = sorted(problems + conflicts, key=lambda problem: problem.row)
    return Imported(lodged, tuple(by_row), _notices(read))


def _all_together(world: World, cases: Sequence[DecidedCase], source: str) -> list[Lodged | ConflictError]:
    """The whole list stands, or with one conflict nothing of it."""
    outcomes: list[Lodged | ConflictError] = []
    with suppress(ConflictError), world.begin() as session:
        outcomes = lodge_in(world, session, cases, source)
        for outcome in outcomes:
            if isinstance(outcome, ConflictError):
                raise outcome
    return outcomes


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
