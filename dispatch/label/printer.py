"""Network printers, and what waits to be printed on them.

Only addresses in the networks that the settings name, and the ports of printers: whoever may enter a printer must not
be able to make the server speak to anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit, jobs
from dispatch.batch import Batch
from dispatch.db import Base, RowId
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.label.sheet import SheetSize
from dispatch.settings import Settings
from dispatch.world import World

SEND = "printer.send"
SIZES: Mapping[str, SheetSize] = {f"{size.width_mm}x{size.height_mm}": size for size in SheetSize}
MOST_SHIFT = 80  # dots: a centimetre
PRACTICE = "sandbox"
PRINTING = "print"


class Language(StrEnum):
    """What a printer understands."""

    ZPL = "zpl"
    TSPL = "tspl"


DARKEST: Mapping[Language, int] = {Language.ZPL: 30, Language.TSPL: 15}


class Printer(Base):
    """`darkness`: as its language counts it, None for what is set at the printer; `shift_…`: dots, 8 a mm."""

    __tablename__ = "printers"

    id: Mapped[RowId]
    name: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    language: Mapped[str]
    size: Mapped[str]
    darkness: Mapped[int | None]
    shift_right: Mapped[int]
    shift_down: Mapped[int]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    removed_at: Mapped[datetime | None]
    off_at: Mapped[datetime | None]  # switched off since then: offered to nobody
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[str | None]

    __table_args__ = (
        Index("uq_printers_name", "name", unique=True, postgresql_where=text("removed_at IS NULL")),
        CheckConstraint(f"language IN ({', '.join(repr(str(one)) for one in Language)})", name="language"),
    )

    @property
    def subject(self) -> str:
        """How jobs and the worklist name it."""
        return f"printer:{self.id}"

    @property
    def is_on(self) -> bool:
        """Whether it may be sent anything."""
        return self.off_at is None

    @property
    def version(self) -> str:
        """Another one after each edit."""
        return (self.changed_at or self.made_at).isoformat()


class State(StrEnum):
    """Of a print job. `UNKNOWN`: the line was lost while it was sent; only a person may print any of it again."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    STOPPED = "stopped"


STATE_WORDS: Mapping[State, str] = {
    State.WAITING: "等打印机",
    State.SENDING: "正在发送",
    State.SENT: "已全部送到打印机",
    State.UNKNOWN: "中途断线，不知出了几张",
    State.FAILED: "没有送到打印机",
    State.STOPPED: "已停止",
}
assert set(STATE_WORDS) == set(State)  # noqa: S101 - a state without words
NO_FILE: Mapping[State, str] = {
    State.WAITING: "这一批在等打印机，不另给面单文件，免得打出两份。要用浏览器打印的，请先按“不等打印机了”。",
    State.SENDING: "这一批正在往打印机送，不另给面单文件，免得打出两份。请等它有结果。",
    State.SENT: "这一批已全部送到打印机，不再给面单文件。没有打出来的，从那一张起重打；打坏、丢了的，请用补打。",
    State.UNKNOWN: "这一批送到一半断了，不知出了几张，不给面单文件。请看打印机出了几张，从下一张起重打。",
}
"""Why there is no file as well: a printer has, or may have, or will have what would stand in it, without 补打."""
UNDER_WAY = frozenset({State.WAITING, State.SENDING})


class PrintJob(Base):
    """A batch on its way to a printer. `upto`: so many of its sheets the printer has surely taken.

    `claimed`: the printer as it was when the first sheets went out, until none have: the others follow them there.
    """

    __tablename__ = "print_jobs"

    id: Mapped[RowId]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), unique=True)
    printer_id: Mapped[UUID] = mapped_column(ForeignKey("printers.id"), index=True)
    state: Mapped[str]
    upto: Mapped[int]
    sheets: Mapped[int]
    words: Mapped[str]
    changed_at: Mapped[datetime]
    claimed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(str(one)) for one in State)})", name="state"),
        Index("ix_print_jobs_open", "printer_id", postgresql_where=text("state IN ('waiting', 'sending')")),
        Index("ix_print_jobs_unknown", "batch_id", postgresql_where=text("state = 'unknown'")),
    )

    @property
    def subject(self) -> str:
        """How the worklist names it: by its batch, which is what somebody opens."""
        return print_subject(self.batch_id)

    @property
    def no_file(self) -> str:
        """Why its sheets are not given out as a file besides; empty where those are that it has not taken."""
        return NO_FILE.get(State(self.state), "")


def print_subject(batch_id: UUID) -> str:
    """How the worklist names the printing of a batch."""
    return f"{PRINTING}:{batch_id}"


@dataclass(frozen=True, slots=True)
class PrinterAsked:
    """A printer as somebody describes it. `size`: as in SIZES; shifts in dots."""

    name: str
    host: str
    port: int = 9100
    language: Language = Language.ZPL
    size: str = "100x150"
    darkness: int | None = None
    shift_right: int = 0
    shift_down: int = 0


