"""Every scenario to its end; and kill -9 of everything in the middle, then `up`: every case ends the same.

The moments are seeded by what has happened, not by time: so many bookings in the post's books, so many closings.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest
from sqlalchemy import select

from dispatch import ledger, worklist
from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.read_list import read_list
from dispatch.journey import Stage
from dispatch.ledger import Visit
from dispatch.settings import SETTINGS_FILE, Settings
from dispatch.shipment import at_stage, find_order
from dispatch.visits import KINDS, VisitKind
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from dispatch.zero_visits.close import Closure, cases_in
from tests.leftovers import remove_postgres
from workers.jobs import queue_of
from zhuandi.demo import Desk, bring_in, drive
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.serve import papers_folder

SAMPLE = Path("samples/issued-cases.xlsx")
PATIENCE = 150.0


@dataclass
class Home:
    """A home folder of its own, with the commands that run in it."""

    path: Path

    def run(self, *words: str) -> "subprocess.Popen[bytes]":
        """`zhuandi …` in this home; its own process group, so that nothing of it reaches the test."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHUANDI_")}
        environment.pop("DATABASE_URL", None)
        return subprocess.Popen(
            [sys.executable, "-m", "zhuandi", *words],
            env={**environment, "ZHUANDI_HOME": str(self.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def told(self) -> dict[str, object]:
        """The settings file that the first start wrote."""
        file = self.path / SETTINGS_FILE
        return dict(json.loads(file.read_text())) if file.exists() else {}

    @property
    def post_url(self) -> str:
        return f"http://127.0.0.1:{self.told['practice_posts']['ems']}"

    def books(self) -> Mapping[str, object]:
        """The post's own books; empty while it is not open."""
        try:
            return dict(httpx2.get(f"{self.post_url}/books", timeout=5, trust_env=False).json())
        except (httpx2.HTTPError, KeyError):
            return {"bookings": 0, "orders": []}

    def processes(self) -> list[psutil.Process]:
        """Every process of this home: by its environment, and whatever the database has started."""
        place = self.path / "postgres-at"
        data = place.read_text().strip() if place.exists() else str(self.path / "postgres")
        found = [process for process in psutil.process_iter() if _belongs(process, str(self.path), data)]
        return [*found, *(child for process in found for child in _children(process))]

    def kill_everything(self) -> None:
        """kill -9, the house first, so that it cannot start anything again."""
        for process in self.processes():
            _kill(process)
        _await(lambda: not self.processes())

    @contextmanager
    def world(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
        """The service's own view of this home."""
        monkeypatch.setenv("ZHUANDI_HOME", str(self.path))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        settings = Settings(database_url=EmbeddedPostgres(self.path).start())
        with make_world(settings, make_broker(settings), queue_of) as world:
            yield world


def _belongs(process: psutil.Process, home: str, data: str) -> bool:
    try:
        return (process.environ().get("ZHUANDI_HOME") == home and process.pid != os.getpid()) or (
            any(data in word for word in process.cmdline()) and "postgres" in process.name()
        )
    except psutil.Error:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _await(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.kill_everything()
    remove_postgres(tmp_path)


def ends(world: World) -> dict[str, object]:
    """How each case ended: its reasons if a person must look, otherwise whether it is closed, and its counters."""
    with world.reading() as session:
        reasons: dict[str, list[str]] = {}
        for shipment in at_stage(session, list(Stage)):
            for case, _ in cases_in(session, [shipment.id]):
                standing = [entry.reason for entry in worklist.standing(session, shipment.subject)]
                reasons.setdefault(case.case_no, []).extend(standing)
        found: dict[str, object] = {}
        for case in session.scalars(select(Case)):
            closed = session.scalar(select(Closure.id).where(Closure.case_id == case.id)) is not None
            counted = ledger.count(ledger.visits_of(session, case.matter_id))
            listed = sorted(reasons.get(case.case_no, []))
            found[case.case_no] = listed or (closed, counted.office_trips, counted.trips)
        return found


@contextmanager
def finished(home: Home) -> Iterator[World]:
    """`up` again, and the clerk goes on at the desk, until everything has ended; then Ctrl-C stops everything."""
    house = home.run("up", "--sandbox")
    try:
        _await(lambda: house.poll() is not None or ("bookings" in home.books() and _healthy(home)))
        assert house.poll() is None, house.communicate()[0].decode()
        with pytest.MonkeyPatch.context() as monkeypatch, home.world(monkeypatch) as world:
            bring_in(world, SAMPLE.read_bytes(), SAMPLE.name)
            with httpx2.Client(base_url=home.post_url, timeout=10, trust_env=False) as post:
                desk = Desk(world, papers_folder(home.path))
                seen = drive(world, desk, post, keep=lambda: None, show=lambda _: None)
            assert seen.booked == seen.outcomes.shipments
            yield world
    finally:
        house.send_signal(signal.SIGINT)
        house.communicate()
    assert house.returncode == 0
    assert home.processes() == []


def _healthy(home: Home) -> bool:
    try:
        return httpx2.get(f"{home.told['public_url']}/healthz", timeout=2, trust_env=False).status_code == 200
    except (httpx2.HTTPError, KeyError):
        return False


def _bookings(home: Home, at_least: int) -> bool:
    return int(str(home.books()["bookings"])) >= at_least


def _delivered(home: Home, at_least: int) -> bool:
    orders = home.books()["orders"]
    assert isinstance(orders, list)
    return sum("704" in order["events"] for order in orders) >= at_least


@dataclass(frozen=True)
class Letter:
    """One envelope at its end: the post's scenario for it, what was consented, and what became of it."""

    scenario: str
    way: str
    at_address: bool
    brought: bool
    proxy: bool
    closed: bool
    trips: int
    reasons: frozenset[str]


def letters(home: Home, world: World) -> list[Letter]:
    """Every envelope, by the post's own books."""
    orders = home.books()["orders"]
    assert isinstance(orders, list)
    found = []
    with world.reading() as session:
        for order in orders:
            shipment = find_order(session, "ems", order["order_no"])
            assert shipment is not None, order["order_no"]
            slip = session.get_one(CaseSlip, shipment.slip_id)
            made = session.scalars(select(Visit).where(Visit.trip == shipment.subject)).all()
            found.append(
                Letter(
                    order["scenario"],
                    slip.way,
                    slip.point_at_address,
                    slip.brought_to_door,
                    slip.proxy_allowed,
                    shipment.stage == Stage.CLOSED,
                    sum(KINDS[VisitKind(visit.kind)].trips for visit in made),
                    frozenset(entry.reason for entry in worklist.standing(session, shipment.subject)),
                )
            )
    return found


ALWAYS = {
    **{key: {"signer_unknown"} for key in ("09", "10", "21")},
    **{key: {"lost"} for key in ("12", "13", "20")},
    **{key: {"delivery_revoked"} for key in ("14", "22")},
    "11": {"recipient_refused", "returned"},
    "15": {"stalled"},
    "18": {"not_fetched"},
    "19": {"unknown_code"},
}
"""Scenarios that a person must look at, whatever was consented."""
AT_THE_DOOR = {"01", "02", "16", "17", "23", "24"}
PROXIES = {"04", "05", "06", "07"}


def as_the_table_says(letter: Letter) -> bool:
    """The issue's table of scenarios, and HALL §2 for what counts as a trip."""
    if letter.scenario in ALWAYS:
        return letter.reasons == ALWAYS[letter.scenario]
    if letter.scenario in PROXIES and not letter.proxy:
        return letter.reasons == {"signed_without_consent"} and not letter.closed
    if letter.scenario == "08" and letter.way != "village_station":
        return letter.reasons == {"signed_without_consent"} and not letter.closed
    trips = {
        "03": 0 if letter.way == "locker" and letter.at_address else 1,
        "08": 0 if letter.brought else 1,
    }.get(letter.scenario, 0)
    if letter.scenario in AT_THE_DOOR and letter.way != "door":
        return letter.closed
    return (letter.closed, letter.trips, letter.reasons) == (True, trips, frozenset())


@dataclass(frozen=True)
class Undisturbed:
    """The demo's list, driven to its end with nothing killed."""

    ends: dict[str, object]
    letters: list[Letter]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    home = Home(tmp_path_factory.mktemp("undisturbed"))
    try:
        with finished(home) as world:
            seen = Undisturbed(ends(world), letters(home, world))
        yield seen
    finally:
        home.kill_everything()
        remove_postgres(home.path)


def test_every_scenario_of_the_post_occurs_and_ends_as_the_table_says(undisturbed: Undisturbed) -> None:
    assert {letter.scenario for letter in undisturbed.letters} >= {f"{number:02}" for number in range(1, 25)}
    assert [letter for letter in undisturbed.letters if not as_the_table_says(letter)] == []


MOMENTS: dict[str, Callable[[Home], bool]] = {
    "while it books": lambda home: _bookings(home, 20),
    "while letters are delivered": lambda home: _delivered(home, 10),
}


def test_every_case_ends_the_same_after_everything_was_killed(home: Home, undisturbed: Undisturbed) -> None:
    assert len(undisturbed.ends) == len(read_list(SAMPLE.read_bytes(), SAMPLE.name).rows)
    demo = home.run("demo", str(SAMPLE))
    for name, moment in MOMENTS.items():
        _await(lambda now=demo, moment=moment: now.poll() is not None or moment(home))
        assert demo.poll() is None, f"ended before the moment «{name}» came: {demo.communicate()[0].decode()}"
        home.kill_everything()
        demo.communicate()
        demo = home.run("demo", str(SAMPLE))
    _await(lambda: demo.poll() is not None or _delivered(home, 20))
    home.kill_everything()
    demo.communicate()
    with finished(home) as world:
        assert ends(world) == undisturbed.ends
