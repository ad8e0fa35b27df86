"""The command `zhuandi`: everything the service can do, from an installed wheel too."""

import logging
import sys
import threading
from typing import Annotated

import structlog
import typer
from rich.console import Console

from dispatch.client import add_client
from zhuandi import backup, demo, desk, doctor, errands, look, posts, reconcile, road, routes, serve
from zhuandi.context import for_people, open_world
from zhuandi.house import House

app = typer.Typer(help="政务专递：办结的证照，由邮政送到手里，一次也不用跑。", no_args_is_help=True)
client = typer.Typer(help="对接系统与密钥", no_args_is_help=True)
app.add_typer(client, name="client")
app.add_typer(reconcile.app, name="reconcile")
for part in (desk, look, posts, routes, errands, demo, road, doctor, serve, backup):
    app.registered_commands.extend(part.app.registered_commands)

console = Console()


@client.command("add")
def client_add(name: Annotated[str, typer.Argument(help="对接系统的名称")]) -> None:
    """登记一个对接系统，密钥只显示这一次。"""
    with for_people(), open_world() as world:
        key = add_client(world, name)
    console.print(f"对接系统“{name}”的密钥（只显示这一次，请妥善保存）：")
    print(key)


@app.command()
def up(*, sandbox: Annotated[bool, typer.Option(help="连同练习邮政一起启动")] = False) -> None:
    """启动全部服务；Ctrl-C 干净停下，再启动时接着做。"""
    leave = serve.until_told()
    with for_people(), House(practice=sandbox).open() as house:
        console.print(f"政务专递已启动：[bold]{house.url}[/]")
        console.print(house.where_the_key_lies, soft_wrap=True)
        console.print("停下请按 Ctrl-C。")
        while not leave.wait(1):
            house.keep()
    console.print("已停下。")


def main() -> None:
    """Entry point: logs go to stderr as lines of JSON, so that stdout is for people and programs that ask."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    threading.excepthook = _logged
    app()


def _logged(failure: threading.ExceptHookArgs) -> None:
    # A traceback of a thread may hold personal data in its message: only its kind is logged.
    structlog.get_logger().error("thread.died", error=failure.exc_type.__name__)
