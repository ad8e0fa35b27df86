"""The posts on the command line: how they do, what became of one envelope, what they bill that we do not know."""

import getpass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.booking import cancel
from dispatch.booking.route import find_carrier
from dispatch.booking.take_off import Then
from dispatch.call import converse
from dispatch.carrier import Party
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Stage
from dispatch.tracking.health import healths, turned_away
from dispatch.tracking.orphans import WORDS, orphans, read_bill
from zhuandi.context import for_people, open_world
from zhuandi.desk import shipment_at

app = typer.Typer()
console = Console(highlight=False)
By = Annotated[str | None, typer.Option(help="经办人，默认为登录名")]
Case = Annotated[str, typer.Argument(help="办件编号")]


@app.command()
def posts() -> None:
    """各寄递企业：接口是否通、多少件在等、推送漏了多少。"""
    with for_people(), open_world() as world:
        found = healths(world)
    table = Table("寄递企业", "接口", "在等的任务", "近30天轨迹", "仅查询得知", "号段余量", title="寄递企业")
    for one in found:
        until = one.closed_until
        state = "通" if until is None else f"暂停至 {hall_time(until)}\n{one.reason}"
        facts, asked = (one.share.facts, one.share.only_asked) if one.share else (0, 0)
        share = f"{asked}（{asked / facts:.1%}）" if facts else "—"
        left = "—" if one.numbers_left is None else str(one.numbers_left)
        table.add_row(f"{one.title}\n{one.carrier}", state, str(one.waiting), str(facts), share, left)
    console.print(table)


@app.command("turned-away")
def show_turned_away(*, days: Annotated[int, typer.Option(help="最近几天")] = 7) -> None:
    """没有接收的推送：密钥不对，或来路不明。"""
    with for_people(), open_world() as world, world.reading() as session:
        found = turned_away(session, world.now() - timedelta(days=days))
    table = Table("时间", "推送地址", "来源", "次数", "原因", title=f"最近 {days} 天没有接收的推送 {len(found)} 种")
    for push in found:
        table.add_row(hall_time(push.at), push.carrier, push.source, str(push.times), push.reason)
    console.print(table)


@app.command("orphans")
def show_orphans(
    carrier: Annotated[str, typer.Argument(help="寄递企业")] = "ems",
    *,
    bill: Annotated[Path | None, typer.Option(help="寄递企业的账单：XLSX 或 CSV，有“运单号”一栏")] = None,
) -> None:
    """无主运单：寄递企业计费或有轨迹、本中心没有或已作废的。"""
    with for_people(), open_world() as world, world.reading() as session:
        find_carrier(world, carrier)
        billed = read_bill(bill.read_bytes(), bill.name) if bill else []
        found = orphans(session, carrier, billed)
    table = Table("运单号", "原因", "订单号", "首见", title=f"无主运单 {len(found)} 个")
    for orphan in found:
        since = hall_time(orphan.since) if orphan.since else ""
        table.add_row(orphan.number, WORDS[orphan.why], orphan.order_no, since)
    console.print(table)


@app.command()
def relabel(case: Case, *, by: By = None) -> None:
    """作废面单、重新下单：先告知寄递企业撤单，撤成后换新运单号。"""
    with for_people(), open_world() as world:
        cancel.void_label(
            world, shipment_at(world, case, *cancel.CAN_RELABEL), Then.BOOK_AGAIN, by or getpass.getuser()
        )
    console.print(f"办件 {case}：正在撤单，撤成后自动重新下单。")


@app.command("cancel")
def cancel_shipment(case: Case, *, by: By = None) -> None:
    """撤销寄递：没有下单的立即撤销，已下单的先告知寄递企业撤单，下单结果不明的查明后再撤。"""
    with for_people(), open_world() as world:
        left_in = cancel.call_off(
            world, shipment_at(world, case, *cancel.CAN_CALL_OFF, Stage.CANCELLING), by or getpass.getuser()
        )
    console.print(f"办件 {case}：{cancel.CALLED_OFF[left_in]}")


@app.command("cancelled")
def settle_cancelling(
    case: Case,
    *,
    keep: Annotated[bool, typer.Option(help="寄递企业没有撤：运单仍然有效")] = False,
    by: By = None,
) -> None:
    """核定“撤单中”：寄递企业已撤，或（--keep）没有撤、运单保留。"""
    who = by or getpass.getuser()
    with for_people(), open_world() as world:
        chosen = shipment_at(world, case, Stage.CANCELLING)
        (cancel.keep_label if keep else cancel.confirm_cancelled)(world, chosen, who)
    console.print(f"办件 {case}：{'运单保留。' if keep else '已撤单。'}")


@app.command()
def reroute(case: Case, carrier: Annotated[str, typer.Argument(help="改由哪家寄递")], *, by: By = None) -> None:
    """还没有下单或被拒单的，改由另一家寄递（不合邮政法的做不成）。"""
    with for_people(), open_world() as world:
        chosen = shipment_at(world, case, Stage.TO_BOOK, Stage.REFUSED)
        cancel.reroute(world, chosen, carrier, by or getpass.getuser())
    console.print(f"办件 {case} 改由 {carrier} 寄递。")


@app.command()
def reach(
    area: Annotated[str, typer.Argument(help="地区：省/市/县")],
    address: Annotated[str, typer.Argument(help="详细地址")],
    *,
    carrier: Annotated[str, typer.Option(help="寄递企业")] = "ems",
) -> None:
    """问寄递企业：这个地址收不收、投不投。"""
    with for_people(), open_world() as world:
        post, parts = find_carrier(world, carrier), area.split("/")
        if len(parts) != 3:
            raise NotAllowedError("地区请写成 省/市/县，如 浙江省/丽水市/景宁畲族自治县。")
        province, city, county = parts
        call = post.reach(Party("", "", province, city, county, address))
        if call is None:
            raise NotFoundError(f"{post.title}没有判断范围的接口。")
        heard = converse(world, post, call, post.read_reach)
        if heard.error is not None:
            raise heard.error
    if heard.told is not None:
        verdict = {True: "在范围内", False: "超出范围", None: "不能判断"}[heard.told.inside]
        console.print(f"{verdict}（{heard.told.words}）")
