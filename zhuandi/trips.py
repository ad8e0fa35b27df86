"""Trips on the command line: what applicants say of them, and the supervisor's ruling."""

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.approval.case import find_case
from dispatch.hall_time import hall_time
from dispatch.ledger import Count, Stands
from dispatch.measured.overview import this_month
from dispatch.visits import Asked
from dispatch.world import World
from dispatch.zero_visits.told.by_testimony import in_words
from dispatch.zero_visits.trips.ruling import RECORD
from dispatch.zero_visits.trips.ruling import rule as rule_on
from dispatch.zero_visits.trips.shown import trips_of
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from dispatch.zero_visits.trips.to_rule import PAGE, over_in, to_rule
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console()
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]


@app.command("testimony")
def hear(
    case: Annotated[str, typer.Argument(help="办件编号")],
    *,
    office_trips: Annotated[int, typer.Option(help="本人说上门几次")],
    trips: Annotated[int, typer.Option(help="本人说跑动几次，含上门")],
    way: Annotated[Asked, typer.Option(help="怎样问到的：电联、抽查回访、窗口")] = Asked.TELEPHONE,
    note: Annotated[str, typer.Option(help="本人怎么说")] = "",
    by: By = None,
) -> None:
    """群众反映：本人说跑了几次，与记录不一致的待裁定。"""
    with for_people(), open_world() as world:
        said = Said(way, office_trips, trips, note)
        stands = take_testimony(world, case, said, by or getpass.getuser())
    console.print(f"办件 {case}：{_told(stands)}")


@app.command("rulings-due")
def rulings_due(
    *,
    page: Annotated[int, typer.Option(help="第几页")] = 1,
    month: Annotated[str, typer.Option(help="承诺不符看哪个月，如 2026-11；默认本月")] = "",
) -> None:
    """待裁定的跑动次数，和这个月承诺不符的办件。"""
    with for_people(), open_world() as world:
        waiting = to_rule(world, number=page)
        over = over_in(world, month or this_month(world))
    table = Table("办件", "部门", "自", "记录", "第几条反映", "现在认定", title=f"待裁定 {waiting.total} 件事")
    for row in waiting.rows:
        trips = row.shown.trips
        heard = "\n".join(f"{nth}：{_short(one.count)}" for nth, one in enumerate(row.shown.heard, start=1))
        counted, stands = _short(trips.counted), _short(trips.stands.count)
        table.add_row("\n".join(row.case_nos), row.department, hall_time(row.since), counted, heard, stands)
    console.print(table if waiting.rows else "没有待裁定的。")
    if waiting.pages > 1:
        console.print(f"第 {waiting.number} 页，共 {waiting.pages} 页，每页 {PAGE} 件事（--page）。")
    for one in over:
        made = f"上门 {one.office_trips} 次，公布 {one.published} 次"
        console.print(f"承诺不符：{one.case_no}，{one.department}，{made}")


@app.command()
def rule(
    case: Annotated[str, typer.Argument(help="办件编号")],
    *,
    reason: Annotated[str, typer.Option(help="理由")],
    record: Annotated[bool, typer.Option("--record", help="以记录为准")] = False,
    testimony: Annotated[int | None, typer.Option(help="以第几条群众反映为准（rulings-due 里的序号）")] = None,
    by: By = None,
) -> None:
    """裁定跑动次数以谁为准；可再裁定。"""
    if record is (testimony is not None):
        raise typer.BadParameter("请在 --record 与 --testimony 第几条 中选一个")
    with for_people(), open_world() as world:
        chosen = RECORD if testimony is None else _number(world, case, testimony)
        stands = rule_on(world, case, chosen, by or getpass.getuser(), reason)
    console.print(f"办件 {case} 已裁定：{_told(stands)}")


def _number(world: World, case_no: str, nth: int) -> str:
    with world.reading() as session:
        told = trips_of(session, find_case(session, case_no).matter_id).testimonies
    return str(told[nth - 1].id) if 1 <= nth <= len(told) else ""


def _told(stands: Stands) -> str:
    return f"{in_words(stands.count)}{'，待裁定' if stands.differs_since else ''}。"


def _short(count: Count) -> str:
    return f"{count.office_trips}/{count.trips}"
