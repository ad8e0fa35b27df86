"""The rows of a list, sifted: cases that may be taken, and what is wrong with the others, row by row."""

from collections.abc import Collection
from dataclasses import dataclass

from dispatch.approval.check import check
from dispatch.approval.decided_case import DecidedCase, RowProblem
from dispatch.approval.read_list import IssuedList
from dispatch.errors import ConflictError
from dispatch.world import World


@dataclass(frozen=True, slots=True)
class Sifted:
    """`good`: (row, case); a row that repeats another exactly is in neither."""

    good: tuple[tuple[int, DecidedCase], ...]
    problems: tuple[RowProblem, ...]


def sift(world: World, read: IssuedList, departments: Collection[str] | None = None) -> Sifted:
    """Check every row. `departments`: whoever imports may only bring cases of these (None: of all)."""
    good: list[tuple[int, DecidedCase]] = []
    problems = list(read.problems)
    left_out = {problem.row for problem in problems} | {row for row, _ in read.repeated}
    for row, raw in read.rows:
        if row in left_out:
            continue
        checked = check(raw, undrawable=world.typefaces.undrawable)
        if not isinstance(checked, DecidedCase):
            problems.extend(RowProblem.at(row, problem) for problem in checked)
        elif departments is not None and checked.department not in departments:
            problems.append(_not_theirs(row, checked.department, departments))
        else:
            good.append((row, checked))
    return Sifted(tuple(good), tuple(sorted(problems, key=lambda problem: problem.row)))


def conflict_at(row: int, decided: DecidedCase, conflict: ConflictError) -> RowProblem:
    """The case is here already, and says something else."""
    right = "核对是否同一办件；确需更正的，先与受理时的内容核对"
    wrong = f"已受理过，但内容不同：{'、'.join(conflict.differs)}"
    return RowProblem(row, "办件编号", decided.case_no, wrong, right, "case_no")


def notices(read: IssuedList) -> tuple[str, ...]:
    """What was not taken from the list, for whoever imports it."""
    said = []
    if read.unknown:
        said.append(f"未采用的列：{'、'.join(read.unknown)}")
    if read.never_read:
        said.append(f"按规定不读取的列：{'、'.join(read.never_read)}")
    said.extend(f"第{row}行与第{earlier}行完全相同，只收一次" for row, earlier in read.repeated)
    return tuple(said)


def _not_theirs(row: int, department: str, departments: Collection[str]) -> RowProblem:
    right = f"您只能导入{'、'.join(sorted(departments))}的办件；请交给该部门的人，或请管理员调整账号"
    return RowProblem(row, "审批部门", department, "不是您的部门", right, "department")
