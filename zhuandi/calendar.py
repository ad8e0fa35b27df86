"""The calendar of working days, on the command line."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.arrangement import decoded, how_far, say_day, show_year, take_arrangement
from dispatch.working_days import day_of
from zhuandi.context import for_people, open_world

app = typer.Typer(help="工作日历", no_args_is_help=True)
console = Console(highlight=False)
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]


@app.callback()
def working_days() -> None:
    """工作日历：法定节假日与调休。"""


@app.command("show")
def show(year: Annotated[int | None, typer.Argument(help="年份；不写为今年")] = None) -> None:
    """一年里与周一至周五不同的日子；今年或来年的安排有没有。"""
    with for_people(), open_world() as world:
        shown = show_year(world, year or day_of(world.now()).year)
        with world.reading() as session:
            known = how_far(session, world.now())
    table = Table("日期", "", "依据", "录入", title=f"{shown.year} 年{'' if shown.known else '（安排还没有录入）'}")
    for one in shown.days:
        table.add_row(str(one.day), "上班" if one.works else "休息", one.note, one.by or "随程序")
    console.print(table)
    console.print(f"有到 {known.until} 的安排。" if known.until else "没有今年的安排，暂按周一至周五计算。")


@app.command("set")
def set_day(
    day: Annotated[datetime, typer.Argument(help="日期，如 2026-02-14", formats=["%Y-%m-%d"])],
    *,
    works: Annotated[bool, typer.Option("--works/--off", help="上班，还是休息")],
    note: Annotated[str, typer.Option(help="依据")],
    by: By = None,
) -> None:
    """某一天上班或休息；以后录入的为准。"""
    with for_people(), open_world() as world:
        say_day(world, day.date(), note, by or getpass.getuser(), works=works)
    console.print(f"{day.date()} {'上班' if works else '休息'}。")


@app.command("import")
def take_file(file: Annotated[Path, typer.Argument(help="CSV：day,works,note")], *, by: By = None) -> None:
    """录入一年的节假日安排，不全的不收。每行一天：2026-02-14,上班,春节调休；2026-02-16,休息,春节。"""
    with for_people(), open_world() as world:
        year, many = take_arrangement(world, decoded(file.read_bytes()), by or getpass.getuser())
    console.print(f"{year} 年的安排已录入：{many} 天。")
