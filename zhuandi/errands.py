"""The centre's own people on the command line: what is to be carried, and what has happened on the way."""

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatch.errands.open_errands import OpenErrand, open_errands, recipient_of
from dispatch.errands.report import Report
from dispatch.errands.report import report as report_event
from dispatch.errors import NotAllowedError
from dispatch.hall_time import hall_time
from dispatch.posts.by_hand.codes import CODES, SIGNERS
from dispatch.posts.times import read_time
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console(highlight=False)
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
Number = Annotated[str, typer.Argument(help="单号，GB 开头")]
CODE_HELP = "；".join(f"{code} {name}" for code, (name, _) in CODES.items())
SIGNER_HELP = "当面交付时谁签收：" + "；".join(f"{word} {name}" for word, (name, _) in SIGNERS.items())


@app.command()
def errands(*, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """干部代送：还没送完的每一单。"""
    with for_people(), open_world() as world:
        found = open_errands(world)
    if as_json:
        print(json.dumps([asdict(errand) for errand in found], ensure_ascii=False, indent=2, default=str))
    elif not found:
        console.print("没有要送的。")
    else:
        console.print(_table(found))
        console.print("报情况：zhuandi errand-report 单号 --code handed --signer self")


def _table(found: list[OpenErrand]) -> Table:
    table = Table(title=f"待送 {len(found)} 单", expand=True)
    table.add_column("单号", no_wrap=True)
    table.add_column("收件人", ratio=3, overflow="fold")
    table.add_column("投递方式", ratio=2, overflow="fold")
    table.add_column("下单", no_wrap=True)
    table.add_column("最近情况", ratio=2, overflow="fold")
    for errand in found:
        last = f"{errand.last}\n{hall_time(errand.last_at)}" if errand.last_at else "尚未取件"
        who = Text(f"{errand.name} {errand.phone}\n{errand.address}")
        table.add_row(errand.number, who, Text(errand.way_of_delivery), hall_time(errand.created_at), Text(last))
    return table


@app.command("errand-recipient")
def errand_recipient(
    number: Number, *, reason: Annotated[str, typer.Option(help="为什么要看完整信息")], by: By = None
) -> None:
    """一单的完整收件人、电话与地址，供送件人用（记入日志）。"""
    with for_people(), open_world() as world:
        print(recipient_of(world, number, by or getpass.getuser(), reason))


@app.command("errand-report")
def errand_report(
    number: Number,
    *,
    code: Annotated[str, typer.Option(help=CODE_HELP)],
    signer: Annotated[str, typer.Option(help=SIGNER_HELP)] = "",
    at: Annotated[str, typer.Option(help="何时，北京时间 2026-11-23 09:05:00；默认现在")] = "",
    note: Annotated[str, typer.Option(help="备注")] = "",
    place: Annotated[str, typer.Option(help="在哪里")] = "",
    by: By = None,
) -> None:
    """报一单在路上的情况。"""
    with for_people(), open_world() as world:
        report_event(world, Report(number, code, _moment(at), signer, note, place), by or getpass.getuser())
    console.print(f"{number}：{CODES[code][0]}，已记下。")


def _moment(text: str) -> datetime | None:
    try:
        return read_time(text) if text else None
    except ValueError:
        raise NotAllowedError("时间请写成 2026-11-23 09:05:00。") from None
