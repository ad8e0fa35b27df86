"""kill -9 of workers, clock, API, post and database in the middle of the demo, then `up`: every case ends the same.

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
from dispatch.approval.case import Case
from dispatch.approval.read_list import read_list
from dispatch.journey import Stage
from dispatch.settings import SETTINGS_FILE, Settings
from dispatch.shipment import at_stage
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
        return f"http://127.0.0.1:{self.told['practice_post_port']}"

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
            for case in cases_in(session, shipment.id):
                standing = [entry.reason for entry in worklist.standing(session, shipment.subject)]
                reasons.setdefault(case.case_no, []).extend(standing)
        found: dict[str, object] = {}
        for case in session.scalars(select(Case)):
            closed = session.scalar(select(Closure.id).where(Closure.case_id == case.id)) is not None
            counted = ledger.count(ledger.visits_of(session, case.matter_id))
            listed = sorted(reasons.get(case.case_no, []))
            found[case.case_no] = listed or (closed, counted.office_trips, counted.trips)
        return found


def finish(home: Home, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """`up` again, and the clerk goes on at the desk, until everything has ended."""
    house = home.run("up", "--sandbox")
    try:
        _await(lambda: house.poll() is not None or ("bookings" in home.books() and _healthy(home)))
        assert house.poll() is None, house.communicate()[0].decode()
        with home.world(monkeypatch) as world:
            bring_in(world, SAMPLE.read_bytes(), SAMPLE.name)
            with httpx2.Client(base_url=home.post_url, timeout=10, trust_env=False) as post:
                desk = Desk(world, papers_folder(home.path))
                seen = drive(world, desk, post, keep=lambda: None, show=lambda _: None)
            assert seen.booked == seen.outcomes.shipments
            return ends(world)
    finally:
        house.send_signal(signal.SIGINT)
        house.communicate()


def _healthy(home: Home) -> bool:
    try:
        return httpx2.get(f"{home.told['public_url']}/health", timeout=2, trust_env=False).status_code == 200
    except (httpx2.HTTPError, KeyError):
        return False


def _bookings(home: Home, at_least: int) -> bool:
    return int(str(home.books()["bookings"])) >= at_least


def _delivered(home: Home, at_least: int) -> bool:
    orders = home.books()["orders"]
    assert isinstance(orders, list)
    return sum("704" in order["events"] for order in orders) >= at_least


MOMENTS: dict[str, Callable[[Home], bool]] = {
    "while it books": lambda home: _bookings(home, 20),
    "while letters are delivered": lambda home: _delivered(home, 10),
}


def test_every_case_ends_the_same_after_everything_was_killed(
    home: Home, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Home(tmp_path_factory.mktemp("undisturbed"))
    try:
        expected = finish(undisturbed, monkeypatch)
    finally:
        undisturbed.kill_everything()
        remove_postgres(undisturbed.path)
    assert len(expected) == len(read_list(SAMPLE.read_bytes(), SAMPLE.name).rows)
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
    assert finish(home, monkeypatch) == expected
