"""The witnesses: the posts' own books, and what a whole trace says, against our database."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.booking.order import parcel
from dispatch.carrier import CarrierError, Numbering, Seen
from dispatch.jobs import Job
from dispatch.journey import AT_AN_END, News, Observed, Signer, Stage, Tracking, fold
from dispatch.shipment import Shipment, subject_id
from dispatch.tracking.sighting import HANDED_OUT, Sighting
from dispatch.waybill import Waybill
from dispatch.worklist import Entry
from dispatch.world import World
from tests.storm.reasons import Truth, is_true

TRIES = 30
MOMENT_SECONDS = 5
BEIJING = ZoneInfo("Asia/Shanghai")
WITHOUT_BOOKING = {
    Stage.TO_BOOK,
    Stage.BOOKING,
    Stage.IN_DOUBT,
    Stage.REFUSED,
    Stage.GATHERING,
    Stage.CANCELLED,
}
ONLY_PUSHED = {("kuaidi100", "abort")}
"""News of the watching and not of the parcel: no question finds it, and it has no time of its own to compare."""


def books_of(client: httpx2.Client, url: str) -> dict[str, Any]:
    """One post's books."""
    told: dict[str, Any] = client.get(f"{url}/books").raise_for_status().json()
    return told


@dataclass
class Booked:
    """Live bookings in the posts' books, our shipments that should have one each, and where the two differ."""

    live: int = 0
    booked: int = 0
    in_doubt: int = 0  # live, and of a shipment of which a person is asked whether it was booked
    double: list[str] = field(default_factory=list)  # booked twice, or live and not ours
    missing: list[str] = field(default_factory=list)  # with a number that no post has live


@dataclass(frozen=True)
class Witnesses:
    """The books of every account, by its name, and our database."""

    world: World
    books: Mapping[str, dict[str, Any]]
    _told: dict[UUID, Truth] = field(default_factory=dict)

    def booked(self, session: Session) -> "Booked":
        """What the books of the posts that book hold against ours."""
        found = Booked()
        for name, carrier in self.world.carriers.items():
            if carrier.numbering is Numbering.ALLOTTED or name not in self.books:
                continue  # no post is asked: the number is ours, and the unique index holds it
            live = Counter(order["order_no"] for order in self.books[name]["orders"] if order["cancelled_at"] is None)
            ours = {row.order_no: row for row in session.scalars(select(Shipment).where(Shipment.carrier == name))}
            found.live += live.total()
            in_doubt = [no for no, row in ours.items() if row.stage == Stage.IN_DOUBT]
            found.in_doubt += sum(live[no or ""] for no in in_doubt)
            found.booked += sum(row.stage not in WITHOUT_BOOKING for row in ours.values())
            found.double += [f"{name} {no}" for no, count in live.items() if count > 1 or no not in ours]
            found.missing += [
                f"{name} {order_no} {row.stage}"
                for order_no, row in ours.items()
                if row.stage not in WITHOUT_BOOKING and not live[order_no or ""]
            ]
        return found

    def lost_sightings(self, session: Session) -> list[str]:
        """Events of live parcels that the posts' books have, that push or poll could have told, and that we lack."""
        told = {
            (row.carrier, row.waybill_no, row.at)
            for row in session.scalars(select(Sighting).where(Sighting.shipment_id.is_not(None)))
        }
        lost = []
        for carrier, order in self._live_orders(session):
            for event in order["event_list"]:
                if (self.world.carriers[carrier].account_name, event["code"]) in ONLY_PUSHED:
                    continue
                if (carrier, event["number"], moment(event["at"])) not in told:
                    lost.append(f"{carrier} {event['number']} {event['code']} {event['at']} ({order['scenario']})")
        return lost

    def _live_orders(self, session: Session) -> Iterable[tuple[str, dict[str, Any]]]:
        numbers = select(Waybill.carrier, Waybill.number).where(Waybill.voided_at.is_(None))
        ours = {(row.carrier, row.number) for row in session.execute(numbers)}
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
        return [
            f"{truth.shipment.carrier} {truth.shipment.order_no} {truth.shipment.tracked} instead of {said.state}"
            for truth in self._truths(session).values()
            if (said := truth.tracking) is not None and said.state != truth.shipment.tracked
        ]

    def untrue_reasons(self, session: Session) -> list[str]:
        """Open worklist entries of shipments that give another reason than the true one, now and a moment later.

        The storm goes on: a job comes to its end in one transaction, and its entry is settled in the next.
        """
        found = self._untrue(session)
        if not found:
            return []
        time.sleep(MOMENT_SECONDS)
        return sorted(found & self._untrue(session))

    def _untrue(self, session: Session) -> set[str]:
        truths = self._truths(session)
        standing = select(Entry).where(Entry.settled_at.is_(None), Entry.subject.startswith("shipment:"))
        entries = session.scalars(standing).all()
        stuck = self._stuck(session)  # as it is now, and not as it was when the carriers were asked
        return {
            f"{truth.shipment.carrier} {truth.shipment.order_no} {entry.reason} while {truth.shipment.view}"
            for entry in entries
            if not is_true(entry.reason, truth := truths[subject_id(entry.subject)], stuck=entry.subject in stuck)
        }

    def _truths(self, session: Session) -> dict[UUID, Truth]:
        """Every shipment beside what its carrier says of it; asked once, and kept."""
        if not self._told:
            numbers = select(Waybill.shipment_id, Waybill.number).where(Waybill.voided_at.is_(None))
            live = {row.shipment_id: row.number for row in session.execute(numbers)}
            unread = set(session.scalars(select(Sighting.shipment_id).where(Sighting.news == News.UNKNOWN)))
            by_others = Sighting.signer.is_not(None) & Sighting.signer.not_in([Signer.SELF, Signer.UNKNOWN])
            signed = set(session.scalars(select(Sighting.shipment_id).where(by_others)))
            for row in session.scalars(select(Shipment)):
                tracking = self._whole_trace(session, row, live[row.id]) if row.id in live else None
                self._told[row.id] = Truth(
                    row,
                    tracking,
                    unread=row.id in unread,
                    signed_by_others=row.id in signed,
                )
        return self._told

    def _stuck(self, session: Session) -> set[str]:
        """What open jobs are about that have failed so often, and those that were given up."""
        failing = Job.done_at.is_(None) & (Job.attempts >= self.world.settings.job_tries)
        given_up = Job.done_at.is_not(None) & Job.last_error.is_not(None)
        return set(session.scalars(select(Job.subject).where(failing | given_up)))

    def _whole_trace(self, session: Session, row: Shipment, number: str) -> Tracking:
        """Asked until it is answered: the storm goes on."""
        told, back = self._trace(session, row, number), set[str]()
        while ahead := {seen.new_number for seen in told if seen.new_number} - back:
            back |= ahead
            told += [seen for further in ahead for seen in self._trace(session, row, further)]
        return fold(_observed(seen, coming_back=seen.waybill_no in back) for seen in told)

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
