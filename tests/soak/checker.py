"""What the history and the post's books say against our database: what is lost, and what is there twice."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, Document
from dispatch.packing.hand_over import HandOver, HandOverLine
from dispatch.shipment import Content, Shipment
from dispatch.waybill import Waybill
from dispatch.world import World
from dispatch.zero_visits.close import Closure
from tests.soak.clients import CHANGED, DELIVERED, DISPUTED, LODGE, PAGE
from tests.soak.history import History, Outcome
from tests.storm.books import Witnesses
from tests.storm.run import HAND_OVER, PACK, PRINT


def lost(world: World, session: Session, history: History, books: dict[str, Any]) -> list[str]:
    """Cases that were taken and are not there, that lie in no envelope, envelopes that nobody sees, lost news,
    acts of the clerk that were undone, pages that went back."""
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
        *_undone(session, history),
        *gone_back(history, set(session.scalars(select(Waybill.number).where(Waybill.voided_at.is_(None))))),
    ]


def doubled(world: World, session: Session, history: History, books: dict[str, Any]) -> list[str]:
    """Orders placed twice, cases that exist twice or closed twice, envelopes with two live numbers."""
    changed = history.keys(CHANGED, Outcome.OK)
    return [
        *(f"booking {one}" for one in Witnesses(world, books).booked(session).double),
        *(f"case {number} was taken anew with other words" for number in sorted(changed)),
        *_printed_unasked(session, history),
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


def _undone(session: Session, history: History) -> Iterable[str]:
    """What the clerk was told is done, and is not: a sheet counted, a paper scanned into its envelope, a list."""
    printed, prints = _times(history, {Outcome.OK}), _prints(session)
    scanned = (
        select(Document.code, Waybill.number)
        .join(Content, Content.document_id == Document.id)
        .join(Waybill, Waybill.shipment_id == Content.shipment_id)
        .where(Content.scanned_at.is_not(None), ~Content.void)
    )
    inside = {f"{code} {number}" for code, number in session.execute(scanned)}
    lines = select(HandOver.number).join(HandOverLine, HandOverLine.hand_over_id == HandOver.id).distinct()
    lists = set(session.scalars(lines))
    yield from (f"sheet of {key} was printed and is not counted" for key in printed if prints[key] < printed[key])
    yield from (f"paper {key} was packed and is not" for key in sorted(history.keys(PACK, Outcome.OK) - inside))
    yield from (
        f"list {key} was made and is not there" for key in sorted(history.keys(HAND_OVER, Outcome.OK) - lists)
    )


def _printed_unasked(session: Session, history: History) -> Iterable[str]:
    """Where it is not known whether a sheet was counted, it may have been."""
    asked, prints = _times(history, {Outcome.OK, Outcome.UNKNOWN}), _prints(session)
    return (f"sheet of {key} is counted unasked" for key in prints if prints[key] > asked[key])


def _times(history: History, outcomes: Collection[Outcome]) -> Counter[str]:
    return Counter(one.key for one in history.of_kind(PRINT) if one.outcome in outcomes)


def _prints(session: Session) -> Counter[str]:
    return Counter({str(key): prints for key, prints in session.execute(select(Shipment.id, Shipment.prints))})


def gone_back(history: History, live: Collection[str]) -> list[str]:
    """Pages that said delivered, and later that it is on its way: only a doubt may follow. And those that were not
    found, although their numbers are live: none of them was ever another's."""
    delivered, found = set[str](), []
    for one in history.of_kind(PAGE):
        if one.outcome is Outcome.FAILED and one.key in live:
            found.append(f"page of {one.key} is gone")
        elif one.key in delivered and one.outcome is Outcome.OK and one.said not in {DELIVERED, DISPUTED}:
            found.append(f"page of {one.key} said delivered, and then: {one.said}")
        elif one.said == DELIVERED:
            delivered.add(one.key)
    return found


def _more_than_one(session: Session, what: str, grouped: Select[Any]) -> Iterable[str]:
    return (f"{what} {key} is there twice" for key in session.scalars(grouped.having(func.count() > 1)))
