"""领取登记: the wish to fetch a case at the window, and its end. A hold that is lifted under it lets nothing go."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dispatch.approval.case import Case, Hold
from dispatch.db import Base, RowId


class Pickup(Base):
    """领取登记. One for a case: asked for, then given out against a signature, with who came and what they took."""

    __tablename__ = "pickups"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), unique=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    given_at: Mapped[datetime | None]
    given_by: Mapped[str | None]
    delegate: Mapped[bool] = mapped_column(default=False)
    person_name: Mapped[bytes | None]  # sealed
    person_id_no: Mapped[bytes | None]  # sealed: only where the case does not know it already
    authority: Mapped[bytes | None]  # sealed: the 委托书 or 介绍信 of a delegate
    originals: Mapped[int] = mapped_column(default=0)
    copies: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str | None]  # how the trip counts, a VisitKind
    fault: Mapped[str | None]
    on_paper: Mapped[bool] = mapped_column(default=False)  # signed on the printed receipt

    @property
    def subject(self) -> str:
        """How pictures name it."""
        return f"pickup:{self.id}"


def pickup_of(session: Session, case: Case) -> Pickup | None:
    """The case's entry in the register, if it was ever asked for."""
    return session.scalar(select(Pickup).where(Pickup.case_id == case.id))


def asked_for_under(session: Session, case: Case, hold: Hold) -> bool:
    """Whether its applicant wishes to fetch it since that hold stands. What was opened by that wish is younger."""
    pickup = pickup_of(session, case)
    return pickup is not None and pickup.given_at is None and pickup.asked_at > hold.opened_at
