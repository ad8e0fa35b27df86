"""Whose cases and envelopes an act may reach: what lies outside is answered as what does not exist."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from dispatch.approval.case import Case
from dispatch.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Within:
    """Conditions on `Case` and on `Shipment`. Everything, unless somebody's scope says less."""

    cases: ColumnElement[bool] = field(default_factory=true)
    shipments: ColumnElement[bool] = field(default_factory=true)


EVERYTHING = Within()


def find_case_within(session: Session, case_no: str, within: Within, *, locked: bool = False) -> Case:
    """The case with this 办件编号, locked if asked for. Raises NotFoundError, also where it lies outside."""
    query = select(Case).where(Case.case_no == case_no, within.cases)
    if locked:  # as it is now, also where it was looked at before
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(f"没有办件编号为“{case_no}”的办件。请核对编号。")
    return found
