"""A county's service on one broker and one database, every part a process of its own, and a sandbox post."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import NullPool, create_engine, func, select

from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import lodge
from dispatch.db import sessions
from dispatch.jobs import Job
from dispatch.journey import Stage
from dispatch.settings import Settings
from dispatch.shipment import Shipment
from dispatch.wiring import make_broker, make_world
from dispatch.world import World
from tests.engines.servers import wait_until
from tests.furnished import environment_of, furnish, told_to
from workers.jobs import queue_of
from zhuandi.practice import read_practice
from zhuandi.serve import prepare

QUICK = {"item_grouping": 0, "item_release": "at_once", "clock_rhythm": 1, "job_lease": 6, "job_retry_first": 1}
"""A clock that looks every second, and leases as short as the calls allow."""
WORK = ("worker", "worker", "clock")


def plain_cases(decided: Callable[..., DecidedCase], count: int, first: int = 0) -> list[DecidedCase]:
    """Each to a recipient of its own; the post plays its plain story for these phones."""
    return [
        decided(f"33112720261122{number:04}", slip={"phone": f"139{number:06}01", "recipient_name": f"蓝小{number}"})
        for number in range(first, first + count)
    ]


class County:
    """Lodge cases, ill-treat a part, and count at the end: in our books, and in the post's own.

    `told`: settings that differ from those of practice.
    """

    def __init__(self, home: Path, database_url: str, broker_url: str | None, **told: object) -> None:
        self.home = home
        furnish(home, QUICK | told)
        self.told = told_to(home, database_url, broker_url)
        self._looking = sessions(create_engine(database_url, poolclass=NullPool))
        self.processes: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def open(self, names: Sequence[str] = WORK) -> Iterator["County"]:
        """The post, and these processes of the service (two workers and a clock), until the end of the block."""
        prepare(self.settings)
        try:
            self.open_post()
            for name in names:
                self.start(name)
            yield self
        finally:
            for process in self.processes:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    @property
    def settings(self) -> Settings:
        with environment(self.told):
            return Settings()

    def open_post(self) -> "subprocess.Popen[bytes]":
        """The sandbox post, once it answers; with the books that it had, where it was open before."""
        post = self.start("sandbox-post", "--post", "ems")
        wait_until(self._post_answers, "the sandbox post")
        return post

    @property
    def post_url(self) -> str:
        """Where the sandbox post listens."""
        return read_practice(self.home).url("ems")

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """`zhuandi …` in this home, with `environment` besides."""
        with (self.home / f"{words[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "zhuandi", *words],
                env=environment_of(self.told | dict(environment or {})),
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    @contextmanager
    def world(self) -> Iterator[World]:
        """The service's own view; its bells ring at the same broker."""
        settings = self.settings
        with make_world(settings, make_broker(settings), queue_of) as world:
            yield world

    def lodge(self, cases: Iterator[DecidedCase] | list[DecidedCase]) -> None:
        """As the approval system does; each is committed when this returns."""
        with self.world() as world:
            for case in cases:
                lodge(world, case, "county")

    def books(self) -> Counter[str]:
        """So many live bookings for each of our order numbers, by the post's own books."""
        return Counter(order["order_no"] for order in self.posts_books()["orders"] if order["cancelled_at"] is None)

    def posts_books(self) -> dict[str, Any]:
        """The post's own books, whole."""
        told = httpx2.get(f"{self.post_url}/books", trust_env=False, timeout=30)
        return dict(told.raise_for_status().json())

    def next_answers(self, *faults: str) -> None:
        """What goes wrong with the next calls of the sandbox post, in order; empty for nothing."""
        httpx2.post(f"{self.post_url}/faults", json={"answers": list(faults)}, trust_env=False).raise_for_status()

    def faults_left(self) -> list[str]:
        """Those of them that have not struck yet."""
        told = httpx2.post(f"{self.post_url}/faults", json={}, trust_env=False).raise_for_status().json()
        return list(told["answers"])

    def booked(self) -> int:
        """So many shipments have their number."""
        with self._looking() as session:
            return session.scalar(select(func.count()).where(Shipment.stage == Stage.BOOKED)) or 0

    def open_jobs(self) -> list[str]:
        """What is still to be done now; for the words of a test that waited in vain."""
        with self._looking() as session:
            return list(session.scalars(select(Job.name).where(Job.done_at.is_(None), Job.next_at < func.now())))

    def expect_booked(self, count: int) -> None:
        """All of them come to their number, each order once in the post's books."""
        wait_until(lambda: self.booked() == count, f"{count} bookings")
        books = self.books()
        assert (len(books), max(books.values())) == (count, 1)

    def _post_answers(self) -> bool:
        try:
            self.books()
        except (httpx2.HTTPError, ValueError):
            return False
        return True


@contextmanager
def frozen(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """It stands still (SIGSTOP) until the end of the block, and then goes on as if nothing had been."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def environment(told: dict[str, str]) -> Iterator[None]:
    """This process has these variables within the block."""
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
