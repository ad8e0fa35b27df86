"""Who carries what, on the command line: the legal office's clearing, the table of routes, segments of numbers."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.approval.carriage import Carriage, clear, rulings, withdraw
from dispatch.booking.allot import add_numbers
from dispatch.booking.route import end_route, routes, set_route
from dispatch.hall_time import hall_time
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console(highlight=False)
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
Area = Annotated[str, typer.Option(help="地区，从省写起：浙江省/丽水市/景宁畲族自治县；不写为各地")]
Item = Annotated[str, typer.Option("--item", help="事项编码；不写为全部事项")]


@app.command("clear-item")
def clear_item(
    item: Annotated[str, typer.Argument(help="事项编码")],
    *,
    ground: Annotated[str, typer.Option(help="法制机构的意见或文号")],
    by: By = None,
) -> None:
    """法制机构认定某事项不属于国家机关公文，可由邮政以外的企业寄递（邮政法第五十五条）。"""
    with for_people(), open_world() as world:
        clear(world, item, ground, by or getpass.getuser())
    console.print(f"事项 {item} 已放开承运方式。")


@app.command("withdraw-item")
def withdraw_item(item: Annotated[str, typer.Argument(help="事项编码")], *, by: By = None) -> None:
    """收回放开：该事项只由邮政寄递，尚未下单的不再交给别家，已下单未交寄的列入待处理。"""
    with for_people(), open_world() as world:
        withdraw(world, item, by or getpass.getuser())
    console.print(f"事项 {item} 只由邮政寄递。")


@app.command("rulings")
def show_rulings(item: Annotated[str, typer.Argument(help="事项编码")]) -> None:
    """法制机构对某事项的历次认定：放开、收回，何时、何人、何依据。"""
    with for_people(), open_world() as world, world.reading() as session:
        found = rulings(session, item)
    table = Table("时间", "认定", "依据", "经办人", title=f"事项 {item} 的承运认定")
    for ruling in found:
        said = "放开" if ruling.carriage == Carriage.CLEARED else "只由邮政寄递"
        table.add_row(hall_time(ruling.ruled_at), said, ruling.ground or "", ruling.ruled_by)
    console.print(table)


@app.command("route")
def make_route(
    carrier: Annotated[str | None, typer.Argument(help="寄递企业；不写则取消这一条安排")] = None,
    *,
    area: Area = "",
    item: Item = "",
    by: By = None,
) -> None:
    """某地区、某事项由哪家寄递；不合邮政法的安排做不成。"""
    who = by or getpass.getuser()
    with for_people(), open_world() as world:
        if carrier is None:
            end_route(world, area, item, who)
        else:
            set_route(world, area, item, carrier, who)
    what = f"{area or '各地'}、{item or '全部事项'}"
    console.print(f"{what}：{'安排已取消，由邮政寄递' if carrier is None else f'由 {carrier} 寄递'}。")


@app.command("routes")
def show_routes() -> None:
    """承运安排表；表里没有的，一律由邮政 EMS 寄递。"""
    with for_people(), open_world() as world:
        with world.reading() as session:
            found = routes(session)
        titles = {name: carrier.title for name, carrier in world.carriers.items()}
    table = Table("地区", "事项", "寄递企业", "由谁安排", title="承运安排")
    for route in found:
        carrier = titles.get(route.carrier, f"{route.carrier}（已不对接，由邮政寄递）")
        table.add_row(route.area or "各地", route.item_code or "全部事项", carrier, route.made_by)
    table.add_row("其余", "其余", titles["ems"], "")
    console.print(table)


@app.command("numbers")
def enter_numbers(
    carrier: Annotated[str, typer.Argument(help="寄递企业")],
    file: Annotated[Path, typer.Argument(help="号段文件，一行一个运单号")],
    *,
    by: By = None,
) -> None:
    """录入寄递企业事先分给的号段。"""
    with for_people(), open_world() as world:
        added = add_numbers(world, carrier, file.read_text().splitlines(), by or getpass.getuser())
    console.print(f"新录入 {added} 个运单号。")
