"""Orphans: bookings that a carrier bills, or tells news of, and that we do not know or have taken back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.approval.files.sheets import Sheet, sheets_of
from dispatch.errors import NotFoundError
from dispatch.shipment import Shipment
from dispatch.tracking.sighting import Sighting, new_numbers
from dispatch.waybill import Waybill, second_number
from dispatch.worklist import Entry, Reason

NUMBER_HEADINGS = ("运单号", "邮件号", "邮件号码", "快递单号", "物流单号", "waybillNo", "waybill_no")


class Why(StrEnum):
    """Why a number is an orphan."""

    UNKNOWN = "unknown"  # billed, and never ours
    VOIDED = "voided"  # billed although it was taken back
    NOBODYS_NEWS = "nobodys_news"  # news came of it, and it is no live shipment's
    SECOND_NUMBER = "second_number"  # given for an order that has another number


WORDS: Mapping[Why, str] = {
    Why.UNKNOWN: "账单有、本中心没有",
    Why.VOIDED: "已作废仍计费",
    Why.NOBODYS_NEWS: "有轨迹、不属于任何邮件",
    Why.SECOND_NUMBER: "一单两号",
}


@dataclass(frozen=True, slots=True)
class Orphan:
    """One number that asks for a person. `since`: when we first heard of it, where we did."""

    number: str
    why: Why
    order_no: str = ""
    since: datetime | None = None


def read_bill(content: bytes, filename: str) -> list[str]:
    """The waybill numbers of a carrier's bill (XLSX or CSV with a column 运单号 or the like), once each, in order.

    No carrier publishes the form of its bill. Raises ListError, and NotFoundError where no such column is.
    """
    for sheet in sheets_of(content, filename):
        for row, cells in enumerate(sheet.rows):
            named = [str(cell).strip() for cell in cells]
            column = next((named.index(heading) for heading in NUMBER_HEADINGS if heading in named), None)
            if column is not None:
                return _column(sheet, row + 1, column)
    raise NotFoundError(f"“{filename}”里没有运单号一栏（可用的栏名：{'、'.join(NUMBER_HEADINGS)}）。")


def _column(sheet: Sheet, first: int, column: int) -> list[str]:
    told = [_text(row[column]) for row in sheet.rows[first:] if len(row) > column]
    return list(dict.fromkeys(number for number in told if number))


def _text(cell: object) -> str:
    """Spreadsheets make numbers of thirteen digits into floats."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell or "").strip()


def orphans(session: Session, carrier: str, billed: Collection[str] = ()) -> list[Orphan]:
    """All orphans of a carrier: by its bill, by its news, by its answers."""
    return [*_billed(session, carrier, billed), *_told(session, carrier), *_second_numbers(session, carrier)]


def _billed(session: Session, carrier: str, billed: Collection[str]) -> Sequence[Orphan]:
    query = (
        select(Waybill.number, func.bool_or(Waybill.voided_at.is_(None)).label("live"))
        .where(Waybill.carrier == carrier, Waybill.number.in_(billed))
        .group_by(Waybill.number)
    )
    ours = {row.number: row.live for row in session.execute(query)}
    back = new_numbers(
        session.scalars(select(Sighting).where(Sighting.carrier == carrier, Sighting.new_number != ""))
    )
    found = []
    for number in billed:
        if number not in ours and number not in back:
            found.append(Orphan(number, Why.UNKNOWN))
        elif ours.get(number) is False:
            found.append(Orphan(number, Why.VOIDED))
    return found


def _told(session: Session, carrier: str) -> Sequence[Orphan]:
    query = (
        select(Sighting.waybill_no, func.max(Sighting.order_no), func.min(Sighting.received_at))
        .where(Sighting.carrier == carrier, Sighting.shipment_id.is_(None))
        .group_by(Sighting.waybill_no)
        .order_by(func.min(Sighting.received_at))
    )
    return [Orphan(number, Why.NOBODYS_NEWS, order_no, since) for number, order_no, since in session.execute(query)]


def _second_numbers(session: Session, carrier: str) -> Sequence[Orphan]:
    """A number that was refused because another is live; each is one entry, settled or not."""
    theirs = second_number(carrier, "")
    query = (
        select(Entry.cause, Shipment.order_no, Entry.opened_at)
        .join(Shipment, Entry.subject == func.concat("shipment:", Shipment.id))
        .where(Entry.reason == Reason.TWO_NUMBERS, Entry.cause.startswith(theirs, autoescape=True))
        .order_by(Entry.opened_at)
    )
    return [
        Orphan(cause.removeprefix(theirs), Why.SECOND_NUMBER, order_no or "", since)
        for cause, order_no, since in session.execute(query)
    ]
