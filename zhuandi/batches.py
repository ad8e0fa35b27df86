"""Batches on the command line: how far they are, what failed tried again, what a print run brought."""

from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Column, Table

from dispatch.approval.dispatch_many import go_on, try_failed_again
from dispatch.batch import KIND_WORDS, OUTCOME_WORDS, Kind, Outcome
from dispatch.hall_time import hall_time
from dispatch.label.print_run import all_came_out, stop
from dispatch.label.print_sheets import go_on_after
from dispatch.queues.batches import recent_batches, show_batch
from dispatch.queues.queue import Scope
from dispatch.world import World
from zhuandi.context import for_people, open_world
from zhuandi.desk import BY, By

app = typer.Typer()
console = Console()
Number = Annotated[UUID, typer.Argument(help="批次号（zhuandi batches）")]


@app.command()
def batches(
    *,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="只看还没有人答复的打单")] = False,
    by: By = BY,
) -> None:
    """近来的批次：放行、暂缓、解除暂缓、打单。"""
    with for_people(), open_world() as world:
        lines = recent_batches(world, Scope(), by, unanswered=unanswered)
    table = Table(
        Column("批次", no_wrap=True, min_width=36), "何事", "何时", "经办人", *OUTCOME_WORDS.values(), "答复"
    )
    for line in lines:
        counts = [str(line.counts[one]) for one in OUTCOME_WORDS]
        kind, at = KIND_WORDS[Kind(line.batch.kind)], hall_time(line.batch.made_at)
        table.add_row(str(line.batch.id), kind, at, line.batch.made_by, *counts, "待答复" if line.unanswered else "")
    console.print(table if lines else "没有这样的批次。")


@app.command()
def batch(number: Number, *, by: By = BY) -> None:
    """一个批次逐件的结果，没办成的在前。"""
    with for_people(), open_world() as world:
        _show(world, number, by)


@app.command()
def retry(number: Number, *, by: By = BY) -> None:
    """把一批里没办成的再办一次，别的不动。"""
    with for_people(), open_world() as world:
        if not try_failed_again(world, number, by):
            console.print("没有未办成的。")
            return
        while go_on(world, number):
            pass
        _show(world, number, by)


@app.command("came-out")
def came_out(
    number: Number,
    *,
    sheets: Annotated[int | None, typer.Option(help="出了几张；不写则全部打印成功")] = None,
    reason: Annotated[str, typer.Option(help="没出齐的，为什么")] = "",
    by: By = BY,
) -> None:
    """打单后清点：全部出来了，或只出了几张，其余重打。"""
    with for_people(), open_world() as world:
        if sheets is None:
            all_came_out(world, number, by)
            again = None
        else:
            again = go_on_after(world, number, sheets, by, reason)
    if again is None:
        console.print("已确认：全部打印成功。")
    else:
        console.print(
            f"第 {(sheets or 0) + 1} 张起重打，批次 {again}；没有送往打印机的，取面单：zhuandi print --batch {again}"
        )


@app.command("print-stop")
def print_stop(number: Number, *, by: By = BY) -> None:
    """这一批不等打印机了：停止往打印机送，可另取文件。"""
    with for_people(), open_world() as world:
        stop(world, number, by)
    console.print("已停止往打印机送。")


def _show(world: World, number: UUID, by: str) -> None:
    view = show_batch(world, Scope(), number, by)
    table = Table("第几件", "编号", "结果", "说明", title=KIND_WORDS[Kind(view.batch.kind)])
    for row in view.rows:
        table.add_row(str(row.place), row.number, OUTCOME_WORDS[row.outcome], row.words)
    console.print(table)
    console.print(f"共 {view.total} 件，未办成 {view.counts[Outcome.FAILED]} 件。")
