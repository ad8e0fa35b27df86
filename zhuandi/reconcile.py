"""What is left to reconcile after a restore, and what only people know of the time that was lost."""

import getpass
from typing import Annotated

import typer
from rich.console import Console

from dispatch.hall_time import hall_time
from dispatch.reconcile import left as rest
from dispatch.reconcile.begin import begin_by_hand
from dispatch.restored import How
from zhuandi.context import for_people, open_world

app = typer.Typer(help="数据恢复后的核对", invoke_without_command=True)
console = Console(highlight=False)
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
HOW = {
    How.BACKUP: "由 zhuandi restore 恢复",
    How.BY_HAND: "由人员另行恢复",
    How.DETECTED: "发现换了数据库集群或时间线",
}
STEPS = (
    "1. 请各审批系统把备份之后的办件全部重发（同一编号重发不会重复）；发完：zhuandi reconcile sent",
    "2. 号段：看最后一张已用面单，zhuandi reconcile numbers 企业 --last 运单号（没用过则 --none）",
    "3. 待处理中的“下单结果不明”：向寄递企业核实，zhuandi doubt",
    "4. 干部代送：请送件人把备份之后的取件、交付重报一遍；单号不变",
    "5. 备份之后人工做过的撤单、改寄、放行、暂缓、拆封，请重做一遍",
)


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """还剩什么没有核对。"""
    if context.invoked_subcommand is not None:
        return
    with for_people(), open_world() as world:
        found = rest.left(world)
    if found is None:
        console.print("没有在核对：下单照常。")
        return
    since = f"，备份于 {hall_time(found.backup_taken_at)}" if found.backup_taken_at else ""
    console.print(f"{HOW[How(found.how)]}，{hall_time(found.restored_at)}{since}。核对完之前不并封、不下单、不撤单。")
    console.print(f"还剩：{rest.words_of(found)}。全部核对完会自动结束。")
    for step in STEPS:
        console.print(step, soft_wrap=True)


@app.command()
def start(*, by: By = None) -> None:
    """用别的办法（磁盘快照、pg_basebackup 等）恢复了数据库之后：开始核对。"""
    with for_people(), open_world() as world:
        begin_by_hand(world, by or getpass.getuser())
    console.print("已进入核对状态：暂不并封、下单、撤单。进度看 zhuandi reconcile。")


@app.command()
def sent(*, by: By = None) -> None:
    """确认：备份之后的办件，各审批系统已全部重发。"""
    with for_people(), open_world() as world:
        rest.all_sent(world, by or getpass.getuser())
    console.print("记下了。其余核对完后自动恢复下单。")


@app.command()
def numbers(
    carrier: Annotated[str, typer.Argument(help="寄递企业")],
    *,
    last: Annotated[str | None, typer.Option(help="最后一个已用的运单号")] = None,
    none: Annotated[bool, typer.Option("--none", help="备份之后一个也没用过")] = False,
    by: By = None,
) -> None:
    """号段用到了哪一个：它和它之前的不再发放，之后的照常使用。"""
    if (last is None) is not none:
        raise typer.BadParameter("请在 --last 运单号 与 --none 中选一个")
    with for_people(), open_world() as world:
        used, free = rest.tell_numbers(world, carrier, last, by or getpass.getuser())
    console.print(f"{carrier}：{used} 个不再发放，{free} 个照常使用。")


@app.command()
def finish(
    *,
    accept: Annotated[str | None, typer.Option(help="还有没核对的也结束：写明原因（记入数据库）")] = None,
    by: By = None,
) -> None:
    """结束核对，恢复下单。"""
    with for_people(), open_world() as world:
        rest.finish(world, by or getpass.getuser(), accept)
    console.print("核对结束，恢复并封、下单、撤单。")
