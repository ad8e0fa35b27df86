"""Putting right on the command line: who has an entry, what solves it, what becomes of a letter that came back."""

import getpass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from dispatch.approval.case import find_case
from dispatch.errors import NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Stage
from dispatch.label.print_sheets import holding
from dispatch.measured.export import export_overview
from dispatch.measured.overview import this_month
from dispatch.queues.queue import Scope
from dispatch.shipment import Shipment
from dispatch.worklist import WORDS, Reason
from dispatch.world import World
from dispatch.zero_visits.put_right import owner, undelivered
from dispatch.zero_visits.put_right.remedy import WORDS as REMEDIES
from dispatch.zero_visits.put_right.remedy import Remedy, about, remedies
from dispatch.zero_visits.put_right.solve import Told
from dispatch.zero_visits.put_right.solve import solve as solve_entry
from dispatch.zero_visits.settle import find_entry
from dispatch.zero_visits.settle import reopen as reopen_entry
from zhuandi.context import for_people, open_world
from zhuandi.desk import shipment_at

app = typer.Typer()
console = Console(highlight=False)
Entry = Annotated[str, typer.Argument(help="编号，或它的前几位")]
Case = Annotated[str, typer.Argument(help="办件编号")]
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
Note = Annotated[str, typer.Option(help="说明")]
SENT = (Stage.HANDED_OVER, Stage.CLOSED)


@app.command()
def take(
    entry: Entry, *, instead_of: Annotated[str, typer.Option(help="原接手人，由您换下")] = "", by: By = None
) -> None:
    """接手一项待处理。"""
    with for_people(), open_world() as world:
        taken = owner.take(world, entry, by or getpass.getuser(), instead_of=instead_of)
    console.print(f"“{WORDS[Reason(taken.reason)].reason}”已由 {taken.owner} 接手。")


@app.command("give-back")
def give_back(entry: Entry, *, by: By = None) -> None:
    """放回一项待处理，别人可以接手。"""
    with for_people(), open_world() as world:
        back = owner.give_back(world, entry, by or getpass.getuser())
    console.print(f"“{WORDS[Reason(back.reason)].reason}”已放回。")


@app.command()
def reopen(entry: Entry, *, note: Note, by: By = None) -> None:
    """处理错了的，一天内重新打开。"""
    with for_people(), open_world() as world:
        again = reopen_entry(world, entry, by or getpass.getuser(), note)
    console.print(f"“{WORDS[Reason(again.reason)].reason}”已重新打开。")


@app.command()
def solve(
    entry: Entry,
    remedy: Annotated[Remedy | None, typer.Argument(help="办法；不写则列出可用的")] = None,
    *,
    note: Note = "",
    number: Annotated[str, typer.Option(help="运单号")] = "",
    carrier: Annotated[str, typer.Option(help="寄递企业")] = "",
    until: Annotated[str, typer.Option(help="暂存到哪天，如 2026-12-20")] = "",
    sheets: Annotated[str, typer.Option(help="打印机出了几张")] = "",
    given_by: Annotated[str, typer.Option(help="出证登记：交件人")] = "",
    by: By = None,
) -> None:
    """按一项待处理的原因办理。"""
    with for_people(), open_world() as world:
        if remedy is None:
            console.print(_offered(world, entry))
            return
        told = Told(note=note, number=number, carrier=carrier, until=until, sheets=sheets, given_by=given_by)
        said = solve_entry(world, entry, remedy, by or getpass.getuser(), told)
    console.print(said)


def _offered(world: World, prefix: str) -> Table:
    with world.reading() as session:
        offered = remedies(world, session, about(session, find_entry(session, prefix)))
    table = Table("办法", "说明", "要填", "撤回")
    for one in offered:
        words = REMEDIES[one]
        table.add_row(f"{one} {words.button}", words.does, "、".join(sorted(words.asks)), words.undo or "不能撤回")
    return table


@app.command("send-again")
def send_again(case: Case, *, note: Note = "", by: By = None) -> None:
    """二次寄递：退件已在手，出件用新订单寄出。"""
    with for_people(), open_world() as world:
        held = undelivered.send_again(world, _brought_back(world, case), by or getpass.getuser(), note)
    waiting = f"{'、'.join(held)} 在暂缓中，解除后才寄。" if held else ""
    console.print(f"办件 {case}：退件已收回，将用新订单寄出。{waiting}")


@app.command()
def keep(
    case: Case,
    *,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="存到哪天")],
    note: Note = "",
    by: By = None,
) -> None:
    """暂存：退件已在手，存在大厅，到期再提醒。"""
    day: date = until.date()
    with for_people(), open_world() as world:
        undelivered.keep_here(world, _brought_back(world, case), day, by or getpass.getuser(), note)
    console.print(f"办件 {case}：退件暂存至 {day}，办件已暂缓寄递。")


@app.command("declare-lost")
def declare_lost(case: Case, *, note: Note, by: By = None) -> None:
    """报失补证：原件作废，办件回到待出证。"""
    with for_people(), open_world() as world:
        made = undelivered.declare_lost(world, shipment_at(world, case, *SENT), by or getpass.getuser(), note)
    console.print(f"办件 {case}：已报失，回到待出证；新出件编码：{'、'.join(made)}。")


@app.command()
def overview(
    *,
    out: Annotated[Path, typer.Option(help="CSV 写到此处")] = Path("overview.csv"),
    month: Annotated[str | None, typer.Option(help="月份，如 2026-11；默认本月")] = None,
    by: By = None,
) -> None:
    """一个月的概览：按部门、按日，写成 CSV（记入审计日志）。"""
    with for_people(), open_world() as world:
        chosen = month or this_month(world)
        out.write_bytes(export_overview(world, Scope(), chosen, by or getpass.getuser()))
    console.print(f"{chosen} 的概览在 {out}（{datetime.now(SHANGHAI):%H:%M}）")


def _brought_back(world: World, case_no: str) -> UUID:
    """The envelope with this case's papers that came back. Raises NotFoundError."""
    with world.reading() as session:
        chosen = holding(session, [find_case(session, case_no).case_no], SENT)
        back = [one for one in chosen if undelivered.came_back(session, session.get_one(Shipment, one))]
    if not back:
        raise NotFoundError(f"办件“{case_no}”没有退回的邮件。")
    return back[0]
