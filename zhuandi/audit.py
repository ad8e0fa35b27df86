"""The audit log on the command line."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dispatch.audit import Deed, verify
from dispatch.auditing.export import export_log
from dispatch.auditing.look import Sought
from zhuandi.context import for_people, open_world

app = typer.Typer(help="审计日志", no_args_is_help=True)
console = Console()
AT_THE_MACHINE = "命令行"


@app.callback()
def audit() -> None:
    """审计日志"""


@app.command("verify")
def verify_log(anchor: Annotated[str, typer.Option(help="上次核验留存的链尾，如 1024:9f3c…")] = "") -> None:
    """核验审计日志：有没有被改动、删去或插入。"""
    with for_people(), open_world() as world:
        verdict = verify(world, anchor)
    for fault in verdict.faults:
        console.print(fault)
    console.print(f"共 {verdict.entries} 条，链尾 {verdict.head}（请抄存在别处）。")
    if not verdict.sound:
        raise typer.Exit(1)
    console.print("完整，未见改动。")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="写到哪个 CSV 文件")],
    *,
    by: Annotated[str, typer.Option(help="只要这个人的")] = "",
    deed: Annotated[Deed | None, typer.Option(help="只要这一种事项")] = None,
    subject: Annotated[str, typer.Option(help="只要这个对象的：办件编号、运单号，或对象的开头（如 staff:）")] = "",
    day: Annotated[datetime | None, typer.Option(help="只要这一天的", formats=["%Y-%m-%d"])] = None,
) -> None:
    """导出审计日志；导出本身也记一笔。"""
    sought = Sought(by, deed, subject, day.date() if day else None)
    with for_people(), open_world() as world:
        told = export_log(world, sought, AT_THE_MACHINE)
        file.write_bytes(told)
    console.print(f"已导出到 {file}。")
