"""The uploaded file between its preview and its taking: sealed, its uploader's alone, and gone after a day."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.approval.files import headings
from dispatch.db import Base, RowId
from dispatch.errors import NotFoundError
from dispatch.world import World

KEPT = timedelta(days=1)
_GONE = "这份清单已不在：导入后或过了一天就会清除。请重新上传。"


class State(StrEnum):
    """Where an uploaded list stands."""

    COLUMNS = "columns"  # a clerk must say what its headings mean
    CHECKED = "checked"
    TAKEN = "taken"
    DROPPED = "dropped"


class Import(Base):
    """An uploaded list. The counts stay; name, content, faults and headings are erased with the file."""

    __tablename__ = "imports"

    id: Mapped[RowId]
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    name_digest: Mapped[bytes]  # keyed: a file's name may be somebody's
    content_digest: Mapped[bytes]  # keyed: the same file again is the same upload
    name: Mapped[bytes | None]  # sealed
    content: Mapped[bytes | None]  # sealed, base64
    faults: Mapped[bytes | None]  # sealed, JSON
    said: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    state: Mapped[str]
    rows: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)  # new, or would be
    repeated: Mapped[int] = mapped_column(default=0)  # here already with the same content
    bad: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint(f"state IN ({', '.join(repr(str(s)) for s in State)})", name="state"),)

    @property
    def subject(self) -> str:
        """How the audit log names it."""
        return f"import:{self.id}"


class HeadingMap(Base):
    """What a clerk said of a list's headings, for every list of the centre with the same set of them."""

    __tablename__ = "heading_maps"

    id: Mapped[RowId]
    centre: Mapped[str]
    headings_digest: Mapped[str]
    said: Mapped[dict[str, str]] = mapped_column(JSONB)  # plain heading → field, empty: not taken
    by: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("centre", "headings_digest"),)


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file, opened."""

    name: str
    content: bytes


def keep(world: World, session: Session, name: str, content: bytes, by: str) -> Import:
    """Keep an upload, sealed; the one that waits already where the same person sends the same file again."""
    digest = world.vault.digest("import", base64.b64encode(content).decode())
    waiting = select(Import).where(Import.by == by, Import.content_digest == digest, _open(world))
    if (there := session.scalars(waiting.order_by(Import.at.desc()).limit(1)).first()) is not None:
        return there
    row = Import(
        id=uuid7(),
        by=by,
        at=world.now(),
        name_digest=world.vault.digest("import name", name),
        content_digest=digest,
        state=State.COLUMNS,
        said={},
    )
    world.vault.seal(row, "name", name)
    world.vault.seal(row, "content", base64.b64encode(content).decode())
    session.add(row)
    session.flush()
    return row


def _open(world: World) -> ColumnElement[bool]:
    return Import.state.in_([State.COLUMNS, State.CHECKED]) & (Import.at > world.now() - KEPT)


def find_import(session: Session, import_id: UUID, by: str, *, locked: bool = False) -> Import:
    """An upload of one's own. Raises NotFoundError: nobody looks at another's file."""
    mine = select(Import).where(Import.id == import_id, Import.by == by)
    found = session.scalar(mine.with_for_update() if locked else mine)
    if found is None:
        raise NotFoundError("没有这份清单，或不是您上传的。")
    return found


def opened(world: World, row: Import) -> File:
    """The file itself. Raises NotFoundError where it was erased, or its day is over."""
    name, content = world.vault.open(row, "name"), world.vault.open(row, "content")
    if name is None or content is None or row.at <= world.now() - KEPT:
        raise NotFoundError(_GONE)
    return File(name, base64.b64decode(content))


def erase(row: Import) -> None:
    """The file and whatever names somebody in it; who, when and how many stay."""
    row.name = row.content = row.faults = None
    row.said = {}


def forget_imports(session: Session, before: datetime, most: int) -> int:
    """Erase up to `most` files that nobody took in their time; how many there were."""
    left = Import.content.is_not(None) | (Import.said != {})
    old = select(Import.id).where(Import.at < before, left).limit(most)
    gone = update(Import).where(Import.id.in_(old)).values(name=None, content=None, faults=None, said={})
    return len(session.scalars(gone.returning(Import.id)).all())


def forget_false_headings(session: Session, before: datetime, most: int) -> int:
    """Erase what was said of a row of data, before a list without headings was refused; how many there were."""
    told = session.execute(select(HeadingMap.id, HeadingMap.said).where(HeadingMap.at < before))
    false = [row_id for row_id, said in told if any(headings.of_a_row(name) for name in said)][:most]
    session.execute(delete(HeadingMap).where(HeadingMap.id.in_(false)))
    return len(false)


def remembered(world: World, session: Session, fingerprint: str) -> dict[str, str] | None:
    """What was said of these headings before."""
    asked = select(HeadingMap.said).where(
        HeadingMap.centre == world.settings.centre.code, HeadingMap.headings_digest == fingerprint
    )
    return session.scalar(asked)


def remember(world: World, session: Session, fingerprint: str, said: dict[str, str], by: str) -> None:
    """Say it for every later list with these headings."""
    values = {"said": said, "by": by, "at": world.now()}
    row = insert(HeadingMap).values(
        id=uuid7(), centre=world.settings.centre.code, headings_digest=fingerprint, **values
    )
    session.execute(row.on_conflict_do_update(index_elements=["centre", "headings_digest"], set_=values))
