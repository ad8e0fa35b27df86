"""Looking and settling on the command line: the worklist, one case's story, the figures of a month."""

import dataclasses
import getpass
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatch.hall_time import SHANGHAI
from dispatch.reveal import log_reveal
from dispatch.worklist import WORDS, Reason
from dispatch.zero_visits.desk import OnDesk, on_the_desk
from dispatch.zero_visits.figures import Figures, Report, Share
from dispatch.zero_visits.figures import report as figures_of
from dispatch.zero_visits.settle import settle_entry
from dispatch.zero_visits.story import Line, Story, subject_of
from dispatch.zero_visits.story import story as story_of
from dispatch.zero_visits.word import confirm_received
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console(highlight=False)
MOMENT = "%m-%d %H:%M:%S"
OF_CASES: Mapping[str, Callable[[Figures], Share]] = {
    "零跑率": lambda of: of.zero_visits,
    "未核实率": lambda of: of.unverified,
    "上门零次率": lambda of: of.zero_office_trips,
    "承诺不符率": lambda of: of.over_published,
    "抽查一致率": lambda of: of.agreeing,
}
OF_ENVELOPES: Mapping[str, Callable[[Figures], Share]] = {
    "当日交寄率": lambda of: of.posted_same_day,
    "退回率": lambda of: of.returned,
}

