"""What the history and the post's books say against our database: what is lost, and what is there twice."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document
from dispatch.shipment import Content
from dispatch.waybill import Waybill
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from tests.soak.clients import CHANGED, LODGE
from tests.soak.history import History, Outcome
from tests.storm.books import Witnesses


def lost(world: World, session: Session, history: History, books: dict[str, Any]) -> list[str]:
    """Cases that were taken and are not there, that lie in no envelope, envelopes that nobody sees, lost news."""
    taken, there = history.keys(LODGE, Outcome.OK), set(session.scalars(select(Case.case_no)))
    in_envelopes = select(Content.document_id).where(~Content.void)
    outside = select(Case.case_no).join(Document).where(Document.id.not_in(in_envelopes))
    witnesses = Witnesses(world, books)
    booked = witnesses.booked(session)
    return [
        *(f"case {number} was taken and is not there" for number in sorted(taken - there)),
        *(f"case {number} lies in no envelope" for number in session.scalars(outside)),
        *(f"booking {one}" for one in booked.missing),
        *(f"news {one}" for one in witnesses.lost_sightings(session)),
        *(f"unseen {one}" for one in witnesses.unseen(session)),
    ]


def doubled(world: World, session: Session, history: History, books: dict[str, Any]) -> list[str]:
    """Orders placed twice, cases that exist twice or closed twice, envelopes with two live numbers."""
    changed = history.keys(CHANGED, Outcome.OK)
    return [
        *(f"booking {one}" for one in Witnesses(world, books).booked(session).double),
        *(f"case {number} was taken anew with other words" for number in sorted(changed)),
        *_more_than_one(session, "case", select(Case.case_no).group_by(Case.case_no)),
        *_more_than_one(session, "closure of case", select(Closure.case_id).group_by(Closure.case_id)),
        *_more_than_one(
            session,
            "number of envelope",
            select(Waybill.shipment_id).where(Waybill.voided_at.is_(None)).group_by(Waybill.shipment_id),
        ),
        *_more_than_one(
            session,
            "envelope of document",
            select(Content.document_id).where(~Content.void).group_by(Content.document_id),
        ),
    ]


def _more_than_one(session: Session, what: str, grouped: Select[Any]) -> Iterable[str]:
    return (f"{what} {key} is there twice" for key in session.scalars(grouped.having(func.count() > 1)))
