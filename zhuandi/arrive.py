"""What arrives at the counter, on the command line: lists, papers, slips. Thin words over the rooms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dispatch.approval.amend_slip import Wanted, amend_slip
from dispatch.approval.case import find_case
from dispatch.approval.columns import BY_FIELD, COLUMNS
from dispatch.approval.decided_case import Way
from dispatch.approval.enter_case import enter_case, fields
from dispatch.approval.files import headings
from dispatch.approval.import_list import Imported, import_list
from dispatch.approval.issue import Paper, register_all, register_paper
from dispatch.approval.issue_register import HEADINGS, day_of, export_register, register_of
from dispatch.approval.lodge import Outcome
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.read_list import open_list
from dispatch.approval.template import write_template
from dispatch.approval.upload.bad_rows import write_bad_rows
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console()
By = Annotated[str, typer.Option(help="经办人")]
BY = "窗口"
FIELD_OF = {one.heading: one.field for one in COLUMNS} | {field: field for field in BY_FIELD}
"""A column, by its heading and by its path in the API."""


@app.command("import")
def import_file(
    file: Annotated[Path | None, typer.Argument(help="出证清单：XLSX 或 CSV")] = None,
    *,
    template: Annotated[Path | None, typer.Option(help="写一张空表到此处")] = None,
    all_or_nothing: Annotated[bool, typer.Option(help="有一行不对就整份不收")] = False,
    column: Annotated[list[str] | None, typer.Option(help="认不出的列名是哪一栏，如 联系手机=收件人电话")] = None,
    bad: Annotated[Path | None, typer.Option(help="未收的行按原样写到此处，旁边写明原因")] = None,
) -> None:
    """导入出证清单；`--template 文件` 写一张空表。"""
    with for_people():
        if template is not None:
            template.write_bytes(write_template())
            console.print(f"空表已写到 {template}")
            return
        if file is None:
            raise typer.BadParameter("请给出要导入的文件，或用 --template 写空表")
        content, said = file.read_bytes(), _said(column or [])
        with open_world() as world:
            source = f"file:{file.name}"
            imported = import_list(world, content, file.name, source, all_or_nothing=all_or_nothing, said=said)
        if bad is not None and imported.problems:
            headed = open_list(content, file.name, said)
            bad.write_bytes(write_bad_rows(headed, file.name, imported.problems).content)
            console.print(f"未收的行已写到 {bad}")
    _show_imported(imported)
    if imported.problems:
        raise typer.Exit(1)


def _said(told: list[str]) -> dict[str, str]:
    said = {}
    for one in told:
        name, _, meant = one.partition("=")
        said[headings.plain(name)] = _field(meant) if meant else ""
    return said


def _field(name: str) -> str:
    if name not in FIELD_OF:
        raise typer.BadParameter(f"没有“{name}”这一栏；有：{'、'.join(column.heading for column in COLUMNS)}")
    return FIELD_OF[name]


def _show_imported(imported: Imported) -> None:
    if imported.problems:
        table = Table("行", title="未收的行")
        for heading in ("栏目", "填的是", "问题", "应当"):
            table.add_column(heading, overflow="fold")
        for problem in imported.problems:
            table.add_row(str(problem.row), problem.field, problem.value or "（空）", problem.wrong, problem.right)
        console.print(table)
    for notice in imported.notices:
        console.print(notice)
    bad = len({problem.row for problem in imported.problems})
    console.print(f"新收 {imported.accepted} 件，原已收 {imported.repeated} 件，有问题 {bad} 行。")


@app.command()
def enter(
    file: Annotated[Path | None, typer.Argument(help="JSON：栏目与内容，如清单里的一行；不写则逐栏询问")] = None,
    *,
    by: By = BY,
) -> None:
    """登记一个办件：申请人在窗口，而清单还没有来。"""
    with for_people():
        told = _asked() if file is None else _row(file.read_bytes())
        with open_world() as world:
            done = enter_case(world, told, by)
    again = done.outcome is not Outcome.ACCEPTED
    console.print(f"办件 {done.case_no} {'原已收到，内容相同' if again else '已登记'}。")


def _asked() -> Mapping[str, str]:
    # Asked for one by one: what stands on a command line, others on this machine can read.
    return {
        one.field: typer.prompt(
            f"{one.heading}{'' if one.required else '（可不填）'}", default="", show_default=False
        )
        for one in fields()
    }


def _row(content: bytes) -> Mapping[str, str]:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict) or not all(isinstance(text, str) for text in told.values()):
        raise typer.BadParameter('文件要是这样的 JSON：{"办件编号": "…", "事项名称": "…"}')
    return {_field(name): text for name, text in told.items()}


@app.command()
def paper(
    case: Annotated[str, typer.Argument(help="办件编号，或出件条码")],
    others: Annotated[list[str] | None, typer.Argument(help="同一人交来的其他办件，各按每种出件一份登记")] = None,
    *,
    given_by: Annotated[str, typer.Option(help="交件人（部门的人）")],
    licence: Annotated[str, typer.Option(help="证照编号")] = "",
    originals: Annotated[int | None, typer.Option(help="正本份数；不写则每种出件一份")] = None,
    copies: Annotated[int | None, typer.Option(help="副本份数；不写则其余的份数")] = None,
    enclosures: Annotated[str, typer.Option(help="附件")] = "",
    by: By = BY,
) -> None:
    """出证登记：纸质结果已到窗口，谁交、谁接。"""
    told = Paper(given_by, licence, originals, copies, enclosures)
    if others and told != Paper(given_by):
        raise typer.BadParameter("证照编号、份数、附件各办件不同，请逐件登记。")
    with for_people(), open_world() as world:
        if others:
            with world.reading() as session:
                ids = [find_case(session, one).id for one in (case, *others)]
            done = register_all(world, ids, told, by)
        else:
            done = [register_paper(world, case, told, by)]
    for one in done:
        console.print(one.wrong or f"办件 {one.case_no} 已登记出证。")
    if any(one.wrong for one in done):
        raise typer.Exit(1)


@app.command("paper-back")
def paper_back(
    case: Annotated[str, typer.Argument(help="办件编号")],
    *,
    why: Annotated[str, typer.Option(help="为什么撤回")],
    by: By = BY,
) -> None:
    """撤回出证登记：登记有误，或部门取回了；还没有下单的才能撤回。"""
    with for_people(), open_world() as world:
        take_paper_back(world, case, by, why)
    console.print(f"办件 {case} 的出证登记已撤回，回到待出证。")


@app.command()
def papers(
    *,
    day: Annotated[str, typer.Option(help="哪一天，如 2026-11-23；默认今天")] = "",
    out: Annotated[Path | None, typer.Option(help="写成 CSV 到此处（记入审计）")] = None,
    by: By = BY,
) -> None:
    """出证登记簿。"""
    with for_people(), open_world() as world:
        shown = day_of(world, day)
        if out is not None:
            out.write_bytes(export_register(world, shown, by))
            console.print(f"出证登记簿已写到 {out}")
            return
        lines = register_of(world, shown)
    table = Table(*HEADINGS, title=f"出证登记簿 {shown}，共 {len(lines)} 件")
    for line in lines:
        numbers = (line.licence_no, str(line.originals), str(line.copies), line.enclosures)
        of_case = (f"{line.at:%H:%M}", line.case_no, line.item, line.department, line.applicant)
        table.add_row(*of_case, *numbers, line.given_by, line.taken_by, line.taken_back)
    console.print(table)


@app.command()
def slip(
    case: Annotated[str, typer.Argument(help="办件编号")],
    *,
    recipient: Annotated[str, typer.Option(help="收件人")] = "",
    phone: Annotated[str, typer.Option(help="收件人电话")] = "",
    address: Annotated[str, typer.Option(help="收件地址，一整行")] = "",
    way: Annotated[Way | None, typer.Option(help="申请人同意的投递方式")] = None,
    point: Annotated[str, typer.Option(help="哪一个快件箱、村邮站或邮局")] = "",
    proxy: Annotated[bool | None, typer.Option(help="是否可由他人代收")] = None,
    together: Annotated[bool, typer.Option(help="同一信封里的其他办件一并更正")] = False,
    by: By = BY,
) -> None:
    """更正寄递申请单；没写的不变。已下单的先撤销寄递。"""
    wanted = Wanted(
        recipient_name=recipient, phone=phone, address=address, way=way or "", point=point, proxy_allowed=proxy
    )
    with for_people(), open_world() as world:
        done = amend_slip(world, case, wanted, by, together=together)
    what = f"申请单已改：{'、'.join(done.fields)}（办件 {'、'.join(done.case_nos)}）" if done.fields else "没有改动"
    console.print(f"{what}。")
