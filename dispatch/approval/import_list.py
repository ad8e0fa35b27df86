"""A list of issued cases is imported: good rows go in, each whole, and the bad ones are told by row and field."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dispatch.approval.decided_case import DecidedCase, RowProblem
from dispatch.approval.lodge import Lodged, Outcome, lodge_all, lodge_in
from dispatch.approval.read_list import read_list
from dispatch.approval.sift import conflict_at, notices, sift
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
    world: World,
    content: bytes,
    filename: str,
    source: str,
    *,
    all_or_nothing: bool = False,
    said: Mapping[str, str] | None = None,
) -> Imported:
    """Import a list. Raises ListError where the file as a whole cannot be read.

    `all_or_nothing`: one bad row keeps every row out. A row that is repeated exactly is taken once. `said`: what
    headings mean that are not known.
    """
    read = read_list(content, filename, said)
    sifted = sift(world, read)
    if all_or_nothing and sifted.problems:
        return Imported((), sifted.problems, notices(read))
    cases = [decided for _, decided in sifted.good]
    outcomes = _all_together(world, cases, source) if all_or_nothing else lodge_all(world, cases, source)
    conflicts = [
        conflict_at(row, decided, outcome)
        for (row, decided), outcome in zip(sifted.good, outcomes, strict=True)
        if isinstance(outcome, ConflictError)
    ]
    kept_out = all_or_nothing and conflicts
    lodged = () if kept_out else tuple(outcome for outcome in outcomes if isinstance(outcome, Lodged))
    by_row = sorted([*sifted.problems, *conflicts], key=lambda problem: problem.row)
    return Imported(lodged, tuple(by_row), notices(read))


def _all_together(world: World, cases: Sequence[DecidedCase], source: str) -> list[Lodged | ConflictError]:
    """The whole list stands, or with one conflict nothing of it."""
    outcomes: list[Lodged | ConflictError] = []
    with suppress(ConflictError), world.begin() as session:
        outcomes = lodge_in(world, session, cases, source)
        for outcome in outcomes:
            if isinstance(outcome, ConflictError):
                raise outcome
    return outcomes
