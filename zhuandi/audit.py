"""The audit log on the command line."""

from typing import Annotated

import typer
from rich.console import Console

from dispatch.audit import verify
from zhuandi.context import for_people, open_world

app = typer.Typer(help="审计日志", no_args_is_help=True)
console = Console()


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
