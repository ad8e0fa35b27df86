"""The clerk's desk on the command line: thin words over the rooms' own functions, as the console will be."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import true

from dispatch import words
from dispatch.approval.case import Release, find_case, waiting_for_release
from dispatch.approval.dispatch_many import begin_many, go_on
from dispatch.approval.published import publish_trips
from dispatch.approval.release import hold as hold_case
from dispatch.approval.release import lift, set_policy
from dispatch.batch import Kind, Outcome, tally
from dispatch.booking.doubt import adopt_by_hand, book_again, confirm_never_placed
from dispatch.booking.plan import EXPECTED_WORDS, Plan, plan_release
from dispatch.errors import NotFoundError
from dispatch.journey import BY_STAGE, Stage
from dispatch.label.print_sheets import holding
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack, unpack
from dispatch.packing.sign_list import print_list
from dispatch.queues.batches import show_batch
from dispatch.queues.queue import Scope
from dispatch.world import World
from zhuandi.context import for_people, open_world
from zhuandi.printing import written

app = typer.Typer()
console = Console()
By = Annotated[str, typer.Option(help="经办人")]
BY = "窗口"


@app.command()
def release(
    cases: Annotated[list[str] | None, typer.Argument(help="办件编号；不写则放行全部待放行的")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只试算，不放行")] = False,
    apart: Annotated[bool, typer.Option("--apart", help="每件各装一封；不写则同一收件人合装")] = False,
    by: By = BY,
) -> None:
    """放行寄递：逐件告知结果；中断了，工作进程接着办。"""
    with for_people(), open_world() as world:
        with world.reading() as session:
            chosen = [find_case(session, case_no) for case_no in cases] if cases else waiting_for_release(session)
        ids = [case.id for case in chosen]
        if dry_run:
            _show_plan(plan_release(world, ids, true(), ids if apart else ()))
            return
        done = _release(world, ids, by, alone=ids if apart else ()) if ids else 0
    console.print(f"放行 {done} 件。")


def _release(world: World, ids: list[UUID], by: str, alone: Collection[UUID]) -> int:
    """How many were let go now; whatever is to be said of one is said."""
    batch_id = begin_many(world, Kind.RELEASE, ids, by, alone=alone)
    while go_on(world, batch_id):
        pass
    for row in show_batch(world, Scope(), batch_id, by).rows:
        if row.words:
            console.print(f"{row.number}：{row.words}")
    with world.reading() as session:
        return tally(session, batch_id)[Outcome.DONE]


def _show_plan(plan: Plan) -> None:
    table = Table("办件编号", "将会", "寄递企业", "邮件", "说明")
    for row in plan.rows:
        table.add_row(row.case_no, EXPECTED_WORDS[row.expected], row.carrier, str(row.envelope or ""), row.words)
    console.print(table)
    for carrier, count in plan.envelopes.items():
        console.print(f"{carrier}：{count} 个邮件")
    for offer in plan.offers:
        console.print(f"{offer.case_no} 是同一收件人，放行后装入第 {offer.envelope} 个邮件。")


@app.command()
def hold(case: str, *, reason: Annotated[str, typer.Option(help="为什么暂缓")], by: By = BY) -> None:
    """暂缓寄递。"""
    with for_people(), open_world() as world:
        hold_case(world, case, reason, by)
    console.print(f"办件 {case} 已暂缓寄递。")


@app.command()
def unhold(case: str, *, by: By = BY) -> None:
    """解除暂缓。"""
    with for_people(), open_world() as world:
        stays = lift(world, case, by)
    console.print(f"办件 {case}：{stays or '暂缓已解除。'}")


@app.command()
def item(
    code: str,
    *,
    policy: Annotated[Release | None, typer.Option(help="放行方式")] = None,
    grouping: Annotated[int | None, typer.Option(help="合并等待（分钟），与 --policy 一起用")] = None,
    published_trips: Annotated[int | None, typer.Option(help="公布的到办事现场次数")] = None,
    by: By = BY,
) -> None:
    """事项的放行方式、合并等待、公布的到办事现场次数。"""
    if policy is None and (grouping is not None or published_trips is None):
        raise typer.BadParameter("请给出 --policy 或 --published-trips")
    with for_people(), open_world() as world:
        if policy is not None:
            set_policy(world, code, policy, grouping)
        if published_trips is not None:
            publish_trips(world, code, published_trips, by)
    console.print(f"事项 {code} 已改。")


@app.command("to-pack")
def list_to_pack() -> None:
    """待封装的出件编码与运单号，按邮件排列。"""
    with for_people(), open_world() as world, world.reading() as session:
        pairs = to_pack(session)
    table = Table("出件编码", "运单号", title=f"待封装 {len(pairs)} 件出件")
    for document, waybill in pairs:
        table.add_row(document, waybill)
    console.print(table if pairs else "没有待封装的出件。")


@app.command("pack")
def pack_document(document: str, waybill: str, *, by: By = BY) -> None:
    """双扫封装：先扫出件条码，再扫面单条码。"""
    with for_people(), open_world() as world:
        packed = pack(world, document, waybill, by)
    console.print("可以封口。" if packed.complete else f"还缺：{'、'.join(packed.missing)}")


@app.command("unpack")
def unpack_envelope(
    waybill: str,
    *,
    carrier: Annotated[str, typer.Option(help="哪家寄递企业的；两家有同一个运单号时才需要")] = "",
    by: By = BY,
) -> None:
    """拆开已封装的邮件，出件重新扫描。"""
    with for_people(), open_world() as world:
        unpack(world, waybill, by, carrier)
    console.print(f"运单 {waybill} 已拆封。")


@app.command("hand-over")
def hand_over_envelopes(
    *,
    out: Annotated[Path, typer.Option(help="交寄清单 PDF 写到此处")] = Path("posting-list.pdf"),
    again: Annotated[str | None, typer.Option(help="补打这个编号的交寄清单")] = None,
    carrier: str = "ems",
    by: By = BY,
) -> None:
    """交寄：待交寄的全部列入交寄清单。"""
    with for_people(), open_world() as world, written(out) as sheet:
        number = again or hand_over(world, carrier, by)
        sheet.write(print_list(world, number, by))
    console.print(f"交寄清单 {number} 在 {out}")


@app.command()
def doubt(
    case: str,
    *,
    adopt: Annotated[str | None, typer.Option(help="邮政告知的运单号")] = None,
    never_placed: Annotated[bool, typer.Option(help="邮政确认没有这张订单")] = False,
    by: By = BY,
) -> None:
    """核定“下单结果不明”：认下运单号，或确认从未下单。"""
    if (adopt is None) is not never_placed:
        raise typer.BadParameter("请在 --adopt 运单号 与 --never-placed 中选一个")
    with for_people(), open_world() as world:
        shipment_id = shipment_at(world, case, Stage.IN_DOUBT)
        if adopt is not None:
            adopt_by_hand(world, shipment_id, adopt, by)
        else:
            confirm_never_placed(world, shipment_id, by)
    console.print(f"办件 {case}：{'已认下运单号 ' + adopt if adopt else '将重新下单'}。")


@app.command("book-again")
def book_refused_again(case: str, *, by: By = BY) -> None:
    """被拒的订单改好后重下。"""
    with for_people(), open_world() as world:
        book_again(world, shipment_at(world, case, Stage.REFUSED), by)
    console.print(f"办件 {case} 将重新下单。")


def shipment_at(world: World, case_no: str, *stages: Stage) -> UUID:
    """The envelope with this case's documents that stands at one of these stages. Raises NotFoundError."""
    with world.reading() as session:
        chosen = holding(session, [find_case(session, case_no).case_no], stages)
    if not chosen:
        wanted = "”或“".join(words.VIEWS[BY_STAGE[stage]] for stage in stages)
        raise NotFoundError(f"办件“{case_no}”没有处于“{wanted}”的邮件。")
    return chosen[0]
