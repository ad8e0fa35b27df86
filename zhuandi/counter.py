"""The counter on the command line: parcels counted out, the evening compared, the window, the telephone."""

from base64 import b64encode
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from dispatch.hall_time import SHANGHAI, day_told, hall_time
from dispatch.packing.collection import (
    abandon_collection,
    close_collection,
    open_collection,
    scan_all_out,
    scan_out,
    take_back,
)
from dispatch.packing.counted import count_collection
from dispatch.packing.photograph import photograph
from dispatch.packing.put_back import put_back
from dispatch.packing.sign_list import lists_of, sign_list, unsigned_lists
from dispatch.picture import DATA_URL, pictures_of
from dispatch.queues.pictures import look_at_picture
from dispatch.queues.queue import Scope
from dispatch.tracking.collected import compare
from dispatch.zero_visits.at_window import Given, give, pull
from dispatch.zero_visits.pickup import AtWindow, Step, at_window
from dispatch.zero_visits.receipt import receipt
from dispatch.zero_visits.record import record
from dispatch.zero_visits.telephone_call import note_call, number_to_call
from dispatch.zero_visits.told.by_telephone import calls_of
from zhuandi.context import for_people, open_world
from zhuandi.desk import BY, By
from zhuandi.printing import written

app = typer.Typer()
console = Console()
Carrier = Annotated[str, typer.Option(help="寄递企业")]
STEPS = {
    Step.PULL: "先抽回（window-pull）",
    Step.WAIT: "等寄递企业撤单",
    Step.ASK_POST: "已交寄，请寄递企业退回",
    Step.PAPER: "待出证，纸质结果到窗口登记后才能发出（paper）",
    Step.HELD: "暂缓寄递中，解除后才能发出（unhold）",
    Step.GIVE: "可以发出（window-give）",
    Step.GIVEN: "窗口已领取",
    Step.CLOSED: "已送达闭环",
}


@app.command("count-out")
def count_out(
    waybills: Annotated[list[str] | None, typer.Argument(help="逐件扫出的运单号；不写则只看进度")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="待交寄的全部计入")] = False,
    back: Annotated[str | None, typer.Option(help="取回这个运单号，不交寄")] = None,
    carrier: Carrier = "ems",
    by: By = BY,
) -> None:
    """交寄：逐件扫出，计入本次交寄。"""
    with for_people(), open_world() as world:
        if waybills or everything:
            open_collection(world, carrier, by)
        for number in waybills or ():
            out = scan_out(world, carrier, number, by)
            console.print(f"{out.waybill_no} {'先前已计入' if out.again else '已计入'}。")
        if everything:
            console.print(f"整批计入 {scan_all_out(world, carrier, by)} 件。")
        if back is not None:
            take_back(world, carrier, back, by)
        counted = count_collection(world, carrier)
    console.print(f"已计入 {counted.scanned} 件，共 {counted.expected} 件待交寄。")


@app.command("count-close")
def count_close(
    *,
    abandon: Annotated[bool, typer.Option(help="揽投员没有来，都不交")] = False,
    shown: Annotated[int | None, typer.Option(help="您数过的件数；不符则不交")] = None,
    carrier: Carrier = "ems",
    by: By = BY,
) -> None:
    """交寄：计入的交给揽投员，列入交寄清单。"""
    with for_people(), open_world() as world:
        if abandon:
            abandon_collection(world, carrier, by)
            console.print("本次交寄作罢。")
            return
        closed = close_collection(world, carrier, by, shown)
    console.print(f"交寄清单 {closed.number}，共 {closed.count} 件。打印：zhuandi hand-over --again {closed.number}")
    if closed.stays:
        console.print(f"留下未交：{'、'.join(closed.stays)}")


@app.command("put-back")
def put_back_parcel(
    waybill: Annotated[str, typer.Argument(help="运单号")],
    *,
    carrier: Annotated[str, typer.Option(help="寄递企业，两家同号时写明")] = "",
    by: By = BY,
) -> None:
    """误扫交寄、件还在台上的，从交寄清单放回待交寄。"""
    with for_people(), open_world() as world:
        number = put_back(world, waybill, by, carrier=carrier)
    console.print(f"运单 {waybill} 已从清单 {number} 放回待交寄，可再扫描交寄。")


@app.command("sign-list")
def sign_posting_list(
    number: Annotated[str, typer.Argument(help="交寄清单编号")],
    signature: Annotated[Path, typer.Argument(help="签名的图片（PNG）")],
    *,
    postman: Annotated[str, typer.Option(help="揽投员姓名")],
    by: By = BY,
) -> None:
    """揽投员签收交寄清单：姓名与签名一并存下。"""
    with for_people(), open_world() as world:
        sign_list(world, number, postman, DATA_URL + b64encode(signature.read_bytes()).decode(), by)
    console.print("签名已存。")


@app.command("posting-lists")
def posting_lists(
    day: Annotated[str, typer.Argument(help="日期，如 2026-11-23；不写则今天")] = "",
    *,
    unsigned: Annotated[bool, typer.Option(help="前几天没有在屏上签的")] = False,
) -> None:
    """一天的交寄清单。补打：zhuandi hand-over --again 编号。"""
    with for_people(), open_world() as world:
        lists = unsigned_lists(world) if unsigned else lists_of(world, _day(day))
    table = Table("清单", "寄递企业", "件数", "时间", "经办人", "揽投员签名")
    for one in lists:
        signed = f"{one.postman} {hall_time(one.signed_at)}" if one.signed_at else "未签"
        table.add_row(one.number, one.carrier, str(one.count), hall_time(one.made_at), one.made_by, signed)
    console.print(table if lists else "没有交寄清单。")


