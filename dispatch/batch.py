"""Many at once: a batch is a row, and so is each of its items with what became of it.

So a lost connection or a restarted machine goes on where it stopped, and does nothing twice.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId, insert_rows
from dispatch.errors import NotFoundError
from dispatch.once import Keyed
from dispatch.world import World


class Kind(StrEnum):
    """What is done to each item: cases are released, held, let off their hold; envelopes are printed."""

    RELEASE = "release"
    HOLD = "hold"
    LIFT = "lift"
    PRINT = "print"


class Outcome(StrEnum):
    """What became of an item. `ALREADY`: it was done before, and nothing was done now."""

    WAITING = "waiting"
    DONE = "done"
    ALREADY = "already"
    FAILED = "failed"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.RELEASE: "放行寄递",
    Kind.HOLD: "暂缓寄递",
    Kind.LIFT: "解除暂缓",
    Kind.PRINT: "打单",
}
OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.WAITING: "待办",
    Outcome.DONE: "已办",
    Outcome.ALREADY: "先前已办",
    Outcome.FAILED: "未办成",
}
assert set(KIND_WORDS) == set(Kind)  # noqa: S101 - a batch without a name
assert set(OUTCOME_WORDS) == set(Outcome)  # noqa: S101


class Batch(Keyed, Base):
    """Something done to many. `ended_at`: no item waits any more."""

    __tablename__ = "batches"

    id: Mapped[RowId]
    kind: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    reason: Mapped[bytes | None]  # sealed
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(str(kind)) for kind in Kind)})", name="kind"),
        Index("ix_batches_made_at", "made_at"),
    )

    @property
    def subject(self) -> str:
        """How jobs and the audit log name it."""
        return f"batch:{self.id}"


class BatchItem(Base):
    """One case or envelope (`of`). `words`: why not, or what stands beside it; never personal data.

    `alone`: of a case to be released, that it is to share no envelope. Of a printed sheet: the number that it bears,
    and how often it had been printed before (补打).
    """

    __tablename__ = "batch_items"

    id: Mapped[RowId]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"))
    place: Mapped[int]
    of: Mapped[UUID]
    outcome: Mapped[str] = mapped_column(default=Outcome.WAITING)
    words: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime | None]
    waybill_id: Mapped[UUID | None] = mapped_column(ForeignKey("waybills.id"))
    copy: Mapped[int] = mapped_column(default=0)
    alone: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        UniqueConstraint("batch_id", "place"),
        Index("ix_batch_items_of", "of"),
        Index("ix_batch_items_waiting", "batch_id", postgresql_where=text("outcome = 'waiting'")),
    )


def make_batch(
    world: World, session: Session, kind: Kind, by: str, reason: str = "", form_key: UUID | None = None
) -> Batch:
    """A new batch, without items yet."""
    batch = Batch(id=uuid7(), kind=kind, made_by=by, made_at=world.now(), form_key=form_key)
    if reason:
        world.vault.seal(batch, "reason", reason)
    session.add(batch)
    session.flush()
    return batch


def add_waiting(session: Session, batch: Batch, subjects: Sequence[UUID], alone: Collection[UUID] = ()) -> None:
    """Its items, in this order, each once. `alone`: those that share no envelope."""
    rows = [
        BatchItem(
            id=uuid7(),
            batch_id=batch.id,
            place=place,
            of=one,
            outcome=Outcome.WAITING,
            words="",
            copy=0,
            alone=one in alone,
        )
        for place, one in enumerate(dict.fromkeys(subjects), start=1)
    ]
    insert_rows(session, rows)


def find_batch(session: Session, batch_id: UUID) -> Batch:
    """The batch. Raises NotFoundError."""
    found = session.get(Batch, batch_id)
    if found is None:
        raise NotFoundError("没有这个批次。请从“批次”里选。")
    return found


def lock_batch(session: Session, batch_id: UUID) -> Batch:
    """The same, locked: its items are worked on by one at a time. Raises NotFoundError."""
    mine = select(Batch).where(Batch.id == batch_id).with_for_update()
    found = session.scalar(mine.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError("没有这个批次。请从“批次”里选。")
    return found


def items_of(session: Session, batch_id: UUID, *outcomes: Outcome, most: int | None = None) -> Sequence[BatchItem]:
    """Its items with one of these outcomes (none said: all), in their order."""
    mine = select(BatchItem).where(BatchItem.batch_id == batch_id).order_by(BatchItem.place).limit(most)
    return session.scalars(mine.where(BatchItem.outcome.in_(outcomes)) if outcomes else mine).all()


def tally(session: Session, batch_id: UUID) -> Counter[Outcome]:
    """How many items ended how."""
    counted = select(BatchItem.outcome, func.count()).where(BatchItem.batch_id == batch_id)
    rows = session.execute(counted.group_by(BatchItem.outcome))
    return Counter({Outcome(outcome): count for outcome, count in rows})
