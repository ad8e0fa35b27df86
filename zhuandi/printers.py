"""Network printers: added, listed, taken out of use."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.label.printer import SIZES, Language, PrinterAsked, add_printer, named_printer, printers, remove_printer
from zhuandi.admin import AT_THE_MACHINE
from zhuandi.context import for_people, open_world

app = typer.Typer(help="网络打印机", no_args_is_help=True)
console = Console()


@app.callback()
def network_printers() -> None:
    """网络打印机"""


@app.command("add")
def add(
    name: str,
    host: Annotated[str, typer.Argument(help="IP 地址")],
    *,
    port: int = 9100,
    language: Annotated[Language, typer.Option(help="打印机语言")] = Language.ZPL,
    size: Annotated[str, typer.Option(help="、".join(SIZES))] = "100x150",
    darkness: Annotated[int | None, typer.Option(help="浓度；不写按打印机设置")] = None,
    right: Annotated[int, typer.Option(help="右移，点（8 点 1 毫米）")] = 0,
    down: Annotated[int, typer.Option(help="下移，点")] = 0,
) -> None:
    """添加打印机。"""
    asked = PrinterAsked(name, host, port, language, size, darkness, right, down)
    with for_people(), open_world() as world:
        add_printer(world, asked, AT_THE_MACHINE)
    console.print(f"打印机“{name}”已添加。打单：zhuandi print --printer {name}")


@app.command("remove")
def remove(name: str) -> None:
    """停用打印机。"""
    with for_people(), open_world() as world:
        with world.reading() as session:
            found = named_printer(session, name)
        remove_printer(world, found.id, AT_THE_MACHINE)
    console.print(f"打印机“{name}”已停用。")


@app.command("list")
def list_printers() -> None:
    """在用的打印机。"""
    with for_people(), open_world() as world, world.reading() as session:
        found = printers(session)
    table = Table("名称", "地址", "语言", "面单尺寸", "浓度", "偏移（点）")
    for one in found:
        darkness = "" if one.darkness is None else str(one.darkness)
        shifts = f"{one.shift_right}, {one.shift_down}"
        table.add_row(one.name, f"{one.host}:{one.port}", one.language.upper(), one.size, darkness, shifts)
    console.print(table if found else "还没有网络打印机。")
