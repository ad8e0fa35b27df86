"""Waybills on the command line: printed into a file or on a network printer, drawn again, or from the nth on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
from rich.console import Console

from dispatch.batch import Outcome, items_of, tally
from dispatch.errors import NotFoundError
from dispatch.label.print_run import find_run
from dispatch.label.print_sheets import Wish, begin_print, holding, print_from, to_print
from dispatch.label.printer import SIZES, Language, named_printer
from dispatch.label.thermal.labels import run_in
from dispatch.world import World
from zhuandi.context import for_people, open_world

app = typer.Typer()
console = Console()


@app.command("print")
def print_labels(
    cases: Annotated[list[str] | None, typer.Argument(help="办件编号；不写则打全部待打单的")] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="面单写到此处；不写则 labels.pdf（.zpl、.tspl）")] = None,
    size: Annotated[str, typer.Option(help="、".join(SIZES))] = "100x150",
    zpl: Annotated[bool, typer.Option("--zpl", help="写成 ZPL（203 dpi 热敏打印机）")] = False,
    tspl: Annotated[bool, typer.Option("--tspl", help="写成 TSPL")] = False,
    printer: Annotated[str, typer.Option(help="送到这台网络打印机（zhuandi printers list）")] = "",
    reason: Annotated[str, typer.Option(help="补打、重打的原因")] = "",
    batch: Annotated[UUID | None, typer.Option(help="还没有答复的这一批重新取面单，不另计数")] = None,
    nth: Annotated[int | None, typer.Option("--from", help="与 --batch 一起：从第几张重打")] = None,
    by: Annotated[str, typer.Option(help="经办人")] = "窗口",
) -> None:
    """打单：面单写成一个文件，或送到网络打印机；补打须写原因。"""
    if size not in SIZES:
        raise typer.BadParameter(f"面单尺寸只有 {'、'.join(SIZES)}")
    if (zpl and tspl) or (nth is not None and batch is None):
        raise typer.BadParameter("--zpl 与 --tspl 只选一个；--from 要与 --batch 一起用")
    if printer and batch and nth is None:
        raise typer.BadParameter("已有的批次送到打印机是重打：请用 --from 写明从第几张起，并写 --reason")
    language = Language.ZPL if zpl else Language.TSPL if tspl else None
    with for_people(), open_world() as world:
        wish, chosen = _wish(world, size, by, reason, printer), [] if batch else _chosen(world, cases)
        if not batch and not chosen:
            console.print("没有待打单的邮件。")
            return
        if printer:
            made = _begin(world, chosen, batch, nth, wish)
            _tell(world, made, f"已排到打印机“{printer}”", f"不等打印机了：zhuandi print-stop {made}")
            return
        path = out or Path(f"labels.{language or 'pdf'}")
        with written(path) as sheet:
            made = _begin(world, chosen, batch, nth, wish)
            if _sheets(world, made):
                sheet.write(run_in(world, made, by, language))
        _tell(world, made, f"在 {path}", f"没取到文件：zhuandi print --batch {made}")


@contextmanager
def written(out: Path) -> Iterator[BinaryIO]:
    """The file is opened before anything is done: a label that cannot be written must not count as printed.

    What stood in it goes only when there is something else: a refusal leaves it as it was.
    """
    with out.open("ab") as file:
        sheet = BytesIO()
        yield sheet
        if file.seekable():  # a pipe is not
            file.truncate(0)
        file.write(sheet.getvalue())


def _wish(world: World, size: str, by: str, reason: str, printer: str) -> Wish:
    if not printer:
        return Wish(SIZES[size], by, reason)
    with world.reading() as session:
        chosen = named_printer(session, printer)
    return Wish(SIZES[chosen.size], by, reason, chosen.id)


def _chosen(world: World, cases: list[str] | None) -> Sequence[UUID]:
    """The envelopes of these cases, or all that wait. Raises NotFoundError where these have none."""
    with world.reading() as session:
        chosen = holding(session, cases) if cases else to_print(session)
    if cases and not chosen:
        raise NotFoundError(f"办件 {'、'.join(cases)} 没有可打单的邮件。请用 zhuandi trace 查看。")
    return chosen


def _begin(world: World, chosen: Sequence[UUID], batch: UUID | None, nth: int | None, wish: Wish) -> UUID:
    """The run that is to be drawn. Raises as `begin_print` and `print_from`."""
    if batch is None:
        return begin_print(world, chosen, wish)
    with world.reading() as session:
        find_run(session, batch)
    return batch if nth is None else print_from(world, batch, nth, wish)


def _sheets(world: World, batch_id: UUID) -> int:
    with world.reading() as session:
        return tally(session, batch_id)[Outcome.DONE]


def _tell(world: World, batch_id: UUID, where: str, otherwise: str) -> None:
    with world.reading() as session:
        items = items_of(session, batch_id, Outcome.ALREADY, Outcome.FAILED)
    for item in items:
        console.print(item.words)
    count = _sheets(world, batch_id)
    console.print(f"{count} 张面单{where}。待封装的出件与运单：zhuandi to-pack")
    console.print(f"批次 {batch_id}；{otherwise}", soft_wrap=True)
