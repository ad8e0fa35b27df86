"""An errand: one envelope that our own people carry, and what they report of it."""

import re
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base, RowId
from dispatch.errors import NotFoundError, ZhuandiError
from dispatch.journey import ENDS, Observed, fold
from dispatch.posts.by_hand.codes import HANDED, VOIDS, is_number, meaning
from dispatch.posts.times import wire_time
from dispatch.world import World

SUBJECT = "errand:"
ORDER_NO = r"^[0-9A-Za-z-]{1,64}$"


class BadFieldError(ZhuandiError):
    """A field of an order or of a report cannot be what it says; names the field, never its value."""


class Errand(Base):
    """One order at the desk. It is open until it is cancelled or its news have come to an end."""

    __tablename__ = "errands"

    id: Mapped[RowId]
    order_no: Mapped[str] = mapped_column(unique=True)  # the sender's own: the same order again is the same row
    number: Mapped[str] = mapped_column(unique=True)
    order: Mapped[bytes | None]  # sealed: the order as it came; none once the personal data was erased
    digest: Mapped[bytes]  # keyed, of the order's content: outlives the erasure
    taken_by: Mapped[str | None]
    taken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # handed over, fetched, brought back or lost, by the news as a whole
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_errands_open", "created_at", postgresql_where=text("cancelled_at IS NULL AND ended_at IS NULL")),
    )

    @property
    def subject(self) -> str:
        """How jobs name it."""
        return f"{SUBJECT}{self.id}"


class ErrandEvent(Base):
    """What one of our people has reported. Never changed; only that it was pushed is noted."""

    __tablename__ = "errand_events"

    id: Mapped[RowId]
    errand_id: Mapped[UUID] = mapped_column(ForeignKey("errands.id"))
    at: Mapped[datetime]  # whole seconds, as the protocol tells it
    code: Mapped[str]
    signer: Mapped[str]
    note: Mapped[bytes | None]  # sealed
    place: Mapped[str]
    by: Mapped[str]
    recorded_at: Mapped[datetime]
    pushed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("errand_id", "at", "code"),)

    def observed(self) -> Observed:
        """As the fold needs it, in the same words that the carrier's adapter finds."""
        news, capacity = meaning(self.code, self.signer)
        detail = self.signer if self.code == HANDED else ""
        return Observed(self.at, self.code, news, detail, capacity, VOIDS.get(self.code, frozenset()))


def by_order_no(session: Session, order_no: str, *, lock: bool = False) -> Errand:
    """The errand of this order. Raises NotFoundError."""
    wanted = select(Errand).where(Errand.order_no == order_no)
    return _one(session, wanted if re.fullmatch(ORDER_NO, order_no) else None, lock=lock)


def by_number(session: Session, number: str, *, lock: bool = False) -> Errand:
    """The errand with this number. Raises NotFoundError."""
    wanted = select(Errand).where(Errand.number == number)
    return _one(session, wanted if is_number(number) else None, lock=lock)


def _one(session: Session, wanted: Select[Errand] | None, *, lock: bool) -> Errand:
    """None is wanted where the text can be nobody's: it may hold what no database can compare."""
    if wanted is None or (errand := session.scalar(wanted.with_for_update() if lock else wanted)) is None:
        raise NotFoundError("没有这一单。请核对单号。")
    return errand


def events_of(session: Session, errand_id: UUID) -> list[ErrandEvent]:
    """All events of an errand, by their own time."""
    mine = select(ErrandEvent).where(ErrandEvent.errand_id == errand_id)
    return list(session.scalars(mine.order_by(ErrandEvent.at, ErrandEvent.recorded_at, ErrandEvent.id)))


def ended(events: Iterable[ErrandEvent]) -> datetime | None:
    """Since when the errand is over, by all its events together; a delivery taken back ends nothing."""
    told = fold(event.observed() for event in events)
    return told.since if told.state in ENDS else None


def told(world: World, errand: Errand, event: ErrandEvent) -> dict[str, str]:
    """An event as the protocol tells it."""
    return {
        "id": str(event.id),
        "number": errand.number,
        "order_no": errand.order_no,
        "at": wire_time(event.at),
        "code": event.code,
        "signer": event.signer,
        "note": world.vault.open(event, "note") or "",
        "place": event.place,
    }
