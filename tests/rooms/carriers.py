"""Other carriers than EMS in a test's world: our own people behind a real sandbox desk, an express company."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2

from dispatch.accounts import ByHandAccount, Kuaidi100Account, TrackedCarrier
from dispatch.carrier import Carrier
from dispatch.posts.by_hand.account import ByHand
from dispatch.posts.kuaidi100.account import Kuaidi100
from dispatch.posts.line import open_line
from dispatch.posts.tracked import Tracked
from dispatch.wiring import now
from dispatch.world import World
from sandbox import ByHandSettings, Faults, running


@contextmanager
def own_people(folder: Path, **account: object) -> Iterator[tuple[str, Carrier]]:
    """The address of a sandbox desk, and our account there."""
    key = secrets.token_hex(8)
    told = ByHandSettings(
        host="127.0.0.1",
        port=0,
        storage=folder / "by_hand.sqlite",
        push_url="http://127.0.0.1:9/pushes/by_hand",
        key=key,
        gap_seconds=1.0,
        lost_answer_seconds=3,
        faults=Faults(),
    )
    with running(told) as desk:
        limits = {"per_second": 10_000, "connect_seconds": 1, "answer_seconds": 1, "settling": 0}
        there = ByHandAccount(endpoint=f"{desk.url}/by-hand", key=key, **(limits | account))
        line = open_line(there)
        yield desk.url, ByHand(there, line, now)
        line.client.close()


def express(world: World) -> World:
    """The same world with an express company whose numbers are allotted, and which nobody is told to follow."""
    company = TrackedCarrier(title="中通快递", tracker="kuaidi100", code="zhongtong", number_pattern=r"\d{12}")
    account = Kuaidi100Account(query_endpoint="http://127.0.0.1:9/", per_second=10_000)
    tracker = Kuaidi100(account, world.carriers["ems"].line, {"zhongtong": "zto"})
    return replace(world, carriers={**world.carriers, "zto": Tracked("zto", company, tracker)})


def next_answers(url: str, *faults: str) -> None:
    """What goes wrong with the next calls of the sandbox post at `url`, in order; empty for nothing."""
    httpx2.post(f"{url}/faults", json={"answers": list(faults)}).raise_for_status()


def orders(url: str) -> list[dict]:
    """The post's own books."""
    return httpx2.get(f"{url}/books").json()["orders"]
