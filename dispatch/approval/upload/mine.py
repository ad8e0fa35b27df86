"""One's own uploads of the last days, for the page where lists are uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import defer

from dispatch.approval.upload.kept import Import, State
from dispatch.world import World

_MOST = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload; `name` is empty once the file is erased."""

    id: UUID
    at: datetime
    name: str
    state: State
    rows: int
    accepted: int
    repeated: int
    bad: int


def uploads_of(world: World, by: str) -> Sequence[Upload]:
    """The newest first."""
    without_files = (defer(Import.content), defer(Import.faults))  # twenty megabytes each
    asked = select(Import).where(Import.by == by).order_by(Import.at.desc()).limit(_MOST)
    with world.reading() as session:
        rows = session.scalars(asked.options(*without_files)).all()
    return [
        Upload(
            row.id,
            row.at,
            world.vault.open(row, "name") or "",
            State(row.state),
            row.rows,
            row.accepted,
            row.repeated,
            row.bad,
        )
        for row in rows
    ]
