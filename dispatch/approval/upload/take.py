"""The good rows of an uploaded list are taken, once, however often the button is pressed."""

from collections.abc import Collection
from uuid import UUID

from dispatch import audit
from dispatch.approval.lodge import Lodged, Outcome, lodge_in
from dispatch.approval.read_list import read_list
from dispatch.approval.sift import conflict_at, sift
from dispatch.approval.upload.kept import Import, State, erase, find_import
from dispatch.approval.upload.preview import file_of, keep_faults
from dispatch.errors import ConflictError
from dispatch.world import World


def take(world: World, import_id: UUID, by: str, departments: Collection[str] | None) -> Import:
    """Take the good rows: counts of new cases, of those that were here, and of bad rows stand in what comes back.

    Pressed again, or sent again after a lost answer, it tells the same counts and takes nothing. The file is erased
    where no row was bad; else it waits for its bad rows to be fetched, a day at most.
    Raises NotFoundError, ConflictError (dropped, or its headings were settled anew meanwhile).
    """
    row = _taken_before(world, import_id, by)
    if row is not None:
        return row
    row, file = file_of(world, import_id, by)
    said = row.said
    read = read_list(file.content, file.name, said)
    sifted = sift(world, read, departments)
    with world.begin() as session:
        row = find_import(session, import_id, by, locked=True)
        if row.state == State.TAKEN:
            return row
        if row.state != State.CHECKED or row.said != said:
            raise ConflictError("这份清单刚被丢弃，或列名刚改过对应。请再看一遍预览。")
        outcomes = lodge_in(world, session, [decided for _, decided in sifted.good], f"import:{by}")
        together = list(zip(sifted.good, outcomes, strict=True))
        conflicts = [conflict_at(*good, told) for good, told in together if isinstance(told, ConflictError)]
        lodged = [told for told in outcomes if isinstance(told, Lodged)]
        row.accepted = sum(one.outcome is Outcome.ACCEPTED for one in lodged)
        row.repeated = len(lodged) - row.accepted
        faults = sorted([*sifted.problems, *conflicts], key=lambda problem: problem.row)
        keep_faults(world, row, read, faults)
        row.state, row.settled_at = State.TAKEN, world.now()
        if not faults:
            erase(row)
        told = f"导入：新收 {row.accepted} 件，原已收 {row.repeated} 件，未收 {row.bad} 行"
        audit.note(world, session, by, audit.Deed.CHANGE, row.subject, told)
    return row


def _taken_before(world: World, import_id: UUID, by: str) -> Import | None:
    with world.reading() as session:
        row = find_import(session, import_id, by)
    return row if row.state == State.TAKEN else None


def drop(world: World, import_id: UUID, by: str) -> None:
    """The file is not wanted any more: erased. What was taken of it stays. Raises NotFoundError."""
    with world.begin() as session:
        row = find_import(session, import_id, by, locked=True)
        erase(row)
        if row.state != State.TAKEN:
            row.state, row.settled_at = State.DROPPED, world.now()
        audit.note(world, session, by, audit.Deed.CHANGE, row.subject, "清除清单文件")
