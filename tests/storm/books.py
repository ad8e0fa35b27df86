"""The witnesses: the posts' own books, and what a whole trace says, against our database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.booking.order import parcel
from dispatch.carrier import CarrierError, Numbering, Seen
from dispatch.journey import AT_AN_END, News, Observed, fold
from dispatch.shipment import Shipment, Waybill
from dispatch.tracking.sighting import HANDED_OUT, Sighting
from dispatch.worklist import Entry
from dispatch.world import World

TRIES = 30
BEIJING = ZoneInfo("Asia/Shanghai")
WITHOUT_BOOKING = {"to_book", "booking", "in_doubt", "refused", "gathering", "cancelled"}


def books_of(client: httpx2.Client, url: str) -> dict[str, Any]:
    """One post's books."""
    told: dict[str, Any] = client.get(f"{url}/books").raise_for_status().json()
    return told


@dataclass(frozen=True)
class Witnesses:
    """The books of every account, by its name, and our database."""

    world: World
    books: Mapping[str, dict[str, Any]]

    def booked(self, session: Session) -> tuple[list[str], list[str]]:
        """Orders booked twice (or live and not ours), and shipments with a number that no post has live."""
        double, missing = [], []
        for name, carrier in self.world.carriers.items():
            if carrier.numbering is Numbering.ALLOTTED or name not in self.books:
                continue  # no post is asked: the number is ours, and the unique index holds it
            live = Counter(order["order_no"] for order in self.books[name]["orders"] if order["cancelled_at"] is None)
            ours = {row.order_no: row for row in session.scalars(select(Shipment).where(Shipment.carrier == name))}
            double += [order_no for order_no, count in live.items() if count > 1 or order_no not in ours]
            missing += [
                f"{name} {order_no} {row.stage}"
                for order_no, row in ours.items()
                if row.stage not in WITHOUT_BOOKING and not live[order_no or ""]
            ]
        return double, missing

    def lost_sightings(self, session: Session) -> list[str]:
        """Events of live parcels that the posts' books have, that push or poll could have told, and that we lack."""
        told = {
            (row.carrier, row.waybill_no, row.at)
            for row in session.scalars(select(Sighting).where(Sighting.shipment_id.is_not(None)))
        }
        lost = []
        for carrier, order in self._live_orders(session):
            for event in order["event_list"]:
                fact = (carrier, event["number"], moment(event["at"]))
                if fact not in told:
                    lost.append(f"{carrier} {event['number']} {event['code']} {event['at']} ({order['scenario']})")
        return lost

    def _live_orders(self, session: Session) -> Iterable[tuple[str, dict[str, Any]]]:
        numbers = select(Waybill.carrier, Waybill.number).where(Waybill.voided_at.is_(None))
        ours = set(session.execute(numbers).tuples())
        for name, carrier in self.world.carriers.items():
            for order in self.books.get(carrier.account_name, {"orders": []})["orders"]:
                if order["cancelled_at"] is None and (name, order["numbers"][0]) in ours:
                    yield name, order

    def unseen(self, session: Session) -> list[str]:
        """Shipments that came to no end and of which no person is told."""
        shown = set(session.scalars(select(Entry.subject).where(Entry.settled_at.is_(None))))
        return [
            f"{row.carrier} {row.order_no} {row.view}"
            for row in session.scalars(select(Shipment))
            if row.view not in AT_AN_END and row.subject not in shown
        ]

    def wrong_ends(self, session: Session) -> list[str]:
        """Shipments whose state is not what their whole trace says, told once, in order, by the carrier itself."""
        wrong = []
        rows = select(Shipment, Waybill.number).join(Waybill, Waybill.shipment_id == Shipment.id)
        for row, number in session.execute(rows.where(Waybill.voided_at.is_(None))):
            said = fold(self._whole_trace(session, row, number)).state
            if said != row.tracked:
                wrong.append(f"{row.carrier} {number} {row.tracked} instead of {said}")
        return wrong

    def _whole_trace(self, session: Session, row: Shipment, number: str) -> list[Observed]:
        """Asked until it is answered: the storm goes on."""
        told, back = self._trace(session, row, number), set[str]()
        while ahead := {seen.new_number for seen in told if seen.new_number} - back:
            back |= ahead
            told += [seen for further in ahead for seen in self._trace(session, row, further)]
        return [_observed(seen, coming_back=seen.waybill_no in back) for seen in told]

    def _trace(self, session: Session, row: Shipment, number: str) -> list[Seen]:
        carrier = self.world.carriers[row.carrier]
        for _ in range(TRIES):
            call = carrier.question(parcel(self.world, session, row, number))
            try:
                return [seen for seen in carrier.read_trace(carrier.speak(call)) if seen.waybill_no in {"", number}]
            except CarrierError:
                continue
        raise AssertionError(f"{row.carrier} did not answer {TRIES} times about {number}")


def _observed(seen: Seen, *, coming_back: bool) -> Observed:
    signed = coming_back and seen.news in HANDED_OUT
    return Observed(
        at=seen.at,
        code=seen.code,
        news=News.RETURNED if signed else seen.news,
        detail=seen.detail,
        signer=None if signed else seen.signer,
        voids=seen.voids,
    )


def moment(beijing: str) -> datetime:
    """The books' Beijing time as aware UTC."""
    return datetime.strptime(beijing, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)
