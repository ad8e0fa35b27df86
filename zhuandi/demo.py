"""The demo: a real list driven through every room, with the post's own books as witness."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select

from dispatch import words
from dispatch.approval.case import waiting_for_release
from dispatch.approval.import_list import Imported, import_list
from dispatch.approval.lodge import CASE_WATCH
from dispatch.approval.release import release
from dispatch.errors import NotFoundError, ZhuandiError
from dispatch.jobs import Job
from dispatch.journey import Stage, View
from dispatch.label.pages import tracking_url
from dispatch.label.print_sheets import print_sheets, to_print
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import hand_over, posting_list
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import WATCH, at_stage
from dispatch.waybill import live_waybill
from dispatch.world import World
from dispatch.zero_visits.outcomes import Outcomes, count_outcomes, where_they_are
from zhuandi.context import for_people, open_world
from zhuandi.house import House
from zhuandi.practice import read_practice
from zhuandi.practice_staff import URLS, kept_accounts, write_urls
from zhuandi.serve import papers_folder

app = typer.Typer()
console = Console(stderr=True)
BY = "demo"
SAMPLE = Path("samples/issued-cases.xlsx")
LIMIT_SECONDS = 180
STEADY_LOOKS = 3
BAR_WIDTH = 60
LOOK_SECONDS = 0.3

PATIENT = (WATCH, CASE_WATCH)
"""Jobs that only keep an eye on what waits: they are open for as long as it does."""
SOON = timedelta(minutes=1)  # what falls due later (a look after the closing, the medians) the demo does not await

Show = Callable[["Look"], None]


@dataclass(slots=True)
class Desk:
    """A clerk at work: prints, packs and hands over whatever waits, and keeps the papers."""

    world: World
    papers: Path
    rounds: int = 0

    def work(self) -> None:
        """One look at the desk: everything that waits there is done."""
        self._print()
        with self.world.reading() as session:
            pairs = to_pack(session)
        for document, waybill in pairs:
            pack(self.world, document, waybill, BY)
        self._hand_over()

    def _print(self) -> None:
        with self.world.reading() as session:
            chosen = to_print(session)
        self.rounds += bool(chosen)
        for turn, size in enumerate(SheetSize):
            if part := chosen[turn :: len(SheetSize)]:
                drawn = print_sheets(self.world, part, size, BY)
                self._keep(f"labels-{self.rounds:02}-{size.width_mm}x{size.height_mm}.pdf", drawn)

    def _hand_over(self) -> None:
        try:
            number = hand_over(self.world, "ems", BY)
        except NotFoundError:
            return  # nothing is packed
        self._keep(f"posting-list-{number}.pdf", posting_list(self.world, number))

    def _keep(self, name: str, pdf: bytes) -> None:
        (self.papers / name).write_bytes(pdf)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the whole: the database's counts, the stations on the road, the post's own books."""

    outcomes: Outcomes
    stations: dict[str, int]
    booked: int
    still_moving: int
    jobs_open: int

    @property
    def ended(self) -> bool:
        """Nothing is under way at the post, in the queue, or in the house."""
        return not (self.still_moving or self.jobs_open or self.outcomes.open_ends)


def look(world: World, books: dict[str, Any]) -> Look:
    """Count from the database, and from what the post says of its own books."""
    with world.reading() as session:
        outcomes, stations = count_outcomes(session), dict(where_they_are(session))
        soon = Job.next_at < func.now() + SOON
        waiting = session.scalar(select(func.count()).where(Job.done_at.is_(None), soon, Job.name.not_in(PATIENT)))
    moving = sum(not order["ended"] or order["unacknowledged_pushes"] > 0 for order in books["orders"])
    return Look(outcomes, stations, books["bookings"], moving, waiting or 0)


def drive(world: World, desk: Desk, post: httpx2.Client, keep: Callable[[], None], show: Show) -> Look:
    """Work the desk and watch until everything has ended, several looks in a row. Raises ZhuandiError at the limit.

    `keep` looks after the house between two looks.
    """
    deadline, quiet = time.monotonic() + LIMIT_SECONDS, 0
    while True:
        keep()
        desk.work()
        seen = look(world, post.get("/books").raise_for_status().json())
        show(seen)
        quiet = quiet + 1 if seen.ended else 0
        if quiet >= STEADY_LOOKS:
            return seen
        if time.monotonic() > deadline:
            raise ZhuandiError(f"{LIMIT_SECONDS} 秒内没有走完。请看 `zhuandi worklist` 与日志。")
        time.sleep(LOOK_SECONDS)


def last_line(seen: Look, seconds: float) -> dict[str, float]:
    """The figures that are the demo's proof."""
    counted = seen.outcomes
    return {
        "cases": counted.cases,
        "shipments": counted.shipments,
        "closed": counted.closed,
        "zero_visits": counted.zero_visits,
        "after_visits": counted.after_visits,
        "returned": counted.returned,
        "on_the_worklist": counted.on_the_worklist,
        "bookings_at_the_post": seen.booked,
        "seconds": round(seconds, 1),
    }


