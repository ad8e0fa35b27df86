"""One soak: the service on its engines, its users, and a hand that kills; then calm, and the count."""

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dispatch.client import add_client
from tests.engines.county import County
from tests.engines.servers import RabbitServer, RedisServer, Server, wait_until
from tests.soak.checker import doubled, lost
from tests.soak.clients import ApprovalSystem, clerk_of, garbage, run_until
from tests.soak.history import History
from tests.soak.killer import Killer
from tests.soak.standstill import Standstill
from tests.storm.run import QUIET_LOOKS, is_still
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.serve import await_answer

BROKERS: dict[str, type[Server]] = {"redis": RedisServer, "rabbitmq": RabbitServer}
CALM_SECONDS = 900
POSTS = ("sandbox-post", "--post", "ems")
log = structlog.get_logger()


def soak(folder: Path, minutes: float, seed: int, broker_name: str) -> dict[str, Any]:
    """Run it; the counts. `folder` is left with the logs and the history."""
    dice, home = random.Random(seed), folder / "home"
    home.mkdir()
    postgres = EmbeddedPostgres(home)
    with _broker(broker_name, folder) as broker:
        county = County(home, postgres.start(), broker.url if broker else None)
        history, still = History(folder / "history.jsonl"), Standstill()
        try:
            with county.open(["postman"]):
                killer = Killer(county, postgres, broker, dice.randrange(10**6))
                _work(county, killer, history, still, minutes, dice)
                _calm(county, killer)
                return _count(county, killer, history, still)
        finally:
            postgres.stop()


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
    county: County, killer: Killer, history: History, still: Standstill, minutes: float, dice: random.Random
) -> None:
    with county.world() as world:
        key = add_client(world, "soak")
    assert await_answer(f"{county.settings.public_url}/health", 120), "the API did not open"
    approval, over = ApprovalSystem(county, history, key, dice.randrange(10**6)), threading.Event()
    users = [approval.work, clerk_of(county, dice.randrange(10**6)), garbage(county, history)]
    threads = [run_until(over, user) for user in users]
    threads.append(run_until(over, _looker(county, still), 0.5))
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline:
        killer.work()
        killer.revive()
    over.set()
    for thread in threads:
        thread.join()
    wait_until(lambda: _settled(killer, approval), "every case to be answered", CALM_SECONDS)


def _settled(killer: Killer, approval: ApprovalSystem) -> bool:
    killer.revive()
    approval.settle()
    return not approval.open


def _looker(county: County, still: Standstill) -> Callable[[], None]:
    def look() -> None:
        try:
            with county.world() as world:
                still.look(world)
        except (SQLAlchemyError, OSError) as error:
            log.info("look.interrupted", error=type(error).__name__)

    return look


def _calm(county: County, killer: Killer) -> None:
    """Nobody kills any more: until nothing moves at the post and nothing is due with us."""
    clerk, quiet = clerk_of(county, 0), 0
    deadline = time.monotonic() + CALM_SECONDS
    with county.world() as world:
        while quiet < QUIET_LOOKS:
            killer.revive()
            clerk()
            quiet = quiet + 1 if is_still(world, {"ems": county.posts_books()}) else 0
            if time.monotonic() > deadline:
                log.warning("soak.not_calm")
                return
            time.sleep(1)


def _count(county: County, killer: Killer, history: History, still: Standstill) -> dict[str, Any]:
    books = {"ems": county.posts_books()}
    with county.world() as world, world.reading() as session:
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
