"""The practice posts, and the postman who collects for them."""

from contextlib import ExitStack
from typing import Annotated

import httpx2
import structlog
import typer

from dispatch.packing.hand_over import not_collected
from dispatch.settings import read_settings
from dispatch.world import World
from sandbox import running
from zhuandi.context import for_people, open_world
from zhuandi.leaving import until_told
from zhuandi.practice import read_practice
from zhuandi.practice_posts import MAKERS, Play, post_settings

app = typer.Typer()
log = structlog.get_logger()
POSTMAN_ROUND = 0.5


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
        settings = read_settings()
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
