"""The worklist 待处理: whatever a person must look at, with the reason and the next act (HALL.md §3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch.db import Base, RowId
from dispatch.world import World


class Reason(StrEnum):
    """Why something needs a person."""

    BOOKING_IN_DOUBT = "booking_in_doubt"
    REFUSED_BY_CARRIER = "refused_by_carrier"
    ADDRESS_UNCLEAR = "address_unclear"
    RECIPIENT_REFUSED = "recipient_refused"
    NOT_FETCHED = "not_fetched"
    SIGNED_WITHOUT_CONSENT = "signed_without_consent"
    SIGNER_UNKNOWN = "signer_unknown"
    DELIVERY_REVOKED = "delivery_revoked"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    STALLED = "stalled"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_PARCEL = "unknown_parcel"
    UNREADABLE_PUSH = "unreadable_push"
    DEADLINE_NEAR = "deadline_near"
    JOB_STUCK = "job_stuck"
    TWO_NUMBERS = "two_numbers"
    PAPER_LATE = "paper_late"
    ON_HOLD = "on_hold"
    NOT_RELEASED = "not_released"
    POST_SICK = "post_sick"
    ACCOUNT_REFUSED = "account_refused"
    NUMBERS_LOW = "numbers_low"
    NUMBERS_OUT = "numbers_out"
    ROUTE_UNLAWFUL = "route_unlawful"
    NOT_CANCELLED = "not_cancelled"
    NOT_FOLLOWED = "not_followed"
    NOT_COLLECTED = "not_collected"
    KEPT_TOO_LONG = "kept_too_long"
    PRINT_UNKNOWN = "print_unknown"


@dataclass(frozen=True, slots=True)
class Words:
    """What the clerk reads: the reason, and the next act."""

    reason: str
    act: str


WORDS: Mapping[Reason, Words] = {
    Reason.BOOKING_IN_DOUBT: Words("下单结果不明", "查单"),
    Reason.REFUSED_BY_CARRIER: Words("寄递企业拒单", "改后重下"),
    Reason.ADDRESS_UNCLEAR: Words("地址不详、电话不通", "改址"),
    Reason.RECIPIENT_REFUSED: Words("拒收", "转科室"),
    Reason.NOT_FETCHED: Words("逾期未取", "改投或村干部"),
    Reason.SIGNED_WITHOUT_CONSENT: Words("代收无授权", "补授权或核实"),
    Reason.SIGNER_UNKNOWN: Words("已妥投待核实", "问本人"),
    Reason.DELIVERY_REVOKED: Words("妥投被撤销", "核实"),
    Reason.RETURNING: Words("退回途中", "先电联"),
    Reason.RETURNED: Words("退件已到", "二次寄递或暂存"),
    Reason.LOST: Words("破损、丢失", "查验、补证、索赔"),
    Reason.STALLED: Words("轨迹停滞", "催查"),
    Reason.UNKNOWN_CODE: Words("未知代码", "人工判读"),
    Reason.UNKNOWN_PARCEL: Words("无主轨迹", "查单"),
    Reason.UNREADABLE_PUSH: Words("推送读不懂", "人工判读"),
    Reason.DEADLINE_NEAR: Words("临近送达期限", "升级"),
    Reason.JOB_STUCK: Words("任务受阻", "查看原因"),
    Reason.TWO_NUMBERS: Words("运单号冲突", "查单"),
    Reason.PAPER_LATE: Words("待出证", "催科室"),
    Reason.ON_HOLD: Words("暂缓寄递", "解除原因"),
    Reason.NOT_RELEASED: Words("待放行", "放行"),
    Reason.POST_SICK: Words("寄递企业接口不通", "联系寄递企业"),
    Reason.ACCOUNT_REFUSED: Words("寄递账号不被认可", "核对账号"),
    Reason.NUMBERS_LOW: Words("运单号段将用完", "补领号段"),
    Reason.NUMBERS_OUT: Words("运单号段用完", "补领号段"),
    Reason.ROUTE_UNLAWFUL: Words("承运方式不合规", "改由邮政或办理放开"),
    Reason.NOT_CANCELLED: Words("撤单未成", "联系寄递企业"),
    Reason.NOT_FOLLOWED: Words("轨迹订阅未成", "人工查询"),
    Reason.NOT_COLLECTED: Words("已交寄未收寄", "问揽投员"),
    Reason.KEPT_TOO_LONG: Words("保存期限已满未了结", "了结后清除"),
    Reason.PRINT_UNKNOWN: Words("打印中途断线", "清点出了几张"),
}
assert set(WORDS) == set(Reason)  # noqa: S101 - a reason without words would show a clerk nothing

ENDS_BY_ITSELF = frozenset(
    {Reason.BOOKING_IN_DOUBT, Reason.NOT_FETCHED, Reason.SIGNER_UNKNOWN, Reason.RETURNING, Reason.STALLED}
    | {Reason.DEADLINE_NEAR, Reason.JOB_STUCK, Reason.UNKNOWN_PARCEL, Reason.ADDRESS_UNCLEAR}
    | {Reason.PAPER_LATE, Reason.ON_HOLD, Reason.NOT_RELEASED, Reason.POST_SICK, Reason.ACCOUNT_REFUSED}
    | {Reason.NUMBERS_LOW, Reason.NUMBERS_OUT, Reason.ROUTE_UNLAWFUL, Reason.NOT_CANCELLED, Reason.NOT_FOLLOWED}
    | {Reason.NOT_COLLECTED, Reason.KEPT_TOO_LONG}
)
"""Reasons that only wait for something to move. The others are facts that somebody must have seen."""
ENDS_WITH_A_MOVE = ENDS_BY_ITSELF - {Reason.NOT_FOLLOWED}
"""A tracker that would not hear of a number does not hear of it because its sheet is printed. The end ends it."""


DETAIL_MOST = 2000
"""Characters of an entry's detail: the whole of a carrier's words stands where they came in."""
SYSTEM = "system"


class Entry(Base):
    """One line of the worklist. `cause` names the fact behind it, so that a settled fact does not come back."""

    __tablename__ = "worklist"

    id: Mapped[RowId]
    reason: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)  # shipment:…, case:…, push:…, print:…
    cause: Mapped[str]
    detail: Mapped[bytes | None]  # sealed: it may hold the carrier's text
    opened_at: Mapped[datetime]
    owner: Mapped[str | None]  # whoever took it in hand
    taken_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settlement: Mapped[bytes | None]  # sealed

    __table_args__ = (
        Index("uq_worklist_fact", "reason", "subject", "cause", unique=True),
        Index("ix_worklist_open", "opened_at", postgresql_where=text("settled_at IS NULL")),
    )


def put(world: World, session: Session, reason: Reason, subject: str, *, cause: str = "", detail: str = "") -> None:
    """Open an entry, unless this very fact stands there already, open or settled."""
    entry = Entry(id=uuid7(), reason=reason, subject=subject, cause=cause, opened_at=world.now())
    world.vault.seal(entry, "detail", detail[:DETAIL_MOST])
    session.execute(
        insert(Entry)
        .values(
            id=entry.id, reason=reason, subject=subject, cause=cause, detail=entry.detail, opened_at=entry.opened_at
        )
        .on_conflict_do_update(
            # What only a movement had settled is open again, now that the fact stands again; a person's word holds.
            index_elements=["reason", "subject", "cause"],
            set_={"settled_at": None, "settled_by": None, "owner": None, "taken_at": None},
            where=Entry.settled_by == SYSTEM,
        )
    )


def settle(world: World, entry: Entry, by: str, note: str) -> None:
    """A person settled it, and says how."""
    entry.settled_at, entry.settled_by = world.now(), by
    world.vault.seal(entry, "settlement", note)


def settle_by_itself(
    world: World, session: Session, subject: str, reasons: Collection[Reason], cause: str = ""
) -> None:
    """Something moved: what only waited for that is settled without a person. `cause`: only facts that begin so."""
    settle_each_by_itself(world, session, [subject], reasons, cause)


def settle_each_by_itself(
    world: World, session: Session, subjects: Collection[str], reasons: Collection[Reason], cause: str = ""
) -> None:
    """The same for each of these subjects."""
    chosen = [reason for reason in reasons if reason in ENDS_BY_ITSELF]
    session.execute(
        update(Entry)
        .where(Entry.subject.in_(subjects), Entry.reason.in_(chosen), Entry.settled_at.is_(None))
        .where(Entry.cause.startswith(cause, autoescape=True))
        .values(settled_at=world.now(), settled_by=SYSTEM)
    )


def settle_gone(world: World, session: Session, subject: str, reason: Reason, facts: Collection[str]) -> None:
    """Entries of this reason whose fact is none after all, now that more is known; it may become one again."""
    session.execute(
        update(Entry)
        .where(Entry.subject == subject, Entry.reason == reason, Entry.settled_at.is_(None))
        .where(Entry.cause.not_in(facts))
        .values(settled_at=world.now(), settled_by=SYSTEM)
    )


def let_go(world: World, session: Session, subject: str, reason: Reason) -> None:
    """It is tried again, whatever the reason: the entry stands again if that goes wrong."""
    mine = update(Entry).where(Entry.subject == subject, Entry.reason == reason, Entry.settled_at.is_(None))
    session.execute(mine.values(settled_at=world.now(), settled_by=SYSTEM))


def supersede(world: World, session: Session, subject: str, reason: Reason, fact: str) -> None:
    """Where this fact stands, other entries that wait for the same say no more than it: one is enough."""
    stands = any((entry.reason, entry.cause) == (reason, fact) for entry in standing(session, subject))
    if reason in ENDS_BY_ITSELF and stands:
        settle_gone(world, session, subject, reason, {fact})


def standing(session: Session, subject: str) -> list[Entry]:
    """The open entries of a subject, oldest first."""
    query = select(Entry).where(Entry.subject == subject, Entry.settled_at.is_(None))
    return list(session.scalars(query.order_by(Entry.opened_at)))


def stands(session: Session, subject: str, reason: Reason) -> bool:
    """Whether an entry of this reason is open for the subject."""
    return any(entry.reason == reason for entry in standing(session, subject))


def open_subjects(session: Session, reason: Reason, prefix: str) -> set[str]:
    """The subjects that begin so and wait for this reason."""
    waiting = select(Entry.subject).where(Entry.reason == reason, Entry.settled_at.is_(None))
    return set(session.scalars(waiting.where(Entry.subject.startswith(prefix, autoescape=True))))


def in_hand(session: Session, subject: str) -> bool:
    """Whether a person must look at it anyway, for a fact that does not end by itself."""
    return any(entry.reason not in ENDS_BY_ITSELF for entry in standing(session, subject))


def last_settled(session: Session, subject: str, reason: Reason, cause: str = "") -> tuple[int, datetime | None]:
    """How often a person has settled this reason for the subject, and when last. `cause`: as in settle_by_itself."""
    query = select(func.count(), func.max(Entry.settled_at)).where(
        Entry.subject == subject, Entry.reason == reason, Entry.settled_at.is_not(None), Entry.settled_by != SYSTEM
    )
    count, last = session.execute(query.where(Entry.cause.startswith(cause, autoescape=True))).one()
    return count, last


def facts_of(session: Session, subject: str) -> list[Entry]:
    """Every entry that a subject ever had, open or settled."""
    return list(session.scalars(select(Entry).where(Entry.subject == subject)))


def noted(session: Session, subjects: Collection[str]) -> set[str]:
    """Those of these subjects that ever had an entry."""
    return set(session.scalars(select(Entry.subject).where(Entry.subject.in_(subjects)).distinct()))


def settled_causes(entries: Collection[Entry], reason: Reason) -> set[str]:
    """The causes among these entries that a person has settled already for this reason."""
    settled = [one for one in entries if one.settled_at is not None and one.settled_by != SYSTEM]
    return {one.cause for one in settled if one.reason == reason}
