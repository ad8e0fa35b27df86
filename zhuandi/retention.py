"""How long it is kept who a case was for, on the command line."""

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.hall_time import hall_time
from dispatch.personal.due import plan, set_retention
from zhuandi.context import for_people, open_world

app = typer.Typer(help="个人信息的保存期限", invoke_without_command=True)
console = Console(highlight=False)


@app.callback()
def retention(context: typer.Context) -> None:
    """逐个事项列出保存期限，以及现在到期、将由后台任务清除的办件数；只看，不清除。"""
    if context.invoked_subcommand is not None:
        return
    with for_people(), open_world() as world:
        found = plan(world)
    table = Table("事项", "保存", "留存", "现已到期", "到期未了结", "已清除", "下次不早于")
    for one in found:
        days = f"{one.retention.days} 天{'' if one.own else '（按设置）'}"
        next_at = hall_time(one.next_at) if one.next_at else ""
        counts = (str(count) for count in (one.kept, one.due, one.open, one.erased))
        table.add_row(f"{one.name}（{one.code}）", days, *counts, next_at)
    console.print(table)
    console.print(
        f"现已到期 {sum(one.due for one in found)} 件，后台逐日清除；到期未了结 {sum(one.open for one in found)} 件，"
        "列入待处理，由人了结。"
    )


@app.command("set")
def set_for_item(
    item: Annotated[str, typer.Argument(help="事项编码")],
    days: Annotated[int | None, typer.Argument(help="保存多少天；不写则按设置 cases_kept", min=1)] = None,
    *,
    by: Annotated[str | None, typer.Option(help="经办人，默认为登录名")] = None,
) -> None:
    """某事项的个人信息在闭环后（没有闭环的，最后一次变动后）保存多久。"""
    with for_people(), open_world() as world:
        set_retention(world, item, days, by or getpass.getuser())
    console.print(f"事项 {item} 的保存期限已改为{'按设置' if days is None else f' {days} 天'}。")