Note = Annotated[str, typer.Option(help="怎样核实、怎样处理的")]
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
Department = Annotated[str | None, typer.Option(help="只看这个部门")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.command()
def worklist(
    *,
    reason: Annotated[str | None, typer.Option(help="只看这种原因，如“妥投被撤销”")] = None,
    department: Department = None,
    as_json: AsJson = False,
) -> None:
    """待处理：需要人看的每一件，和下一步。"""
    with for_people(), open_world() as world:
        entries = on_the_desk(world, reason, department)
    if as_json:
        _print_json(entries)
    elif not entries:
        console.print("没有待处理的事项。")
    else:
        console.print(_desk_table(entries))
        console.print("处理完毕：zhuandi settle 编号 --note 怎样处理的")
        console.print("本人说收到了：zhuandi received 办件 --note 何时怎样说的")


def _desk_table(entries: list[OnDesk]) -> Table:
    overdue = sum(entry.overdue for entry in entries)
    table = Table(title=f"待处理 {len(entries)} 项{f'，其中逾期 {overdue} 项' if overdue else ''}", expand=True)
    table.add_column("编号", no_wrap=True)
    table.add_column("原因 → 下一步", ratio=4, overflow="fold")
    table.add_column("自", no_wrap=True)
    table.add_column("办件 / 运单", ratio=3, overflow="fold")
    table.add_column("部门、乡镇", ratio=3, overflow="fold")
    for entry in entries:
        what = Text(f"{entry.words} → {entry.act}")
        if entry.detail:
            what.append(f"\n{entry.detail}", style="dim")
        since = Text(f"{entry.since:%m-%d %H:%M}{chr(10) + '逾期' if entry.overdue else ''}")
        since.stylize("red" if entry.overdue else "")
        about = "\n".join([*entry.case_nos, *([entry.waybill_no] if entry.waybill_no else [])])
        where = "\n".join([*entry.departments, *([entry.town] if entry.town else [])])
        table.add_row(entry.number, what, since, Text(about or "（不属于任何办件）"), Text(where))
    return table


@app.command()
def settle(entry: Annotated[str, typer.Argument(help="编号，或它的前几位")], *, note: Note, by: By = None) -> None:
    """处理完毕一项待处理；矛盾处理后，邮件会重新核实、闭环（退回途中又妥投的除外，那要本人的话：received）。"""
    with for_people(), open_world() as world:
        settled = settle_entry(world, entry, by or getpass.getuser(), note)
    console.print(f"“{WORDS[Reason(settled.reason)].reason}”已处理完毕。")


@app.command()
def received(case: Annotated[str, typer.Argument(help="办件编号")], *, note: Note, by: By = None) -> None:
    """本人确认收到：已妥投而签收情况不明、退回途中又妥投的邮件，凭本人的话闭环。"""
    with for_people(), open_world() as world:
        closed = confirm_received(world, case, by or getpass.getuser(), note)
    console.print(f"办件 {case}：本人确认收到，{closed} 个邮件已闭环。")


@app.command()
def trace(
    case: Annotated[str, typer.Argument(help="办件编号")],
    *,
    reveal: Annotated[bool, typer.Option(help="显示完整个人信息与寄递企业原文（记入日志）")] = False,
    reason: Annotated[str, typer.Option(help="为什么要看完整信息")] = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """一个办件的全部经过，按时间排列。"""
    with for_people(), open_world() as world:
        if reveal:
            log_reveal(world, subject_of(world, case), by or getpass.getuser(), reason)
        told = story_of(world, case, reveal=reveal)
    if as_json:
        _print_json(told)
    else:
        _print_story(told)


def _print_story(told: Story) -> None:
    stands = "、".join(told.stands) or "尚无邮件"
    console.print(Text(f"办件 {told.case_no}  {told.item}  {told.department}", style="bold"))
    console.print(Text(f"申请人 {told.applicant}  收件人 {told.recipient} {told.phone} {told.address}"))
    differs = "（待裁定）" if told.differs else ""
    console.print(Text(f"现状 {stands}  上门 {told.count.office_trips} 次，跑动 {told.count.trips} 次{differs}"))
    table = Table(box=None, expand=True, pad_edge=False)
    table.add_column("时间", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("经过", ratio=1, overflow="fold")
    year = None
    for line in told.lines:
        if line.at.year != year:
            year = line.at.year
            table.add_row(Text(f"{year} 年", style="dim"), "", "")
        table.add_row(_moment(line), line.kind.value, _told(line))
    console.print(table)


def _moment(line: Line) -> str:
    return f"{line.at:%m-%d}" if line.day_only else f"{line.at:{MOMENT}}"


def _told(line: Line) -> Text:
    return Text(f"{line.words}（已撤销）", style="dim") if line.voided else Text(line.words)


@app.command()
def report(
    *,
    month: Annotated[str | None, typer.Option(help="决定的月份，如 2026-11；默认本月")] = None,
    department: Department = None,
    as_json: AsJson = False,
) -> None:
    """月度指标：零跑率、未核实率、当日交寄率、退回率、承诺不符率、抽查一致率。"""
    with for_people(), open_world() as world:
        told = figures_of(world, month or f"{world.now().astimezone(SHANGHAI):%Y-%m}", department)
    if as_json:
        _print_json(told)
    else:
        for table in _figures_tables(told):
            console.print(table)


def _figures_tables(told: Report) -> Iterator[Table]:
    """What became of cases and matters, and of envelopes: side by side they are too wide for a terminal."""
    for shares in (OF_CASES, OF_ENVELOPES):
        table = Table("部门", "办件", title=f"{told.month} 月度指标（按决定日期）", expand=True)
        for heading in shares:
            table.add_column(heading, justify="right")
        for figures in told.departments:
            table.add_row(*_row(figures, shares))
        table.add_section()
        table.add_row(*_row(told.total, shares), style="bold")
        yield table


def _row(figures: Figures, shares: Mapping[str, Callable[[Figures], Share]]) -> list[str]:
    return [figures.department or "合计", str(figures.decided), *(_share(one(figures)) for one in shares.values())]


def _share(share: Share) -> str:
    return str(share).replace(" ", "\n")


def _print_json(value: object) -> None:
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _plain(value: object) -> Any:
    """Dataclasses, moments and numbers as JSON has them; a share also with its percentage."""
    match value:
        case Share():
            return {"part": value.part, "whole": value.whole, "percent": _plain(value.percent)}
        case Decimal():
            return float(value)
        case datetime() | date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(one) for one in value]
        case _ if dataclasses.is_dataclass(value):
            return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        case _:
            return value
