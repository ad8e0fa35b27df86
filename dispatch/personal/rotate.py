"""Keys are changed while the service runs: whatever an old key sealed is sealed anew, a few rows at a time.

A row is locked, opened, sealed and written in one short transaction, so whoever dies in the middle leaves nothing
that does not open; run again it goes on with what is left. Rows that others hold are passed over and come last, one
by one, so the rotation never waits while it holds anything: nobody waits for it crosswise.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, func, or_, select, text
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.personal.columns import LAST, SealedTable, sealed_tables
from dispatch.vault import ID_BYTES, VaultError
from dispatch.world import World

BATCH = 200
FIRST = UUID(int=0)
RESEALING = text("SELECT set_config('zhuandi.resealing', 'on', true)")
"""The trigger of the audit log lets a detail be replaced by a sealed value only where this was said."""


@dataclass(frozen=True, slots=True)
class Use:
    """So many values of a column are sealed under one key and cipher. `known`: that key is at hand."""

    column: str
    key: str
    values: int
    current: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did. `left`: values that are still under another key than the current one."""

    resealed: int
    unopened: tuple[str, ...]
    left: int


def usage(world: World) -> list[Use]:
    """Under which keys every sealed column lies."""
    current, names = world.vault.current, world.vault.names
    found = []
    with world.reading() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for table in sealed_tables():
            for column in table.columns:
                for key, values in session.execute(_counting(table, column)):
                    told, known = names.get(bytes(key), bytes(key).hex()), bytes(key) in names
                    found.append(Use(f"{table.name}.{column}", told, values, bytes(key) == current, known))
    return found


def _counting(table: SealedTable, column: str) -> Select[bytes, int]:
    key = _key_of(table, column)
    return select(key, func.count()).where(key.is_not(None)).group_by(key).order_by(key)


def _key_of(table: SealedTable, column: str) -> ColumnElement[bytes]:
    return func.substring(table.table.c[column], 1, ID_BYTES, type_=LargeBinary)


def left_under_old_keys(uses: Iterable[Use]) -> int:
    """How many values an old key is still needed for."""
    return sum(use.values for use in uses if not use.current)


def rotate(world: World, by: str, tell: Callable[[str, int], None] = lambda _table, _rows: None) -> Rotated:
    """Seal everything under the current key. The digests' key follows when nothing else is left under an old one.

    `tell` hears how many rows of which table were sealed anew. What does not open stays as it is, and is named.
    """
    done: Counter[str] = Counter()
    broken: set[str] = set()
    tables = [table for table in sealed_tables() if table.name != LAST]
    for patient in (False, True):
        for table in tables:
            _all_of(world, table, done, broken, patient=patient)
            tell(table.name, done[table.name])
    if not left_under_old_keys(use for use in usage(world) if not use.column.startswith(f"{LAST}.")):
        [last] = [table for table in sealed_tables() if table.name == LAST]
        _all_of(world, last, done, broken, patient=True)
    left = left_under_old_keys(usage(world))
    with world.begin() as session:
        words = f"重新加密 {done.total()} 行，打不开 {len(broken)} 行，仍属旧密钥 {left} 处"
        audit.note(world, session, by, audit.Deed.SETTING, "vault", words)
    return Rotated(done.total(), tuple(sorted(broken)), left)


def _all_of(world: World, table: SealedTable, done: Counter[str], broken: set[str], *, patient: bool) -> None:
    """Every row of a table. `patient`: one by one, and what others hold is waited for."""
    after: UUID | None = FIRST
    while after is not None:
        after = _some_of(world, table, after, done, broken, patient=patient)


def _some_of(
    world: World, table: SealedTable, after: UUID, done: Counter[str], broken: set[str], *, patient: bool
) -> UUID | None:
    """The next rows in one transaction; the id of the last of them, None where there are no more."""
    chosen = _old_rows(table, after, world.vault.current, patient=patient)
    with world.begin() as session:
        session.execute(RESEALING)
        rows = session.execute(chosen).all()
        done[table.name] += sum(_seal_anew(world, session, table, row, broken) for row in rows)
    return rows[-1].id if rows else None


def _old_rows(table: SealedTable, after: UUID, current: bytes, *, patient: bool) -> Select[*tuple[Any, ...]]:
    row_id = table.table.c.id
    old = or_(*(_key_of(table, column) != current for column in table.columns))
    chosen = select(row_id, *(table.table.c[column] for column in table.columns)).where(row_id > after, old)
    chosen = chosen.order_by(row_id).limit(1 if patient else BATCH)
    return chosen.with_for_update(key_share=True, skip_locked=not patient)


def _seal_anew(world: World, session: Session, table: SealedTable, row: Row[Any], broken: set[str]) -> bool:
    new: dict[str, bytes] = {}
    for column in table.columns:
        sealed = getattr(row, column)
        if sealed is None or sealed[:ID_BYTES] == world.vault.current:
            continue
        place = SimpleNamespace(__tablename__=table.name, id=row.id, **{column: sealed})
        try:
            world.vault.seal(place, column, world.vault.open(place, column) or "")
        except VaultError:
            broken.add(f"{table.name}.{column} {row.id}")
        else:
            new[column] = getattr(place, column)
    if new:
        session.execute(table.table.update().where(table.table.c.id == row.id).values(**new))
    return bool(new)
