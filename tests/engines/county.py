"""A county's service on one broker and one database, every part a process of its own, and a sandbox post."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import func, select

from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import lodge
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


class County:
    """Lodge cases, ill-treat a part, and count at the end: in our books, and in the post's own."""

    def __init__(self, home: Path, database_url: str, broker_url: str | None) -> None:
        self.home = home
        furnish(home, QUICK)
        self.told = told_to(home, database_url, broker_url)
        self.processes: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def open(self, names: Sequence[str] = WORK) -> Iterator["County"]:
        """The post, and these processes of the service (two workers and a clock), until the end of the block."""
        prepare(self.settings)
        try:
            self.start("sandbox-post", "--post", "ems")
            wait_until(self._post_answers, "the sandbox post")
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
        with _environment(self.told):
            return Settings()

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """`zhuandi …` in this home."""
        with (self.home / f"{words[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "zhuandi", *words], env=environment_of(self.told), stdout=log, stderr=log
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
        told = httpx2.get(f"{read_practice(self.home).url('ems')}/books", trust_env=False, timeout=30)
        return dict(told.raise_for_status().json())

    def booked(self) -> int:
        """So many shipments have their number."""
        with self.world() as world, world.reading() as session:
            return session.scalar(select(func.count()).where(Shipment.stage == Stage.BOOKED)) or 0

    def open_jobs(self) -> list[str]:
        """What is still to be done now; for the words of a test that waited in vain."""
        with self.world() as world, world.reading() as session:
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
def _environment(told: dict[str, str]) -> Iterator[None]:
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