def faults(line: dict[str, float]) -> list[str]:
    """What would disprove the demo."""
    checks = {
        "cases = closed + on_the_worklist": line["cases"] == line["closed"] + line["on_the_worklist"],
        "closed = zero_visits + after_visits": line["closed"] == line["zero_visits"] + line["after_visits"],
        "bookings_at_the_post = shipments": line["bookings_at_the_post"] == line["shipments"],
        "returned ≤ on_the_worklist": line["returned"] <= line["on_the_worklist"],
    }
    return [claim for claim, holds in checks.items() if not holds]


@app.command()
def demo(file: Annotated[Path, typer.Argument(help="出证清单")] = SAMPLE) -> None:
    """从一份出证清单走到零跑：每个房间、每种结局，约半分钟。"""
    started = time.monotonic()
    with for_people():
        content = file.read_bytes()
        with House(practice=True).open() as house, open_world() as world:
            line = _run(world, house, content, file.name, started)
    print(json.dumps(line))
    if broken := faults(line):
        console.print(f"[red]对不上：{'；'.join(broken)}[/]")
        raise typer.Exit(1)


def bring_in(world: World, content: bytes, name: str) -> Imported:
    """Import a list and release every case; doing it again changes nothing."""
    imported = import_list(world, content, name, BY)
    with world.reading() as session:
        waiting = [case.case_no for case in waiting_for_release(session)]
    for case_no in waiting:
        release(world, case_no, BY)
    return imported


def _run(world: World, house: House, content: bytes, name: str, started: float) -> dict[str, float]:
    console.print(f"服务已启动：{house.url}")
    console.print("\n".join(house.where_the_staff_works), soft_wrap=True, highlight=False)
    console.print(house.where_the_key_lies, soft_wrap=True)
    imported = bring_in(world, content, name)
    console.print(f"导入 {name}：新收 {imported.accepted} 件，原已收 {imported.repeated} 件")
    desk = Desk(world, papers_folder(world.settings.home))
    post_url = read_practice(world.settings.home).url("ems")
    with httpx2.Client(base_url=post_url, timeout=5, trust_env=False) as post, progress(started) as show:
        seen = drive(world, desk, post, house.keep, show)
    if (doubted := seen.stations[words.VIEWS[View.CLOSED]] - seen.outcomes.closed) > 0:
        console.print(f"送达闭环中有 {doubted} 件另有疑问未了结，计入待处理，不计入 closed。")
    _leave_urls(world, desk.papers)
    console.print(f"面单与交寄清单在 {desk.papers}，全部网址在其中的 {URLS}；`make up` 后可打开。", soft_wrap=True)
    return last_line(seen, time.monotonic() - started)


def _leave_urls(world: World, papers: Path) -> None:
    """All tracking pages in a file, and one of each end on the screen."""
    rows = []
    with world.reading() as session:
        for shipment in at_stage(session, list(Stage)):
            waybill = live_waybill(session, shipment.id)
            if waybill is not None:
                rows.append((words.VIEWS[shipment.view], waybill.number, tracking_url(world, waybill)))
    write_urls(papers, [*kept_accounts(papers), *(f"{url}\t{number}\t{end}" for end, number, url in rows)])
    console.print("查询页（每种结局一例）：")
    for end, number, url in {row[0]: row for row in rows}.values():
        console.print(f"  {end}  {number}  {url}", soft_wrap=True, highlight=False)


@contextmanager
def progress(started: float) -> Iterator[Show]:
    """A display that a person enjoys watching; without a terminal, a line whenever something changed."""
    if not console.is_terminal:
        yield _Lines(started)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield lambda seen: live.update(_picture(seen, time.monotonic() - started))


class _Lines:
    """Progress for a log: one line for each change."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._last: dict[str, int] = {}

    def __call__(self, seen: Look) -> None:
        if seen.stations != self._last:
            self._last = seen.stations
            told = " · ".join(f"{station} {count}" for station, count in seen.stations.items() if count)
            console.print(f"{time.monotonic() - self._started:5.1f}s  {told}", highlight=False, soft_wrap=True)


def _picture(seen: Look, seconds: float) -> Group:
    counted = seen.outcomes
    head = Text.assemble(
        ("政务专递 ", "bold"),
        f"{seconds:4.1f} 秒   办件 {counted.cases}   邮政账上 {seen.booked} 单   ",
        (f"零跑 {counted.zero_visits}", "bold green"),
        f"   跑过 {counted.after_visits}   ",
        (f"待处理 {counted.on_the_worklist}", "yellow"),
    )
    done = counted.closed + counted.on_the_worklist
    stations = Table(box=None, show_header=False, padding=(0, 1))
    for station, count in seen.stations.items():
        stations.add_row(Text(station, justify="right"), Text(_bar(count, counted.cases), "cyan"), str(count or ""))
    return Group(head, Text(_bar(done, counted.cases, BAR_WIDTH), "green"), stations)


def _bar(count: int, most: int, width: int = BAR_WIDTH) -> str:
    return "█" * -(-count * width // max(most, 1))
