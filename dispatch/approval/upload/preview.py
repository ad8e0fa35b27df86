"""An uploaded list is looked at before anything is taken: its headings, its faults, what is here already."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.approval.columns import BY_FIELD, COLUMNS
from dispatch.approval.decided_case import RowProblem
from dispatch.approval.files import headings
from dispatch.approval.lodge import Outcome, foresee
from dispatch.approval.read_list import Headed, IssuedList, open_list, rows_of
from dispatch.approval.sift import Sifted, conflict_at, notices, sift
from dispatch.approval.upload.kept import (
    KEPT,
    File,
    Import,
    State,
    find_import,
    forget_imports,
    keep,
    opened,
    remember,
    remembered,
)
from dispatch.errors import ConflictError, NotAllowedError
from dispatch.world import World

_ERASED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the list, and the field that it means (empty: none). `asked`: nobody ever said what it means."""

    name: str
    field: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a list as a clerk may settle them; `missing`: what the list needs and does not have."""

    headings: tuple[Heading, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking the list now would do. `faults` as they are; a page may show their values `masked`."""

    row: Import
    name: str
    faults: tuple[RowProblem, ...]
    notices: tuple[str, ...]


def upload(world: World, name: str, content: bytes, by: str, departments: Collection[str] | None) -> Import:
    """Keep a list and check it; no case is written. The same file again is the same upload.

    Raises ListError where the file as a whole cannot be read: then nothing is kept.
    """
    name = name.replace("\\", "/").rpartition("/")[2].strip()[:200] or "清单"
    headed = open_list(content, name)
    with world.begin() as session:
        forget_imports(session, world.now() - KEPT, _ERASED_AT_ONCE)
        said = remembered(world, session, headings.fingerprint(headed.names))
        settled = open_list(content, name, said) if said else headed
        rows = None if _must_be_asked(settled, said) else rows_of(settled)
        row = keep(world, session, name, content, by)
        row.said = dict(said or {})
        audit.note(world, session, by, audit.Deed.CHANGE, row.subject, "上传清单")
    return row if rows is None else _check(world, row.id, rows, by, departments)


def _must_be_asked(headed: Headed, said: Mapping[str, str] | None) -> bool:
    return bool(headed.missing) or (said is None and bool(headed.unknown))


def headings_of(world: World, import_id: UUID, by: str) -> Headings:
    """What the headings mean so far. Raises NotFoundError."""
    with world.reading() as session:
        row = find_import(session, import_id, by)
    file = opened(world, row)
    headed = open_list(file.content, file.name, row.said)
    names = [name for name in dict.fromkeys(headed.names) if _is_choice(name)]
    return Headings(tuple(_heading(headed, name) for name in names), tuple(headed.missing))


def _is_choice(name: str) -> bool:
    return bool(name) and not headings.never_read(name) and not headings.is_ours(name)


def _heading(headed: Headed, name: str) -> Heading:
    found = headed.meanings.find(name)
    return Heading(name, found[0].field if found else "", headed.meanings.unknown(name))


def say_headings(
    world: World, import_id: UUID, fields: Sequence[str], by: str, departments: Collection[str] | None
) -> Import:
    """A clerk says what each heading of `headings_of` means, in their order ("": not taken); it is remembered.

    Raises NotAllowedError (an unknown field, one for two headings, a list that still lacks some), NotFoundError.
    """
    asked = headings_of(world, import_id, by).headings
    if len(fields) != len(asked):
        raise NotAllowedError("列数不对：这份清单可能已经换过。请刷新页面，再对应一次。")
    said = {headings.plain(one.name): field for one, field in zip(asked, fields, strict=True)}
    _must_be_fit(said)
    with world.begin() as session:
        row = find_import(session, import_id, by, locked=True)
        _must_be_waiting(row)
        file = opened(world, row)
        headed = open_list(file.content, file.name, said)
        rows = rows_of(headed)
        row.said = said
        remember(world, session, headings.fingerprint(headed.names), said, by)
        audit.note(world, session, by, audit.Deed.CHANGE, row.subject, "对应列名")
    return _check(world, import_id, rows, by, departments)


def _must_be_fit(said: Mapping[str, str]) -> None:
    given = [field for field in said.values() if field]
    if any(field not in BY_FIELD for field in given):
        raise NotAllowedError("没有这一栏。请从列出的栏目里选。")
    if twice := sorted(
        {BY_FIELD[field].heading for field in given if given.count(field) > 1 and _alone(said, field)}
    ):
        raise NotAllowedError(f"有两列都对应“{'、'.join(twice)}”，分不清以哪一列为准。请只留一列。")


def _alone(said: Mapping[str, str], field: str) -> bool:
    """Two of our own names may mean one field (双公示 has such); a clerk's choice beside another may not."""
    chosen = [heading for heading, told in said.items() if told == field]
    return any((found := headings.find(heading)) is None or found[0].field != field for heading in chosen)


def _must_be_waiting(row: Import) -> None:
    if row.state not in (State.COLUMNS, State.CHECKED):
        raise ConflictError("这份清单已经导入或丢弃。请重新上传。")


def _check(world: World, import_id: UUID, read: IssuedList, by: str, departments: Collection[str] | None) -> Import:
    sifted = sift(world, read, departments)
    with world.begin() as session:
        row = find_import(session, import_id, by, locked=True)
        _must_be_waiting(row)
        write_faults(world, session, row, read, sifted)
        row.state = State.CHECKED
    return row


def write_faults(world: World, session: Session, row: Import, read: IssuedList, sifted: Sifted) -> None:
    """Count what taking these rows would do, and keep the faults, sealed."""
    cases = [decided for _, decided in sifted.good]
    foreseen = list(zip(sifted.good, foresee(world, session, cases), strict=True))
    conflicts = [conflict_at(*good, told) for good, told in foreseen if isinstance(told, ConflictError)]
    faults = sorted([*sifted.problems, *conflicts], key=lambda problem: problem.row)
    row.accepted = sum(told is Outcome.ACCEPTED for _, told in foreseen)
    row.repeated = sum(told is Outcome.REPEATED for _, told in foreseen)
    keep_faults(world, row, read, faults)


def keep_faults(world: World, row: Import, read: IssuedList, faults: Sequence[RowProblem]) -> None:
    """The faults as they are, sealed, and in how many rows."""
    row.rows = len(read.rows) + len(read.repeated) + len({problem.row for problem in read.problems})
    row.bad = len({fault.row for fault in faults})
    told = {"faults": [asdict(fault) for fault in faults], "notices": notices(read)}
    world.vault.seal(row, "faults", json.dumps(told, ensure_ascii=False))


def preview(world: World, import_id: UUID, by: str) -> Preview:
    """What was found. Raises NotFoundError."""
    with world.reading() as session:
        row = find_import(session, import_id, by)
    sealed = world.vault.open(row, "faults") if row.at > world.now() - KEPT else None
    told = json.loads(sealed) if sealed else {"faults": [], "notices": []}
    faults = tuple(RowProblem(**fault) for fault in told["faults"])
    return Preview(row, world.vault.open(row, "name") or "", faults, tuple(told["notices"]))


def choices() -> list[tuple[str, str, bool]]:
    """The fields that a heading may mean: path, words, whether a list needs it."""
    return [(column.field, column.heading, column.required) for column in COLUMNS]


def file_of(world: World, import_id: UUID, by: str) -> tuple[Import, File]:
    """The upload and its file. Raises NotFoundError."""
    with world.reading() as session:
        row = find_import(session, import_id, by)
    return row, opened(world, row)