def add_printer(world: World, asked: PrinterAsked, by: str) -> UUID:
    """A new printer. Raises NotAllowedError (an address that is not allowed …), ConflictError (the name is taken)."""
    asked = checked(world.settings, asked)
    printer = Printer(id=uuid7(), made_at=world.now(), made_by=by, **asdict(asked))
    with world.begin() as session:
        must_be_free(session, asked.name)
        session.add(printer)
        told = f"新增打印机 {asked.name}：{asked.host}:{asked.port} {asked.language} {asked.size}"
        audit.note(world, session, by, audit.Deed.SETTING, printer.subject, told)
    return printer.id


def remove_printer(world: World, printer_id: UUID, by: str) -> str:
    """It is not offered any more, and what waits for it is not sent; its name. Raises NotFoundError."""
    with world.begin() as session:
        printer = find_printer(session, printer_id, also_off=True)
        printer.removed_at = world.now()
        jobs.leave(session, SEND, printer.subject)  # what waits for it is told of, and not left lying
        audit.note(world, session, by, audit.Deed.SETTING, printer.subject, f"移除打印机 {printer.name}")
    return printer.name


def must_be_free(session: Session, name: str) -> None:
    """Raises ConflictError where a printer bears this name already."""
    if any(one.name == name for one in printers(session, also_off=True)):
        raise ConflictError(f"已有名为“{name}”的打印机。请换一个名称。")


def printers(session: Session, *, also_off: bool = False) -> Sequence[Printer]:
    """Those that may be sent something, by name; or all there are."""
    there = select(Printer).where(Printer.removed_at.is_(None)).order_by(Printer.name)
    return session.scalars(there if also_off else there.where(Printer.off_at.is_(None))).all()


def find_printer(session: Session, printer_id: UUID, *, also_off: bool = False) -> Printer:
    """One that may be sent something; or any there is. Raises NotFoundError."""
    found = session.get(Printer, printer_id)
    if found is None or found.removed_at is not None or not (also_off or found.is_on):
        raise NotFoundError("没有这台打印机，或已停用。请另选一台，或用浏览器打印。")
    return found


def named_printer(session: Session, name: str) -> Printer:
    """One there is, switched on or off, by its name. Raises NotFoundError."""
    found = session.scalar(select(Printer).where(Printer.name == name, Printer.removed_at.is_(None)))
    if found is None:
        raise NotFoundError(f"没有名为“{name}”的打印机。请从打印机的列表里选。")
    return found


def queue_up(world: World, session: Session, batch: Batch, printer: Printer, sheets: int) -> None:
    """A worker sends this batch to this printer."""
    job = PrintJob(id=uuid7(), batch_id=batch.id, printer_id=printer.id, state=State.WAITING, upto=0, sheets=sheets)
    job.words, job.changed_at = "", world.now()
    session.add(job)
    jobs.leave(session, SEND, printer.subject)


def check_address(settings: Settings, host: str, port: int) -> str:
    """The address as it is spoken to. Raises NotAllowedError where no printer may stand."""
    try:
        address = ip_address(host.strip())
    except ValueError:
        raise NotAllowedError(f"“{host.strip()[:64]}”不是 IP 地址。请填打印机的 IP 地址，如 192.168.1.60。") from None
    address = getattr(address, "ipv4_mapped", None) or address
    if settings.profile == PRACTICE and address.is_loopback:
        return str(address)
    _check_network(settings, address)
    first, last = settings.printer_ports
    if not first <= port <= last:
        raise NotAllowedError(f"打印机端口只能是 {first} 至 {last}（设置 printer_ports）。")
    return str(address)


def _check_network(settings: Settings, address: IPv4Address | IPv6Address) -> None:
    if address.is_loopback or not any(address in network for network in settings.printer_networks):
        allowed = "、".join(str(network) for network in settings.printer_networks)
        raise NotAllowedError(
            f"地址 {address} 不在允许的打印机网段内（{allowed}）。网段由设置 printer_networks 规定。"
        )


def checked(settings: Settings, asked: PrinterAsked) -> PrinterAsked:
    """The same as it is kept. Raises NotAllowedError where it cannot be."""
    name = asked.name.strip()
    if not 1 <= len(name) <= 40:
        raise NotAllowedError("请填打印机名称，最多 40 个字。")
    if asked.size not in SIZES:
        raise NotAllowedError(f"面单尺寸只有 {'、'.join(SIZES)}。")
    darkest = DARKEST[asked.language]
    if asked.darkness is not None and not 0 <= asked.darkness <= darkest:
        raise NotAllowedError(f"浓度从 0 到 {darkest}；不填则按打印机自己的设置。")
    if max(abs(asked.shift_right), abs(asked.shift_down)) > MOST_SHIFT:
        raise NotAllowedError(f"偏移以点计（8 点为 1 毫米），最多 {MOST_SHIFT} 点。")
    return replace(asked, name=name, host=check_address(settings, asked.host, asked.port))
