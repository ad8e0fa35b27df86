"""Who works while processes die: an approval system that repeats itself, a clerk, a postman, and our own courier."""

import json
import time
from collections.abc import Iterable
from datetime import timedelta

import httpx2
from sqlalchemy import select

from dispatch.booking.cancel import void_label
from dispatch.booking.route import set_route
from dispatch.booking.take_off import Then
from dispatch.client import add_client
from dispatch.errands.errand import Errand
from dispatch.errands.report import LANE
from dispatch.errors import ZhuandiError
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Act, Stage, Tracked
from dispatch.label.print_sheets import to_print
from dispatch.label.printer import SEND
from dispatch.packing.hand_over import hand_over, not_collected
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import ASK, Shipment, act, lock
from dispatch.zero_visits.close import cases_in
from dispatch.zero_visits.word import confirm_received
from sandbox.printer import RawPrinter
from tests.crash.house import LOOK_SECONDS, House
from tests.crash.papers import Papers
from tests.crash.points import Role
from tests.decided import case_body
from zhuandi.practice import read_practice

BY = "crash"
CARRIERS = ("ems", "sf", LANE)
LAW = "CRASH-law"
DOUBTFUL = 2  # so many of a carrier's first cases are booked without an answer
RELABELLED = 2


def item_of(carrier: str) -> str:
    """The item whose cases this carrier has."""
    return f"CRASH-{carrier}"


def case_no(carrier: str, number: int) -> str:
    """One case of a carrier."""
    return f"331127-{carrier}-{number:04}"


