"""One soak: the service on its engines, its users, and a hand that kills; then calm, and the count."""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dispatch.client import add_client
from dispatch.settings import SETTINGS_FILE
from dispatch.world import World
from tests.engines.county import County
from tests.engines.servers import RabbitServer, RedisServer, Server, wait_until
from tests.soak.checker import doubled, lost
from tests.soak.clients import ApprovalSystem, Citizen, RecordedClerk, at_the_desk, garbage, run_until
from tests.soak.history import History
from tests.soak.killer import Killer
from tests.soak.standstill import Standstill
from tests.storm.run import QUIET_LOOKS, is_still
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.serve import await_answer

BROKERS: dict[str, type[Server]] = {"redis": RedisServer, "rabbitmq": RabbitServer}
CALM_SECONDS = 900


def soak(folder: Path, minutes: float, seed: int, broker_name: str) -> dict[str, Any]:
    """Run it; the counts. `folder` is left with the logs and the history."""
    dice, home = random.Random(seed), folder / "home"
    home.mkdir(parents=True)
    postgres = EmbeddedPostgres(home)
    with _broker(broker_name, folder) as broker:
        county = County(home, postgres.start(), broker.url if broker else None)
        _hasten(county.home)
        history, still = History(folder / "history.jsonl"), Standstill()
        try:
            with county.open(["postman"]), county.world() as world:
                killer = Killer(county, postgres, broker, dice.randrange(10**6))
                clerk = RecordedClerk(world, dice.randrange(10**6), history)
                citizen = Citizen(county, world, history, dice.randrange(10**6))
                users = [citizen.work, garbage(county, history)]
                _work(county, killer, still, clerk, users, minutes, dice)
                calm = _calm(county, killer, still, clerk, citizen)
                return {"calm": calm, **_count(county, killer, history, still, world)}
        finally:
            postgres.stop()


def _hasten(home: Path) -> None:
    """What is closed is looked at again within the soak, and not after days."""
    file = home / SETTINGS_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"look_after_closing": 10}, ensure_ascii=False))


@contextmanager
def _broker(name: str, folder: Path):
    if name not in BROKERS:
        yield None
        return
    (folder / name).mkdir()
    server = BROKERS[name](folder / name)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _work(
    county: County,
    killer: Killer,
    still: Standstill,
    clerk: RecordedClerk,
    others: Sequence[Callable[[], object]],
    minutes: float,
    dice: random.Random,
) -> None:
    key = add_client(clerk.world, "soak")
    assert await_answer(f"{county.settings.public_url}/healthz", 120), "the API did not open"
    approval, over = ApprovalSystem(county, clerk.history, key, dice.randrange(10**6)), threading.Event()
    users = [approval.work, at_the_desk(clerk), *others, lambda: still.look(clerk.world)]
    deadline = time.monotonic() + minutes * 60
    with ThreadPoolExecutor(len(users)) as pool:
        busy = [pool.submit(run_until, over, user) for user in users]
        try:
            while time.monotonic() < deadline:
                killer.work()
                killer.revive()
        finally:
            over.set()
    for one in busy:
        one.result()  # a user that stumbled has seen something that nobody should
    wait_until(lambda: _settled(killer, still, clerk.world, approval), "every case to be answered", CALM_SECONDS)


def _settled(killer: Killer, still: Standstill, world: World, approval: ApprovalSystem) -> bool:
    killer.revive()
    still.look(world)
    approval.settle()
    return not approval.open


def _calm(county: County, killer: Killer, still: Standstill, clerk: RecordedClerk, citizen: Citizen) -> bool:
    """Nobody kills any more: whether it comes to where nothing moves at the post and nothing is due with us."""
    desk, quiet = at_the_desk(clerk), 0
    deadline = time.monotonic() + CALM_SECONDS
    while quiet < QUIET_LOOKS and time.monotonic() < deadline:
        killer.revive()
        still.look(clerk.world)
        desk()
        citizen.work()
        quiet = quiet + 1 if _is_calm(clerk.world, {"ems": county.posts_books()}) else 0
        time.sleep(1)
    return quiet == QUIET_LOOKS


def _is_calm(world: World, books: dict[str, Any]) -> bool:
    """The post repeats each push until it is acknowledged: nobody need be asked, once that is over."""
    told = not any(order["unacknowledged_pushes"] for order in books["ems"]["orders"])
    return told and is_still(world, books, all_asked=False)


def _count(county: County, killer: Killer, history: History, still: Standstill, world: World) -> dict[str, Any]:
    books = {"ems": county.posts_books()}
    with world.reading() as session:
        found = {
            "lost": lost(world, session, history, books),
            "doubled": doubled(world, session, history, books),
        }
    for kind, ones in found.items():
        for one in ones[:20]:
            logging.getLogger("soak").warning("%s: %s", kind, one)
    return {
        "operations": len(history.operations),
        "by_outcome": history.counts(),
        "kills": killer.kills.total(),
        "by_kind": dict(sorted(killer.kills.items())),
        "bookings_at_the_post": len(books["ems"]["orders"]),
        **{kind: len(ones) for kind, ones in found.items()},
        "worst_standstill_seconds": round(still.worst, 1),
    }