def _day(told: str) -> date:
    """Raises NotAllowedError for what is no day."""
    return day_told(told) if told else datetime.now(SHANGHAI).date()


@app.command("compare")
def compare_day(day: Annotated[str, typer.Argument(help="日期，如 2026-11-23；不写则今天")] = "") -> None:
    """交寄的邮件与寄递企业收寄轨迹比对。"""
    with for_people(), open_world() as world:
        rows = compare(world, _day(day))
    table = Table("运单号", "订单号", "寄递企业", "清单", "收寄")
    for row in rows:
        seen = hall_time(row.collected_at) if row.collected_at else ("有轨迹" if row.seen else "未收寄")
        table.add_row(row.waybill_no, row.order_no, row.carrier, row.number, seen)
    console.print(table if rows else "这一天没有交寄。")


@app.command("photograph")
def photograph_envelope(waybill: str, file: Path, *, carrier: str = "", by: By = BY) -> None:
    """存一张内件照片。"""
    with for_people(), open_world() as world:
        photograph(world, waybill, file.read_bytes(), by, carrier)
    console.print("照片已存。")


@app.command("pictures")
def pictures(
    case: Annotated[str, typer.Argument(help="办件编号")],
    look: Annotated[UUID | None, typer.Argument(help="要看的那一张；不写则列出全部")] = None,
    *,
    out: Annotated[Path, typer.Option(help="照片写到此处")] = Path("picture"),
    reason: Annotated[str, typer.Option(help="为什么要看（记入审计）")] = "",
    by: By = BY,
) -> None:
    """一个办件的照片与签名；看其中一张须写原因。"""
    with for_people(), open_world() as world:
        if look is not None:
            out.write_bytes(look_at_picture(world, look, by, reason, Scope().within()).body)
            console.print(f"照片在 {out}")
            return
        subjects = record(world, case).subjects
        with world.reading() as session:
            kept = pictures_of(session, list(subjects))
    table = Table("编号", "是什么", "何时", "经办人")
    for one in kept:
        table.add_row(str(one.id), one.words, hall_time(one.made_at), one.made_by)
    console.print(table if kept else "没有照片。")


@app.command("window-pull")
def window_pull(case: str, *, by: By = BY) -> None:
    """改窗口领取：抽回办件，作废运单。"""
    with for_people(), open_world() as world:
        _show(pull(world, case, by))


@app.command("window")
def window(
    case: str, *, out: Annotated[Path | None, typer.Option(help="领取登记 PDF 写到此处")] = None, by: By = BY
) -> None:
    """办件在窗口领取到了哪一步；`--out` 打印领取登记。"""
    with for_people(), open_world() as world:
        _show(at_window(world, case))
        if out is not None:
            with written(out) as sheet:
                sheet.write(receipt(world, case, by))


@app.command("window-give")
def window_give(
    case: str,
    *,
    id_no: Annotated[str, typer.Option(help="申请人证件号码，全部或后 4 位")] = "",
    delegate: Annotated[str, typer.Option(help="代领人姓名")] = "",
    delegate_id: Annotated[str, typer.Option(help="代领人证件号码")] = "",
    authority: Annotated[str, typer.Option(help="委托书或介绍信")] = "",
    originals: Annotated[int | None, typer.Option(help="正本份数，不写则全部")] = None,
    copies: Annotated[int | None, typer.Option(help="副本份数，不写则全部")] = None,
    fault: Annotated[str, typer.Option(help="责任方：post、window、department")] = "",
    by: By = BY,
) -> None:
    """窗口发出；领取登记已在纸上签好。"""
    given = Given(id_no, delegate, delegate_id, authority, originals, copies, fault, on_paper=True)
    with for_people(), open_world() as world:
        _show(give(world, case, given, by))


def _show(shown: AtWindow) -> None:
    console.print(f"办件 {shown.case_no}：{STEPS[shown.step]}。")
    if shown.held:
        console.print(f"暂缓寄递：{shown.held}")
    for one in shown.envelopes:
        others = f"，同封：{'、'.join(one.others)}" if one.others else ""
        console.print(f"邮件 {one.waybill_no or one.order_no}：{one.words}{others}")


@app.command("call")
def call(
    case: str,
    result: Annotated[str, typer.Argument(help="说了什么；不写则未接通")] = "",
    *,
    number: Annotated[str, typer.Option(help="打的号码；不写则是申请单上的")] = "",
    by: By = BY,
) -> None:
    """电联记录：记下一次电话。"""
    with for_people(), open_world() as world:
        note_call(world, case, by, reached=bool(result), result=result, number=number)
        calls = calls_of(world, case)
    table = Table("时间", "号码", "结果", "说了什么", "经办人")
    for one in calls.calls:
        table.add_row(hall_time(one.at), one.number, "接通" if one.reached else "未接通", one.result, one.by)
    console.print(table)
    if calls.enough:
        console.print(f"已连续 {calls.in_vain} 次未接通，不必再打。")


@app.command("call-number")
def call_number(
    case: str, *, reason: Annotated[str, typer.Option(help="为什么要看（记入审计）")] = "", by: By = BY
) -> None:
    """要打的号码，全部显示。"""
    with for_people(), open_world() as world:
        console.print(number_to_call(world, case, by, reason))
