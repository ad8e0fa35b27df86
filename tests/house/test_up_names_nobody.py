"""Promise 8 with the whole house running: people are planted through every door of `zhuandi up`, and found nowhere.

Searched are a dump of every table, every file in the folder of logs, the names of the papers, and what `up` said.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from dispatch.client import add_client
from dispatch.label import SheetSize
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.packing.pack import to_pack
from dispatch.settings import Settings
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from dispatch.zero_visits.desk import on_the_desk
from tests.engines.county import QUICK
from tests.engines.servers import wait_until
from tests.furnished import environment_of, furnish, told_to
from tests.planted import PEOPLE, body, dump, found_in
from tests.rooms.approval_files import HEAD, row_of, workbook
from workers.jobs import queue_of
from zhuandi.demo import Desk, drive
from zhuandi.practice import read_practice
from zhuandi.serve import papers_folder

PASSWORD = "evergreen-harbour-42"
HURRIED = f"{PEOPLE['caller']}来电 {PEOPLE['callers phone']}"
STORIES = {"A": "01", "B": "01", "R": "23", "L": "11", "U": "19", "P": "04"}
"""Which story the post plays for a case: delivered, booked at the second try, refused, an unknown code, a proxy."""


@dataclass
class Up:
    """The house, the service's own view of it, and whoever calls at its doors."""

    home: Path
    world: World
    door: httpx2.Client
    process: subprocess.Popen[bytes]
    said: bytes = b""

    def leave(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.said, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.said.decode()

    @property
    def logs(self) -> dict[str, str]:
        """Every file that the house has left in its folder of logs."""
        return {file.name: file.read_text(errors="replace") for file in (self.home / "logs").iterdir()}


@pytest.fixture
def up(tmp_path: Path, own_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Up]:
    furnish(tmp_path, QUICK)
    told = told_to(tmp_path, own_database_url, None)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(
        [sys.executable, "-m", "zhuandi", "up", "--sandbox"],
        env=environment_of(told),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    settings = Settings()
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{settings.listen_port}", trust_env=False) as door:
            wait_until(lambda: process.poll() is not None or _answers(door), "the house to open", 300)
            assert process.poll() is None, process.communicate()[0].decode()
            with make_world(settings, make_broker(settings), queue_of) as world:
                yield Up(tmp_path, world, door, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate()


def _answers(door: httpx2.Client) -> bool:
    try:
        return door.get("/healthz").status_code == 200
    except httpx2.HTTPError:
        return False


def phone(case_no: str) -> str:
    """One of the planted person's, that ends as the post's story asks."""
    return PEOPLE["phone"][:-2] + STORIES[case_no]


def by_api(up: Up) -> None:
    """Good cases, and bad ones that are answered with what is wrong with them."""
    key = {"Authorization": f"Bearer {add_client(up.world, '审批系统')}"}
    for case_no in STORIES:
        told = body(case_no, slip={"phone": phone(case_no)})
        assert up.door.post("/api/v1/cases", json=told, headers=key).status_code == 201
    out_of_reach = body("O", slip={"detail": f"超区{PEOPLE['home']}"})
    assert up.door.post("/api/v1/cases", json=out_of_reach, headers=key).status_code == 201
    assert up.door.post("/api/v1/cases", json=body("A", department="县人社局"), headers=key).status_code == 409
    assert up.door.post("/api/v1/cases", json=body("X") | {"applicant_id_no": "7"}, headers=key).status_code == 422
    assert up.door.post("/api/v1/cases", json=body("X")).status_code == 401
    assert up.door.get(f"/t/{PEOPLE['recipient']}").status_code == 404
    for where in ("ems", "ems/x", PEOPLE["postman"]):
        up.door.post(f"/pushes/{where}", content=f"{PEOPLE['recipient']} {PEOPLE['phone']} {PEOPLE['home']}".encode())


class Clerk:
    """Somebody at the console, with a browser's manners."""

    def __init__(self, up: Up, login: str) -> None:
        self.door = httpx2.Client(base_url=up.door.base_url, timeout=30, trust_env=False)
        self.origin = {"Origin": str(up.door.base_url).rstrip("/")}
        came = self.door.post("/console/sign-in", data={"login": login, "password": PASSWORD}, headers=self.origin)
        assert came.status_code == 303, came.text

    def post(self, url: str, data: dict[str, object], **more: object) -> httpx2.Response:
        """As a form does."""
        [csrf, *_] = re.findall(r'name="csrf" value="([0-9a-f]+)"', self.door.get("/console/password").text)
        return self.door.post(url, data={"csrf": csrf, **data}, headers=self.origin, **more)


@contextmanager
def clerk(up: Up, login: str) -> Iterator[Clerk]:
    """Somebody at the console, until the end of the block."""
    made = Clerk(up, login)
    try:
        yield made
    finally:
        made.door.close()


def by_list(clerk: Clerk) -> None:
    """A list with a good row and a bad one; the bad one comes back."""
    planted = {"applicant_name": PEOPLE["applicant"], "slip__recipient_name": PEOPLE["recipient"]}
    planted |= {"slip__phone": PEOPLE["phone"]}
    rows = [HEAD, row_of(case_no="I-1", **planted), row_of(case_no="I-2", **planted | {"slip__phone": "1395788650x"})]
    sent = clerk.post("/console/import", {}, files={"file": (f"{PEOPLE['caller']}.xlsx", workbook(rows))})
    headless = clerk.post("/console/import", {}, files={"file": ("清单.xlsx", workbook(rows[1:]))})
    assert (headless.status_code, found_in(headless.text)) == (409, [])
    at = sent.headers["location"]
    assert PEOPLE["phone"] not in clerk.door.get(at).text
    assert clerk.post(f"{at}/take", {}).status_code == 303
    assert clerk.post(f"{at}/bad", {}).status_code == 200


def at_the_desk(up: Up, clerk: Clerk) -> None:
    """What a clerk types in a hurry, and a wrong pair."""
    with up.world.reading() as session:
        chosen = to_print(session)
    print_sheets(up.world, chosen, SheetSize.TWO_PART, "li.na")
    with up.world.reading() as session:
        (one, _), (_, second), *_ = to_pack(session)
    assert clerk.post("/console/pack/pair", {"paper": one, "waybill": second}).status_code == 409
    assert clerk.post("/console/pack/pair", {"paper": PEOPLE["applicant"], "waybill": second}).status_code == 404
    assert clerk.post("/console/case/A/reveal", {"reason": HURRIED}).status_code == 200
    clerk.post("/console/case/A/call", {"reached": "yes", "result": HURRIED, "number": PEOPLE["callers phone"]})
    clerk.post("/console/case/A/hold", {"reason": HURRIED})
    for path in ("/console/find", "/console/queue/to_print"):
        clerk.door.get(path, params={"q": PEOPLE["applicant"]})
    clerk.post("/console/sign-in", {"login": PEOPLE["applicant"], "password": PEOPLE["phone"]})
    for one in on_the_desk(up.world):
        clerk.post(f"/console/entry/{one.whole_number}/solve", {"remedy": "settle", "note": HURRIED})
        clerk.door.get(f"/console/entry/{one.whole_number}")


def test_after_a_day_of_the_whole_house_nobody_is_named_in_its_database_logs_or_papers(up: Up) -> None:
    for role in (Role.WINDOW, Role.DISPATCH):
        login = f"{role}.test"
        add_member(up.world, login, "测试员", role, None, "test")
        change_password(up.world, login, PASSWORD)
    by_api(up)
    with clerk(up, "window.test") as window:
        by_list(window)
    wait_until(lambda: _waiting(up.world, to_print) >= len(STORIES), "all to be booked", 120)
    with clerk(up, "dispatch.test") as dispatch:
        at_the_desk(up, dispatch)
    there = read_practice(up.home).url("ems")
    with httpx2.Client(base_url=there, timeout=10, trust_env=False) as post:
        seen = drive(up.world, Desk(up.world, papers_folder(up.home)), post, lambda: None, lambda _: None)
    assert seen.outcomes.closed >= 3
    assert seen.outcomes.on_the_worklist >= 3
    tables = dump(up.world)
    up.leave()
    logs = up.logs
    assert {"api.log", "worker-1.log", "clock.log"} <= logs.keys()
    assert "door.answered" in logs["api.log"]
    assert "job.ran" in "".join(logs.values())
    assert {name: found_in(rows) for name, rows in tables.items() if found_in(rows)} == {}
    assert {name: found_in(lines) for name, lines in logs.items() if found_in(lines)} == {}
    assert found_in(up.said.decode()) == []
    papers = [str(path.relative_to(up.home)) for path in papers_folder(up.home).rglob("*")]
    assert any(name.endswith(".pdf") for name in papers)
    assert found_in("\n".join(papers)) == []


def _waiting(world: World, look: Callable[..., object]) -> int:
    with world.reading() as session:
        return len(look(session))  # type: ignore[arg-type]
