"""The audit log: what people did, in one chain that shows whatever was changed, taken out or put in.

Each entry carries a keyed digest (HMAC) of itself and of the one before it, so whoever writes into the database
without the key cannot make a chain that holds. Nothing is ever changed but `detail`, which is erased when its time is
up: the digest of it stands in the chain and stays. No entry holds personal data outside of `detail`, which is sealed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, ForeignKey, event, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.vault import VaultError
from dispatch.world import World

log = structlog.get_logger()
CHAIN = text("SELECT pg_advisory_xact_lock(hashtext('zhuandi.audit'))")
START = b"\0" * 32
WAITING = "audit"
"""Key in `Session.info`: what was noted in this transaction and is chained just before its commit."""
BATCH = 1000
ACCOUNTS = text("SELECT EXISTS (SELECT FROM staff)")
EMPTIED = "审计日志是空的，而账号已经建过：日志被整个清空了。"


class Deed(StrEnum):
    """What is written down. The Chinese word is in `DEEDS`."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    UNLOCK = "unlock"
    REVEAL = "reveal"
    PRINT = "print"
    REPRINT = "reprint"
    EXPORT = "export"
    CHANGE = "change"
    STAFF = "staff"
    CLIENT = "client"
    SETTING = "setting"
    ERASE = "erase"


DEEDS = {
    Deed.SIGN_IN: "登录",
    Deed.SIGN_IN_FAILED: "登录失败",
    Deed.SIGN_OUT: "退出",
    Deed.UNLOCK: "解锁",
    Deed.REVEAL: "查看完整信息",
    Deed.PRINT: "打印",
    Deed.REPRINT: "补打",
    Deed.EXPORT: "导出",
    Deed.CHANGE: "变更",
    Deed.STAFF: "账号变更",
    Deed.CLIENT: "密钥变更",
    Deed.SETTING: "设置变更",
    Deed.ERASE: "到期清除",
}
assert set(DEEDS) == set(Deed)  # noqa: S101 - a deed without a word would show an auditor nothing


class AuditEntry(Base):
    """One deed of a person. `by`: the login; `subject`: case:…, shipment:…, staff:…, or a word."""

    __tablename__ = "audit_log"

    id: Mapped[RowId]
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str] = mapped_column(index=True)
    deed: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[bytes | None]  # sealed
    detail_digest: Mapped[bytes]
    previous: Mapped[bytes]
    digest: Mapped[bytes]


