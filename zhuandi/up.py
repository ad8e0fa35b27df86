"""The whole house by one command."""

from typing import Annotated

import typer
from rich.console import Console

from zhuandi.context import for_people
from zhuandi.house import House
from zhuandi.leaving import until_told

app = typer.Typer()
console = Console()


@app.command()
def up(*, sandbox: Annotated[bool, typer.Option(help="连同练习邮政一起启动")] = False) -> None:
    """启动全部服务；Ctrl-C 干净停下，再启动时接着做。"""
    leave = until_told()
    with for_people(), House(practice=sandbox).open() as house:
        console.print(f"政务专递已启动：[bold]{house.url}[/]")
        console.print("\n".join(house.where_the_staff_works), soft_wrap=True, highlight=False)
        console.print(house.where_the_key_lies, soft_wrap=True)
        console.print("停下请按 Ctrl-C。")
        while not leave.wait(1):
            house.keep()
    console.print("已停下。")
