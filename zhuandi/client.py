"""Client systems and their keys."""

from typing import Annotated

import typer
from rich.console import Console

from dispatch.client import add_client
from zhuandi.context import for_people, open_world

app = typer.Typer(help="对接系统与密钥", no_args_is_help=True)
console = Console()


@app.callback()
def client() -> None:
    """对接系统与密钥"""


@app.command("add")
def client_add(name: Annotated[str, typer.Argument(help="对接系统的名称")]) -> None:
    """登记一个对接系统，密钥只显示这一次。"""
    with for_people(), open_world() as world:
        key = add_client(world, name)
    console.print(f"对接系统“{name}”的密钥（只显示这一次，请妥善保存）：")
    print(key)
