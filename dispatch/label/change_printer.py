"""A printer is described anew, or switched off and on. What was begun on it goes on as it was claimed (`send.py`)."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import audit, jobs
from dispatch.errors import ConflictError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.label.printer import SEND, Language, Printer, PrinterAsked, checked, must_be_free
from dispatch.world import World

FIELDS: Mapping[str, str] = {
    "name": "名称",
    "host": "IP 地址",
    "port": "端口",
    "language": "语言",
    "size": "面单尺寸",
    "darkness": "浓度",
    "shift_right": "右移",
    "shift_down": "下移",
}


def edit_printer(world: World, printer_id: UUID, asked: PrinterAsked, by: str, seen: str = "") -> tuple[str, ...]:
    """It is as `asked` from now on; the words for what changed, none where all was so. `seen`: `Printer.version` of
    what whoever edits has looked at; empty: whatever it is.

    Raises NotFoundError, NotAllowedError (as `add_printer`), ConflictError (the name is taken; edited meanwhile).
    """
    asked = checked(world.settings, asked)
    with world.begin() as session:
        printer = _locked(session, printer_id)
        if seen not in {"", printer.version}:
            raise ConflictError(_edited_meanwhile(printer))
        before = {field: getattr(printer, field) for field in FIELDS}
        changed = {field: new for field in FIELDS if (new := getattr(asked, field)) != before[field]}
        if "name" in changed:
            must_be_free(session, asked.name)
        for field, new in changed.items():
            setattr(printer, field, new)
        if changed:
            printer.changed_at, printer.changed_by = world.now(), by
            jobs.leave(session, SEND, printer.subject)  # what waits may go now
            told = "，".join(
                f"{FIELDS[field]} {_said(before[field])} → {_said(new)}" for field, new in changed.items()
            )
            words = f"修改打印机 {before['name']}：{told}"
            audit.note(world, session, by, audit.Deed.SETTING, printer.subject, words)
    return tuple(FIELDS[field] for field in changed)


def switch_printer(world: World, printer_id: UUID, by: str, *, on: bool) -> str:
    """Off, it is offered to nobody and sent nothing more; its name. The same again changes nothing.

    Raises NotFoundError.
    """
    with world.begin() as session:
        printer = _locked(session, printer_id)
        if on == printer.is_on:
            return printer.name
        printer.off_at = None if on else world.now()
        jobs.leave(session, SEND, printer.subject)  # what waits for one that is off is told of, and not left lying
        words = f"{'启用' if on else '停用'}打印机 {printer.name}"
        audit.note(world, session, by, audit.Deed.SETTING, printer.subject, words)
    return printer.name


def described(printer: Printer) -> PrinterAsked:
    """The printer as it was asked for."""
    told = {field: getattr(printer, field) for field in FIELDS}
    return PrinterAsked(**told | {"language": Language(printer.language)})


def _locked(session: Session, printer_id: UUID) -> Printer:
    mine = select(Printer).where(Printer.id == printer_id, Printer.removed_at.is_(None)).with_for_update()
    found = session.scalar(mine)
    if found is None:
        raise NotFoundError("没有这台打印机，或已移除。")
    return found


def _edited_meanwhile(printer: Printer) -> str:
    when = hall_time(printer.changed_at or printer.made_at)
    return f"打印机“{printer.name}”已由 {printer.changed_by} 于 {when} 改过，您的改动没有保存。请看过再改。"


def _said(value: object) -> str:
    return "（按打印机设置）" if value is None else str(value)
