"""Matters, cases, their documents and legs, the slip: the tables of a case that has arrived."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    exists,
    false,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time


class Direction(StrEnum):
    """Which way a leg goes. An inbound leg exists only where this service carries it."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Release(StrEnum):
    """When a case of this item may leave."""

    AT_ONCE = "at_once"
    WHEN_RELEASED = "when_released"


class Item(Base):
    """An item (事项) and the centre's policy for it. Made on first sight with the settings' defaults."""

    __tablename__ = "items"

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    release: Mapped[str]
    grouping: Mapped[timedelta]
    carriage: Mapped[str]  # postal_only, unless the legal office cleared it (邮政法 55)
    carriage_ground: Mapped[str | None]  # the legal office's ground for it
    carriage_by: Mapped[str | None]
    carriage_at: Mapped[datetime | None]
    payer: Mapped[str]  # 免费, 到付, 线上自付
    published_trips: Mapped[int]
    hide_title: Mapped[bool]
    retention: Mapped[
        timedelta | None
    ]  # so long after the closing it is known who a case was for; none: the settings'

    __table_args__ = (
        CheckConstraint(
            "carriage = 'postal_only' OR (carriage = 'cleared' AND carriage_ground IS NOT NULL"
            " AND carriage_by IS NOT NULL AND carriage_at IS NOT NULL)",
            name="carriage",
        ),
    )

    @property
    def title(self) -> str:
        """What the counter shows of it: not the name where that alone tells too much of a person."""
        return "（不显示）" if self.hide_title else self.name


class Matter(Base):
    """一件事: one item, or several handed in together. Visits are counted for it."""

    __tablename__ = "matters"

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)


class Case(Base):
    """办件. `content` holds a keyed digest for each field, so that the same case again is known as the same."""

    __tablename__ = "cases"

    id: Mapped[RowId]
    case_no: Mapped[str] = mapped_column(unique=True)
    matter_id: Mapped[UUID] = mapped_column(ForeignKey("matters.id"), index=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    department: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(index=True)
    decision_doc_no: Mapped[str | None]
    applicant_kind: Mapped[str]
    applicant_name: Mapped[bytes]  # sealed
    applicant_id_no: Mapped[bytes | None]  # sealed
    applicant_id_digest: Mapped[bytes | None] = mapped_column(index=True)
    content: Mapped[dict[str, str]] = mapped_column(JSONB)
    source: Mapped[str]
    received_at: Mapped[datetime]
    paper_ready_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    alone: Mapped[bool] = mapped_column(server_default=false())  # released so: it shares no envelope with another
    given_at: Mapped[datetime | None]  # out of the centre's hands at the window: nothing of it is sent
    lapsed_at: Mapped[datetime | None]  # nobody waits for it any more, and it was never proved: nothing of it is sent
    erased_at: Mapped[datetime | None]  # who it was for is forgotten since then; what was counted stays

    __table_args__ = (
        Index("ix_cases_unreleased", "item_id", postgresql_where=text("released_at IS NULL")),
        Index("ix_cases_without_paper", "decided_at", postgresql_where=text("paper_ready_at IS NULL")),
        Index("ix_cases_department", "department", "decided_at"),
        Index("ix_cases_kept", "received_at", postgresql_where=text("erased_at IS NULL")),
    )

    @property
    def subject(self) -> str:
        """How jobs and the worklist name it."""
        return f"case:{self.id}"


class Hold(Base):
    """Why a case must wait (暂缓寄递)."""

    __tablename__ = "holds"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    reason: Mapped[bytes]  # sealed
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    until: Mapped[datetime | None]  # nobody need be asked before: what it waits for has its day

    __table_args__ = (Index("uq_holds_open", "case_id", unique=True, postgresql_where=text("lifted_at IS NULL")),)


class CaseSlip(Base):
    """寄递申请单: to whom, where, in which way, and what the applicant consented to."""

    __tablename__ = "slips"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), unique=True)
    recipient_name: Mapped[bytes]  # sealed
    organisation: Mapped[bool]  # the recipient is the applicant, an organisation: its name is not masked
    phone: Mapped[bytes]  # sealed
    province: Mapped[str]
    city: Mapped[str]
    county: Mapped[str]
    town: Mapped[str]
    detail: Mapped[bytes]  # sealed
    postcode: Mapped[str]
    way: Mapped[str]
    point: Mapped[bytes | None]  # sealed: a locker's name tells where somebody lives
    point_at_address: Mapped[bool]
    brought_to_door: Mapped[bool]
    proxy_allowed: Mapped[bool]
    group_digest: Mapped[bytes]  # keyed: who, where, in which way
    former: Mapped[bytes | None]  # sealed, JSON: what it said before; a carrier's old words may repeat it

    __table_args__ = (Index("ix_slips_town", "town", "case_id"),)


