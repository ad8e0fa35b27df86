"""One decided case is entered by hand, for an applicant who stands at the counter: the rules of a list's row."""

from collections.abc import Collection, Mapping, Sequence

from dispatch import audit
from dispatch.approval.check import check
from dispatch.approval.columns import COLUMNS, Column
from dispatch.approval.decided_case import DecidedCase, Problem
from dispatch.approval.lodge import Lodged, Outcome, lodge_in
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.world import World

_LONGEST = 2000


class EntryWrongError(NotAllowedError):
    """The entry is no case; `problems` says all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("；".join(f"{one.field}：{one.wrong}。{one.right}" for one in problems))
        self.problems = tuple(problems)


def fields() -> list[Column]:
    """What may be entered, in the order of the list."""
    return [column for column in COLUMNS if column.in_template]


def enter_case(world: World, told: Mapping[str, str], by: str, departments: Collection[str] | None = None) -> Lodged:
    """Store it. The same again gives the first answer. `told`: API path → text, as in a list's row.

    Raises EntryWrongError, NotAllowedError (another department's), ConflictError (here with other content).
    """
    row = {column.field: told.get(column.field, "")[:_LONGEST] for column in fields()}
    checked = check(row, undrawable=world.typefaces.undrawable)
    if not isinstance(checked, DecidedCase):
        raise EntryWrongError(checked)
    if departments is not None and checked.department not in departments:
        raise NotAllowedError(f"您只能登记{'、'.join(sorted(departments))}的办件。")
    with world.begin() as session:
        [outcome] = lodge_in(world, session, [checked], f"desk:{by}")
        if isinstance(outcome, ConflictError):
            raise outcome
        if outcome.outcome is Outcome.ACCEPTED:
            audit.note(world, session, by, audit.Deed.CHANGE, f"case:{outcome.case_id}", "窗口登记办件")
    return outcome
