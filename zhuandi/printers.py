"""Network printers: added, listed, taken out of use."""

from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dispatch.label.change_printer import described, edit_printer, switch_printer
from dispatch.label.printer import SIZES, Language, PrinterAsked, add_printer, named_printer, printers, remove_printer
from zhuandi.admin import AT_THE_MACHINE
from zhuandi.context import for_people, open_world

app = typer.Typer(help="网络打印机", no_args_is_help=True)
AS_SET = -1
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


@app.command("edit")
def edit(
    name: str,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="新名称")] = None,
    host: Annotated[str | None, typer.Option(help="IP 地址")] = None,
    port: int | None = None,
    language: Annotated[Language | None, typer.Option(help="打印机语言")] = None,
    size: Annotated[str | None, typer.Option(help="、".join(SIZES))] = None,
    darkness: Annotated[int | None, typer.Option(help="浓度；-1 为按打印机设置")] = None,
    right: Annotated[int | None, typer.Option(help="右移，点（8 点 1 毫米）")] = None,
    down: Annotated[int | None, typer.Option(help="下移，点")] = None,
) -> None:
    """修改打印机；不写的不变。已开始送的批次不受影响。"""
    told: dict[str, Any] = {"name": new_name, "host": host, "port": port, "language": language, "size": size}
    told |= {"darkness": darkness, "shift_right": right, "shift_down": down}
    wanted = {field: value for field, value in told.items() if value is not None}
    if darkness == AS_SET:
        wanted["darkness"] = None
    with for_people(), open_world() as world:
        with world.reading() as session:
            found = named_printer(session, name)
        changed = edit_printer(world, found.id, replace(described(found), **wanted), AT_THE_MACHINE)
    console.print(f"打印机“{name}”已修改：{'、'.join(changed)}。" if changed else "没有改动。")


@app.command("off")
def off(name: str) -> None:
    """停用打印机：不再供选，可再启用。"""
    _switch(name, on=False)


@app.command("on")
def on(name: str) -> None:
    """启用打印机。"""
    _switch(name, on=True)


def _switch(name: str, *, on: bool) -> None:
    with for_people(), open_world() as world:
        with world.reading() as session:
            found = named_printer(session, name)
        switch_printer(world, found.id, AT_THE_MACHINE, on=on)
    console.print(f"打印机“{name}”已{'启用' if on else '停用'}。")


@app.command("remove")
def remove(name: str) -> None:
    """移除打印机。"""
    with for_people(), open_world() as world:
        with world.reading() as session:
            found = named_printer(session, name)
        remove_printer(world, found.id, AT_THE_MACHINE)
    console.print(f"打印机“{name}”已移除。")


@app.command("list")
def list_printers() -> None:
    """打印机，停用的也列出。"""
    with for_people(), open_world() as world, world.reading() as session:
        found = printers(session, also_off=True)
    table = Table("名称", "地址", "语言", "面单尺寸", "浓度", "偏移（点）", "状态")
    for one in found:
        darkness = "" if one.darkness is None else str(one.darkness)
        shifts = f"{one.shift_right}, {one.shift_down}"
        state = "" if one.is_on else "停用"
        table.add_row(one.name, f"{one.host}:{one.port}", one.language.upper(), one.size, darkness, shifts, state)
    console.print(table if found else "还没有网络打印机。")