class Document(Base):
    """What goes into an envelope. `code` is what the clerk scans: 办件编号 and a number."""

    __tablename__ = "documents"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), index=True)
    number: Mapped[int]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    copies: Mapped[int]
    lost_at: Mapped[datetime | None]  # it was made anew under another code, and goes nowhere if it turns up

    @property
    def is_lost(self) -> bool:
        """Given up as lost."""
        return self.lost_at is not None


class Leg(Base):
    """One direction in which this service carries something of a case."""

    __tablename__ = "legs"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    direction: Mapped[str]

    __table_args__ = (UniqueConstraint("case_id", "direction"),)


def find_case(session: Session, case_no: str) -> Case:
    """The case with this 办件编号. Raises NotFoundError."""
    found = session.scalar(select(Case).where(Case.case_no == case_no))
    if found is None:
        raise NotFoundError(f"没有办件编号为“{case_no}”的办件。请核对编号。")
    return found


def open_hold(session: Session, case_id: UUID) -> Hold | None:
    """The hold that stands on a case."""
    return session.scalar(select(Hold).where(Hold.case_id == case_id, Hold.lifted_at.is_(None)))


def held_among(session: Session, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases on which a hold stands."""
    return set(session.scalars(select(Hold.case_id).where(Hold.case_id.in_(case_ids), Hold.lifted_at.is_(None))))


def may_leave(session: Session, case: Case, item: Item) -> bool:
    """Decision, slip and paper are there, no hold is open, and the item's policy or a person lets it go."""
    return is_let_go(case, item) and open_hold(session, case.id) is None


def is_let_go(case: Case, item: Item) -> bool:
    """The same, but for a hold."""
    released = item.release == Release.AT_ONCE or case.released_at is not None
    return released and case.paper_ready_at is not None and not is_over(case)


def awaits_release(case: Case, item: Item) -> bool:
    """A person must let it go before anything of it is sent, and nobody has."""
    return item.release == Release.WHEN_RELEASED and case.released_at is None and not is_over(case)


def is_over(case: Case) -> bool:
    """Nothing of it is sent any more: it was fetched at the window, or nobody waits for it."""
    return case.given_at is not None or case.lapsed_at is not None


def refuse_erased(case: Case) -> None:
    """Of whom it was is forgotten: what is written down now would be erased by nobody, and no card can be compared.

    Whoever writes has locked the case, so that it is not forgotten meanwhile. Raises NotAllowedError.
    """
    if case.erased_at is not None:
        when = hall_time(case.erased_at)
        raise NotAllowedError(
            f"办件“{case.case_no}”的个人信息已于 {when} 到期清除，不能再办。本人再来的，请按新办件受理。"
        )


def still_to_send() -> ColumnElement[bool]:
    """The condition on `Case` that `is_over` does not hold."""
    return Case.given_at.is_(None) & Case.lapsed_at.is_(None)


def waiting_for_release(session: Session) -> list[Case]:
    """Cases that only wait for a person's release, oldest decision first."""
    held = exists().where(Hold.case_id == Case.id, Hold.lifted_at.is_(None))
    query = (
        select(Case)
        .join(Item, Item.id == Case.item_id)
        .where(Item.release == Release.WHEN_RELEASED, Case.released_at.is_(None), Case.paper_ready_at.is_not(None))
        .where(~held, still_to_send())
    )
    return list(session.scalars(query.order_by(Case.decided_at)))
