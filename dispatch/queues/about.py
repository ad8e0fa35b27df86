"""What an entry of the worklist is about, as a condition on it."""

from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, case, cast, func, select

from dispatch.approval.case import Case
from dispatch.shipment import Shipment
from dispatch.worklist import Entry


def about(of_case: ColumnElement[bool], of_shipment: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on `Entry` that it is about such a case or envelope. Asked from the entry outwards: few are open,
    and each leads to one row by its id. Not as EXISTS: PostgreSQL would read all cases there are into a hash.
    """
    such_a_case = select(Case.id).where(Case.id == named("case"), of_case)
    such_an_envelope = select(Shipment.id).where(Shipment.id == named("shipment"), of_shipment)
    return _there_is(such_a_case) | _there_is(such_an_envelope)


def _there_is(one: Select[UUID]) -> ColumnElement[bool]:
    return one.correlate(Entry).scalar_subquery().is_not(None)


def named(kind: str) -> ColumnElement[UUID]:
    """The id in the entry's subject, where it names one of this kind."""
    prefix = f"{kind}:"
    return case((Entry.subject.startswith(prefix), cast(func.substr(Entry.subject, len(prefix) + 1), Uuid)))
