"""The processes of the service, one command each; `zhuandi up` starts them all."""

import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx2
import structlog
import typer
import uvicorn

from dispatch import bells
from dispatch.api.app import make_app
from dispatch.db import connect
from dispatch.packing.hand_over import not_collected
from dispatch.safety import database_findings, refuse_unsafe
from dispatch.settings import Settings
from dispatch.tracing import tracing
from dispatch.wiring import broker_url, database_url, make_broker, make_world
from dispatch.world import World
from sandbox import running
from workers.clock import run_clock
from workers.jobs import queue_of
from workers.main import work
from zhuandi import migrate as migrations
from zhuandi.context import CHILD, for_people, open_world, with_database
from zhuandi.practice import read_practice
from zhuandi.practice_posts import MAKERS, Play, post_settings

app = typer.Typer()
log = structlog.get_logger()
POSTMAN_ROUND = 0.5


def leave_with_parent() -> None:
    """A child whose parent was killed must not live on beside the next one: SIGTERM to itself when stdin ends."""
    if os.environ.get(CHILD):
        threading.Thread(target=_await_parent, daemon=True, name="parent").start()


def _await_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def until_told() -> threading.Event:
    """An event that SIGTERM or SIGINT sets."""
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    leave_with_parent()
    return leave


@app.command()
def migrate() -> None:
    """建表，或把表结构升到最新。"""
    with for_people(), with_database(Settings()) as settings:
        prepare(settings)


def prepare(settings: Settings) -> None:
    """The newest schema, and what the broker needs. Raises UnsafeDatabaseError before anything is written."""
    engine = connect(database_url(settings))
    try:
        with engine.connect() as connection:
            for warning in refuse_unsafe(database_findings(connection)):
                log.warning("database.weak", part=warning.part, found=warning.words, advice=warning.remedy)
        migrations.run(engine)
    finally:
        engine.dispose()
    bells.prepare(broker_url(settings))


@app.command()
def api() -> None:
    """接口与查询页（API）。"""
    leave_with_parent()
    with for_people(), open_world() as world:
        settings = world.settings
        # Access logs would hold the tokens of tracking pages.
        config = uvicorn.Config(
            make_app(world),
            host=settings.listen_host,
            port=settings.listen_port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        with tracing(settings.otel_endpoint, "api"):
            uvicorn.Server(config).run()


@app.command()
def worker() -> None:
    """后台工作进程。"""
    leave_with_parent()
    with for_people(), with_database(Settings()) as settings:
        broker = make_broker(settings)
        with make_world(settings, broker, queue_of) as world, tracing(settings.otel_endpoint, "worker"):
            work(broker, world)


@app.command()
def clock() -> None:
    """时钟：到期的任务由它催办。"""
    leave = until_told()
    with for_people(), open_world() as world:
        run_clock(world, leave)


@app.command("sandbox-post")
def sandbox_post(
    *,
    post: Annotated[str, typer.Option(help="哪一家：ems、sf、by_hand……；all 为全部")] = "ems",
    faults: Annotated[str, typer.Option(help="storm：各种故障按种子混着来")] = "",
    duplicates_refused: Annotated[bool, typer.Option(help="重复下单答“重复”而不给原号")] = False,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
    gap: Annotated[float, typer.Option(help="一件邮件两次轨迹的间隔（秒，至少 1）")] = 1.0,
) -> None:
    """练习用的寄递企业：会说各家协议的真服务。"""
    if faults not in {"", "storm"}:
        raise typer.BadParameter("--faults 只有 storm")
    play = Play(seed, gap, duplicates_refused, storm=faults == "storm")
    leave = until_told()
    with for_people(), ExitStack() as open_posts:
        settings = Settings()
        practice = read_practice(settings.home)
        for name in MAKERS if post == "all" else [post]:
            open_posts.enter_context(running(post_settings(settings, practice, name, play)))
        leave.wait()


@app.command()
def postman() -> None:
    """练习用的揽投员：把交寄清单上的邮件拿到各家练习寄递企业去。"""
    leave = until_told()
    with for_people(), open_world() as world:
        practice = read_practice(world.settings.home)
        with httpx2.Client(timeout=5, trust_env=False) as client:
            while not leave.wait(POSTMAN_ROUND):
                for name, carrier in world.carriers.items():
                    if carrier.account_name in practice.ports:
                        _walk(world, client, name, practice.url(carrier.account_name))


def _walk(world: World, client: httpx2.Client, carrier: str, post: str) -> None:
    try:
        with world.reading() as session:
            waiting = not_collected(session, carrier)
        if waiting:
            client.post(f"{post}/counter/collect", json={"waybills": waiting}).raise_for_status()
    except Exception as error:  # noqa: BLE001 - the database or the post is away: the next round comes
        log.warning("postman.interrupted", error=type(error).__name__)


def await_answer(url: str, seconds: float) -> bool:
    """Whether something answers 200 at `url` within this time."""
    deadline = time.monotonic() + seconds
    with httpx2.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(url).status_code == httpx2.codes.OK:
                    return True
            except httpx2.HTTPError:
                pass
            time.sleep(0.1)
    return False


PAPERS = "papers"
"""Folder in the home folder for labels and posting lists that the demo leaves."""


def papers_folder(home: Path) -> Path:
    """Where the demo leaves its papers."""
    folder = home / PAPERS
    folder.mkdir(parents=True, exist_ok=True)
    return folder
