"""The real parts that fixtures are made of: settings with short waits, a world on a database, a sandbox post."""

import base64
import dataclasses
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from dispatch.accounts import EmsAccount
from dispatch.db import connect, sessions
from dispatch.jobs import due_names
from dispatch.journey import AT_AN_END, View
from dispatch.posts.ems.account import Ems
from dispatch.posts.line import open_line
from dispatch.settings import Settings
from dispatch.typefaces import Typefaces
from dispatch.vault import Vault
from dispatch.wiring import now
from dispatch.world import World
from sandbox import EmsSettings, running
from workers.run import run_due


class SilentBell:
    """A bell that only remembers: tests do due jobs themselves, in the order they choose."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.broken = False

    def ring(self, names: Collection[str]) -> None:
        self.rung.extend(names)

    def answers(self) -> bool:
        return not self.broken


def an_account() -> EmsAccount:
    """An account at a post that does not answer."""
    return EmsAccount(
        endpoint="http://127.0.0.1:9/closed",
        sender_no="1100000000000",
        authorization=secrets.token_hex(8),
        sk=base64.b64encode(secrets.token_bytes(16)).decode(),
        repeats_are_idempotent=True,
        refused_codes=("SBX201", "SBX202", "SBX203", "SBX212", "SBX222"),
        duplicate_codes=("SBX211",),
        unauthorised_codes=("SBX101", "SBX102", "SBX105"),
        per_second=10_000,
        connect_seconds=2,
        answer_seconds=2,
    )


def short_waits(home: Path, account: EmsAccount) -> Settings:
    """A test never sleeps for these waits, it only need not wait long either."""
    soon = timedelta(milliseconds=1)
    return Settings(
        home=home,
        profile="sandbox",
        ems=account,
        item_release="at_once",
        item_grouping=timedelta(0),
        hall_open_daily=True,  # or what a test sees of the desk would hang on the day on which it runs
        patience={view: timedelta(days=1) for view in View if view not in AT_AN_END},
        after_asking=soon,
        ask_floor=timedelta(0),
        doubt_ladder=(soon, soon, soon),
        unmatched_grace=soon,
        job_retry_first=soon,
        job_retry_cap=soon,
        breaker_first=soon,
        breaker_longest=soon,
        breaker_probe=soon,
        breaker_unauthorised=soon,
    )


@contextmanager
def open_service(database_url: str, settings: Settings, typefaces: Typefaces) -> Iterator[World]:
    """The whole service on this database, for as long as the block lasts."""
    engine = connect(database_url)
    line = open_line(settings.ems)
    yield World(
        settings=settings,
        sessions=sessions(engine),
        vault=Vault((secrets.token_bytes(32),)),
        carriers={"ems": Ems(settings.ems, line, now)},
        trackers={},
        typefaces=typefaces,
        bell=SilentBell(),
        now=now,
    )
    line.client.close()
    engine.dispose()


@dataclasses.dataclass(frozen=True)
class Post:
    """A sandbox post that runs, and a service whose EMS account leads there."""

    url: str
    world: World


def books_of(account: EmsAccount, storage: Path, **more: Any) -> EmsSettings:
    """A sandbox post at which this account is known; its pushes go to a closed door."""
    return EmsSettings(
        host="127.0.0.1",
        port=0,
        storage=storage,
        sender_no=account.sender_no,
        authorization=account.authorization.get_secret_value(),
        sk=account.sk.get_secret_value(),
        push_url="http://127.0.0.1:9/pushes/ems",
        gap_seconds=1.0,
        **more,
    )


@contextmanager
def open_post(world: World, account: EmsAccount, storage: Path) -> Iterator[Post]:
    """A sandbox post over a real socket. Its pushes go to a closed door."""
    with running(books_of(account, storage, lost_answer_seconds=5)) as server:
        endpoint = f"{server.url}/amp-prod-api/f/amp/api/open"
        there = account.model_copy(update={"endpoint": endpoint})
        line = open_line(there)
        yield Post(server.url, dataclasses.replace(world, carriers={"ems": Ems(there, line, now)}))
        line.client.close()


ROUNDS = 500
"""A job that fails for ever is due for ever: no test waits for it."""


def until_nothing_is_due(world: World) -> None:
    """Do every due job, as workers would."""
    for _ in range(ROUNDS):
        if not (names := _due(world)):
            return
        for name in names:
            run_due(world, name)
    raise AssertionError(f"still due after {ROUNDS} rounds: {_due(world)}")


def _due(world: World) -> list[str]:
    with world.reading() as session:
        return due_names(session)