class Desk:
    """All the people, one round after the other."""

    def __init__(self, house: House, http: httpx2.Client, printer: RawPrinter) -> None:
        self.house, self.world, self.http = house, house.world, http
        self.papers = Papers(self.world, printer, BY)
        self.key = add_client(self.world, BY)
        self.relabelled = {case_no(carrier, number) for carrier in ("ems", "sf") for number in range(RELABELLED)}
        self.reports: dict[str, str] = {}

    def lodge(self, carrier: str, number: int, item: str = "") -> None:
        """A decided case is posted until it is answered; whoever answers may die over it."""
        body = json.dumps(_case(carrier, number, item or item_of(carrier)))
        while not self._posted("/api/v1/cases", body):
            self.house.keep()
            time.sleep(LOOK_SECONDS)

    def open_roads(self) -> None:
        """The items go to their carriers; one is cleared, and then it is not."""
        for item in (LAW, item_of("sf")):
            self._until_lived_through(Role.CLEAR, item, "--ground", "法制机构意见（演练）")
        for carrier in CARRIERS[1:]:
            set_route(self.world, "", item_of(carrier), carrier, BY)
        self._until_lived_through(Role.WITHDRAW, LAW)

    def release(self, cases: Iterable[str]) -> None:
        """They may leave."""
        self._until_lived_through(Role.RELEASE, *cases)

    def work(self) -> None:
        """One round: what waits on the desk is done, by a command that may die or by itself."""
        self.papers.count()
        self._print()
        self._pack()
        self._hand_over()
        self._collect()
        self._report()
        self._take_the_applicants_word()

    def _until_lived_through(self, role: Role, *options: str) -> None:
        left = None
        while left != (left := self.house.left(role)):
            self.house.run(role, *options)

    def _print(self) -> None:
        with self.world.reading() as session:
            ready = to_print(session)
            cases = {key: {case.case_no for case, _ in cases_in(session, [key])} for key in ready}
        spoilt = [key for key in ready if cases[key] & self.relabelled]
        for key in spoilt[:1]:
            [case] = cases[key]
            if self.house.left(Role.RELABEL):
                self.house.run(Role.RELABEL, case)
            else:
                void_label(self.world, key, Then.BOOK_AGAIN, BY)
                self.relabelled.remove(case)
        good = [key for key in ready if key not in spoilt]
        drawn_here = [key for key in good if not any("-ems-" in case for case in cases[key])]  # no label to wait for
        sending = any(name.startswith(SEND) for name in self.house.left())
        if sending and drawn_here and not self.papers.awaited():
            self.papers.print(drawn_here.pop(0))
        if self.house.left(Role.PRINT):
            for key in drawn_here[:1]:
                self.house.run(Role.PRINT, *sorted(cases[key]), "--out", str(self.house.home / "labels.pdf"))
            return
        if sending:  # the others are kept for the printer
            return
        for key in good:
            with self.world.begin() as session:
                shipment = lock(session, key)
                act(self.world, session, shipment, Act.PRINT, by=BY)
                shipment.prints += 1

    def _pack(self) -> None:
        with self.world.reading() as session:
            pairs = [(paper, number) for paper, number in to_pack(session) if number not in self.papers.awaited()]
        for document, number in pairs:
            if self.house.left(Role.PACK):
                self.house.run(Role.PACK, document, number)
                return
            pack(self.world, document, number, BY)

    def _hand_over(self) -> None:
        for carrier in CARRIERS:
            with self.world.reading() as session:
                waiting = (Shipment.stage == Stage.PACKED, Shipment.carrier == carrier)
                packed = session.scalar(select(Shipment.id).where(*waiting).limit(1))
            if packed and self.house.left(Role.HAND_OVER):
                paper = str(self.house.home / "posting-list.pdf")
                self.house.run(Role.HAND_OVER, "--carrier", carrier, "--out", paper)
            elif packed:
                hand_over(self.world, carrier, BY)

    def _collect(self) -> None:
        for carrier in ("ems", "sf"):
            with self.world.reading() as session:
                waiting = not_collected(session, carrier)
            url = read_practice(self.house.home).url(carrier)
            if any(name.startswith(ASK) for name in self.house.left()):
                waiting = sorted(waiting)[1:]  # one stays silent until somebody has asked after it at every point
            if waiting:
                self.http.post(f"{url}/counter/collect", json={"waybills": waiting}).raise_for_status()

    def _report(self) -> None:
        """Our courier hands over what was given out; said again in the same words until it was heard."""
        with self.world.reading() as session:
            handed = select(Errand.number).where(Errand.cancelled_at.is_(None), Errand.ended_at.is_(None))
            mine = not_collected(session, LANE)
            numbers = [number for number in session.scalars(handed) if number in mine]
        now = self.world.now().astimezone(SHANGHAI) - timedelta(seconds=1)
        for number in numbers:
            at = self.reports.setdefault(number, f"{now:%Y-%m-%d %H:%M:%S}")
            said = {"number": number, "code": "handed", "signer": "self", "at": at}
            self._posted("/by-hand/report", json.dumps(said))

    def _take_the_applicants_word(self) -> None:
        """SF tells of a signature and not of whom: whoever is called says that it is in hand."""
        with self.world.reading() as session:
            told = (
                Shipment.carrier == "sf",
                Shipment.stage == Stage.HANDED_OVER,
                Shipment.tracked == Tracked.DELIVERED,
            )
            keys = session.scalars(select(Shipment.id).where(*told)).all()
            cases = [cases_in(session, [key])[0][0].case_no for key in keys]
        for case in cases:
            if self.house.left(Role.RECEIVED):
                self.house.run(Role.RECEIVED, case, "--note", "电话核实")
                return
            confirm_received(self.world, case, BY, "电话核实")

    def _posted(self, path: str, body: str) -> bool:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            answer = self.http.post(f"{self.world.settings.public_url}{path}", content=body, headers=headers)
        except httpx2.HTTPError:
            return False
        if 400 <= answer.status_code < 500:
            raise ZhuandiError(f"{path} {answer.status_code} {answer.text}")
        return answer.is_success


def _case(carrier: str, number: int, item: str) -> dict:
    ending = 17 if number in range(RELABELLED, RELABELLED + DOUBTFUL) else 1
    phone = f"139{CARRIERS.index(carrier)}{number:05}{ending:02}"
    return case_body(
        case_no(carrier, number),
        {"phone": phone, "detail": f"团结西路{number}号"},
        item_name=f"演练事项（{item}）",
        item_code=item,
    )