class AuditHead(Base):
    """The newest entry, so that one taken off the end is missed too."""

    __tablename__ = "audit_head"

    id: Mapped[RowId]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("audit_log.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes]


@dataclass(frozen=True, slots=True)
class _Noted:
    by: str
    deed: Deed
    subject: str
    detail: str


def note(world: World, session: Session, by: str, deed: Deed, subject: str, detail: str = "") -> None:
    """Write a deed down in the transaction that does it: both stand, or neither.

    It is chained just before the commit, under the last lock that the transaction takes: who chains waits for nobody.
    """
    waiting: list[_Noted] | None = session.info.get(WAITING)
    if waiting is None:
        waiting = session.info[WAITING] = []
        event.listen(session, "before_commit", lambda ended: _chain(world, ended))
    waiting.append(_Noted(by, deed, subject, detail))


def _chain(world: World, session: Session) -> None:
    if session.in_nested_transaction() or not session.info[WAITING]:
        return
    waiting, session.info[WAITING] = session.info[WAITING], []
    session.flush()
    session.execute(CHAIN)
    head = session.scalar(select(AuditHead))
    seq, previous = (head.seq, head.digest) if head else (0, START)
    for noted in waiting:
        seq += 1
        entry = _entry(world, noted, seq, previous)
        session.add(entry)
        previous = entry.digest
    session.flush()
    if head is None:
        session.add(AuditHead(id=uuid7(), entry_id=entry.id, seq=seq, digest=previous))
    else:
        session.execute(update(AuditHead).values(entry_id=entry.id, seq=seq, digest=previous))
    session.flush()


def _entry(world: World, noted: _Noted, seq: int, previous: bytes) -> AuditEntry:
    entry = AuditEntry(
        id=uuid7(),
        seq=seq,
        at=world.now(),
        by=noted.by,
        deed=noted.deed,
        subject=noted.subject,
        detail_digest=world.vault.digest("audit detail", noted.detail),
        previous=previous,
    )
    if noted.detail:
        world.vault.seal(entry, "detail", noted.detail)
    entry.digest = _digest(world, entry)
    return entry


def _digest(world: World, entry: AuditEntry) -> bytes:
    at = str(round(entry.at.timestamp() * 1_000_000))
    told = (str(entry.id), str(entry.seq), at, entry.by, entry.deed, entry.subject, entry.detail_digest.hex())
    return world.vault.digest("audit", entry.previous.hex(), *told)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chain says of itself. `head`: number and digest of the newest entry, to be kept elsewhere."""

    entries: int
    head: str
    faults: tuple[str, ...] = field(default=())

    @property
    def sound(self) -> bool:
        """Nothing was changed, taken out or put in."""
        return not self.faults


def head_of(session: Session) -> str:
    """Number and digest of the newest entry: an anchor for `verify`. Empty where nothing is written yet."""
    head = session.scalar(select(AuditHead))
    return _named(head.seq, head.digest) if head else ""


def emptied(session: Session) -> bool:
    """Nothing is written, and yet there are accounts, none of which is made without an entry."""
    return not head_of(session) and bool(session.scalar(ACCOUNTS))


def verify(world: World, anchor: str = "") -> Verdict:
    """Walk the whole chain. `anchor`: an earlier `Verdict.head`, which must still stand in it."""
    faults: list[str] = []
    expected, previous, count = 1, START, 0
    anchored = not anchor
    with world.reading() as session:
        for entry in _walk(session):
            count += 1
            faults += _faults(world, entry, expected, previous)
            expected, previous = entry.seq + 1, entry.digest
            anchored = anchored or anchor == _named(entry.seq, entry.digest)
        head = session.scalar(select(AuditHead))
        if not count and emptied(session):
            faults.append(EMPTIED)
    told = (head.seq, head.digest) if head else (0, START)
    if told != (expected - 1, previous):
        faults.append(f"链尾不符：记录止于第 {expected - 1} 条，而最新的一条应是第 {told[0]} 条。")
    if not anchored:
        faults.append(f"留存的链尾 {anchor} 已不在审计日志里：日志被截短或改写过。")
    return Verdict(count, _named(expected - 1, previous), tuple(faults))


def _named(seq: int, digest: bytes) -> str:
    return f"{seq}:{digest.hex()[:16]}"


def _walk(session: Session) -> Iterator[AuditEntry]:
    query = select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=BATCH)
    yield from session.scalars(query)


def _faults(world: World, entry: AuditEntry, expected: int, previous: bytes) -> list[str]:
    faults = []
    if entry.seq != expected:
        faults.append(f"第 {expected} 条至第 {entry.seq - 1} 条不见了。")
    if not compare_digest(entry.previous, previous):
        faults.append(f"第 {entry.seq} 条接不上前一条。")
    if not compare_digest(entry.digest, _digest(world, entry)):
        faults.append(f"第 {entry.seq} 条被改动过。")
    if not _detail_holds(world, entry):
        faults.append(f"第 {entry.seq} 条的详情被改动过。")
    return faults


def _detail_holds(world: World, entry: AuditEntry) -> bool:
    try:
        detail = world.vault.open(entry, "detail")
    except VaultError:
        return False
    # Erased when its time was up, or never there: the digest in the chain says what it was.
    return detail is None or compare_digest(world.vault.digest("audit detail", detail), entry.detail_digest)
