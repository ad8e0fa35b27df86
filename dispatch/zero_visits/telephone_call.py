"""电联记录: every attempt to reach somebody by telephone is a record: number, time, reached or not, what was said.

Numbers and what was said are sealed.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.approval.case import Case, CaseSlip, refuse_erased
from dispatch.approval.fields.phone import phone_number
from dispatch.approval.fields.text import WrongError
from dispatch.approval.within import EVERYTHING, Within, find_case_within
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError
from dispatch.once import Keyed, check_same, made_before
from dispatch.reveal import log_reveal
from dispatch.world import World

LONGEST_RESULT = 500


class TelephoneCall(Keyed, Base):
    """One attempt. `slip_changes`: a new address or person was told; the slip is corrected from it."""

    __tablename__ = "telephone_calls"

    id: Mapped[RowId]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str]
    number: Mapped[bytes]  # sealed
    reached: Mapped[bool]
    result: Mapped[bytes | None]  # sealed
    slip_changes: Mapped[bool] = mapped_column(default=False)


def note_call(
    world: World,
    case_no: str,
    by: str,
    *,
    reached: bool,
    result: str = "",
    number: str = "",
    slip_changes: bool = False,
    within: Within = EVERYTHING,
    form_key: UUID | None = None,
) -> None:
    """Write an attempt down. `number`: empty for the slip's own. `form_key`: sent again it is the same attempt.

    Raises NotFoundError, NotAllowedError (no telephone number, reached and nothing said of it, or who it was is
    forgotten), ConflictError (the key was another attempt's).
    """
    said = " ".join(result.split())[:LONGEST_RESULT]
    if reached and not said:
        raise NotAllowedError("接通了，请写明说了什么。")
    with world.begin() as session:
        case = find_case_within(session, case_no, within, locked=True)
        refuse_erased(case)
        dialled, first = _number(world, session, case, number), made_before(session, TelephoneCall, form_key)
        if first is not None:
            check_same(same=_told(world, first) == (case.id, by, reached, dialled, said))
            return
        row = TelephoneCall(id=uuid7(), case_id=case.id, at=world.now(), by=by, reached=reached, form_key=form_key)
        row.slip_changes = reached and slip_changes
        world.vault.seal(row, "number", dialled)
        if said:
            world.vault.seal(row, "result", said)
        session.add(row)
        audit.note(world, session, by, audit.Deed.CHANGE, case.subject, "电联：接通" if reached else "电联：未接通")


def _told(world: World, call: TelephoneCall) -> tuple[UUID, str, bool, str, str]:
    """What makes two forms the same."""
    number, result = (world.vault.open(call, column) or "" for column in ("number", "result"))
    return call.case_id, call.by, call.reached, number, result


def number_to_call(world: World, case_no: str, by: str, reason: str, within: Within = EVERYTHING) -> str:
    """The slip's number in full, to be dialled: a logged act.

    Raises NotFoundError, NotAllowedError (no reason, or who it was is forgotten).
    """
    with world.reading() as session:
        case = find_case_within(session, case_no, within)
        refuse_erased(case)
        slip = slip_of(session, case)
    log_reveal(world, case.subject, by, reason)
    return world.vault.open(slip, "phone") or ""


def slip_of(session: Session, case: Case) -> CaseSlip:
    """The case's slip."""
    return session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one()


def _number(world: World, session: Session, case: Case, told: str) -> str:
    if not told.strip():
        return world.vault.open(slip_of(session, case), "phone") or ""
    try:
        return phone_number(told)
    except WrongError as error:
        raise NotAllowedError(f"电话号码不对：{error}。没有记。") from None
