"""What may be done about an entry of the worklist: for each reason the acts that solve it, and the doing of them.

Every act is a function of its own room; here it is only said which of them solves what, and where it is possible.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.approval.case import Case
from dispatch.approval.release import lift, paper_ready, release
from dispatch.booking.cancel import call_off, confirm_cancelled, keep_label, reroute
from dispatch.booking.doubt import adopt_by_hand, book_again, confirm_never_placed, look_up_again
from dispatch.booking.order import cases_in
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.hall_time import hall_time
from dispatch.journey import Stage
from dispatch.shipment import Shipment, subject_id
from dispatch.tracking.ask import ask_by_hand
from dispatch.waybill import live_waybill
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.evidence import ANSWERABLE
from dispatch.zero_visits.put_right.changed import Record, unchanged
from dispatch.zero_visits.put_right.undelivered import came_back, declare_lost, keep_here, send_again
from dispatch.zero_visits.settle import find_any, number_of, settle_entry
from dispatch.zero_visits.word import confirm_received


class Remedy(StrEnum):
    """One act that solves an entry."""

    LOOK_UP = "look_up"
    ADOPT = "adopt"
    NEVER_PLACED = "never_placed"
    BOOK_AGAIN = "book_again"
    REROUTE = "reroute"
    CALL_OFF = "call_off"
    CANCELLED = "cancelled"
    KEEP_LABEL = "keep_label"
    ASK = "ask"
    RECEIVED = "received"
    SEND_AGAIN = "send_again"
    KEEP_HERE = "keep_here"
    LOST = "lost"
    LIFT = "lift"
    RELEASE = "release"
    PAPER = "paper"
    SETTLE = "settle"


class Asks(StrEnum):
    """What a clerk must write down for it."""

    NOTE = "note"
    NUMBER = "number"
    CARRIER = "carrier"
    UNTIL = "until"


@dataclass(frozen=True, slots=True)
class Words:
    """The button, what it does, and what it asks for. `undo`: how it is taken back; empty: it cannot be."""

    button: str
    does: str
    asks: frozenset[Asks] = frozenset()
    undo: str = ""


NOTE = frozenset({Asks.NOTE})
WORDS: Mapping[Remedy, Words] = {
    Remedy.LOOK_UP: Words("再次查单", "马上按账号的办法再问一次寄递企业", undo="只是查询，不改变什么"),
    Remedy.ADOPT: Words(
        "认下运单号", "寄递企业告知了运单号，填在这里", frozenset({Asks.NUMBER}), "可作废面单重新下单"
    ),
    Remedy.NEVER_PLACED: Words("核定从未下单", "寄递企业确认没有这张订单，用同一订单号再下"),
    Remedy.BOOK_AGAIN: Words("改后重下", "地址等已改好，用新订单号再下", undo="可撤销寄递"),
    Remedy.REROUTE: Words("改由别家", "没有下单成功的，换一家寄递企业", frozenset({Asks.CARRIER}), "可再改回"),
    Remedy.CALL_OFF: Words("撤销寄递", "不寄了：出件放回，办件暂缓", undo="解除暂缓即可再寄"),
    Remedy.CANCELLED: Words("核定已撤", "寄递企业已确认撤单，运单作废"),
    Remedy.KEEP_LABEL: Words("保留运单", "寄递企业没有撤，运单仍然有效", undo="可再撤销"),
    Remedy.ASK: Words("催查", "向寄递企业查询最新轨迹", undo="只是查询，不改变什么"),
    Remedy.RECEIVED: Words("本人说已收到", "凭本人的话闭环：写明何时、怎样说的", NOTE),
    Remedy.SEND_AGAIN: Words("二次寄递", "退件已在手：出件重新封装，用新订单寄出", undo="打单前可撤销寄递"),
    Remedy.KEEP_HERE: Words(
        "暂存待领", "退件已在手：存在大厅，到期再提醒", frozenset({Asks.UNTIL}), "解除暂缓即再寄"
    ),
    Remedy.LOST: Words("报失补证", "原件作废，办件回到待出证；写明怎样查的、向谁索赔", NOTE),
    Remedy.LIFT: Words("解除暂缓", "办件可以寄出", undo="可再暂缓"),
    Remedy.RELEASE: Words("放行", "办件可以寄出", undo="封袋前可暂缓"),
    Remedy.PAPER: Words("出证登记", "纸质结果已到窗口"),
    Remedy.SETTLE: Words("处理完毕", "写明怎样核实、怎样处理的", NOTE, "一天内可重新打开"),
}
assert set(WORDS) == set(Remedy)  # noqa: S101 - a button without a word

REMEDIES_WITHOUT_AN_ENVELOPE = frozenset({Remedy.SETTLE})
"""What can be done about an entry that belongs to no case."""
RETURNED = (Remedy.SEND_AGAIN, Remedy.KEEP_HERE, Remedy.ASK, Remedy.LOST)
SIGNED = (Remedy.RECEIVED, Remedy.ASK, Remedy.SEND_AGAIN, Remedy.LOST)
ON_ITS_WAY = (Remedy.ASK, Remedy.SEND_AGAIN, Remedy.KEEP_HERE, Remedy.LOST)
BEFORE = (Remedy.BOOK_AGAIN, Remedy.REROUTE, Remedy.CALL_OFF)
SOLVES: Mapping[Reason, tuple[Remedy, ...]] = {
    Reason.BOOKING_IN_DOUBT: (Remedy.LOOK_UP, Remedy.ADOPT, Remedy.NEVER_PLACED, Remedy.CALL_OFF),
    Reason.REFUSED_BY_CARRIER: BEFORE,
    Reason.DEADLINE_NEAR: BEFORE,
    Reason.ROUTE_UNLAWFUL: (Remedy.REROUTE, Remedy.CALL_OFF),
    Reason.JOB_STUCK: (Remedy.REROUTE, Remedy.CALL_OFF, Remedy.ASK),
    Reason.NOT_CANCELLED: (Remedy.CANCELLED, Remedy.KEEP_LABEL),
    Reason.TWO_NUMBERS: (Remedy.ADOPT, Remedy.ASK),
    Reason.ADDRESS_UNCLEAR: ON_ITS_WAY,
    Reason.RECIPIENT_REFUSED: ON_ITS_WAY,
    Reason.NOT_FETCHED: ON_ITS_WAY,
    Reason.RETURNING: ON_ITS_WAY,
    Reason.STALLED: ON_ITS_WAY,
    Reason.UNKNOWN_CODE: ON_ITS_WAY,
    Reason.NOT_FOLLOWED: (Remedy.ASK,),
    Reason.RETURNED: RETURNED,
    Reason.LOST: (Remedy.ASK, Remedy.LOST, Remedy.SEND_AGAIN, Remedy.KEEP_HERE),
    Reason.DELIVERY_REVOKED: SIGNED,
    Reason.SIGNER_UNKNOWN: SIGNED,
    Reason.SIGNED_WITHOUT_CONSENT: SIGNED,
    Reason.ON_HOLD: (Remedy.LIFT,),
    Reason.NOT_RELEASED: (Remedy.RELEASE,),
    Reason.PAPER_LATE: (Remedy.PAPER,),
}
"""Beside these every entry can be settled with a note. A reason that is missing has only that."""


@dataclass(frozen=True, slots=True)
class About:
    """What an entry is about: an envelope with its cases, a case, or neither."""

    entry: Entry
    shipment: Shipment | None
    cases: tuple[Case, ...]


def about(session: Session, entry: Entry) -> About:
    """Read what it is about."""
    if entry.subject.startswith("shipment:"):
        shipment = session.get_one(Shipment, subject_id(entry.subject))
        return About(entry, shipment, tuple(cases_in(session, shipment)))
    if entry.subject.startswith("case:"):
        return About(entry, None, (session.get_one(Case, subject_id(entry.subject)),))
    return About(entry, None, ())


def remedies(world: World, session: Session, of: About) -> tuple[Remedy, ...]:
    """What solves this entry where it stands now; settling it with a note last."""
    offered = SOLVES.get(Reason(of.entry.reason), ())
    return (*(one for one in offered if _possible(world, session, of, one)), Remedy.SETTLE)


STAGES: Mapping[Remedy, frozenset[Stage]] = {
    Remedy.LOOK_UP: frozenset({Stage.IN_DOUBT}),
    Remedy.ADOPT: frozenset({Stage.IN_DOUBT}),
    Remedy.NEVER_PLACED: frozenset({Stage.IN_DOUBT}),
    Remedy.BOOK_AGAIN: frozenset({Stage.REFUSED}),
    Remedy.REROUTE: frozenset({Stage.REFUSED, Stage.TO_BOOK}),
    Remedy.CALL_OFF: frozenset({Stage.GATHERING, Stage.TO_BOOK, Stage.REFUSED, Stage.BOOKING, Stage.IN_DOUBT})
    | {Stage.BOOKED, Stage.PRINTED},
    Remedy.CANCELLED: frozenset({Stage.CANCELLING}),
    Remedy.KEEP_LABEL: frozenset({Stage.CANCELLING}),
    Remedy.ASK: frozenset({Stage.HANDED_OVER, Stage.CLOSED}),
    Remedy.LOST: frozenset({Stage.HANDED_OVER, Stage.CLOSED}),
}
"""Where an act on an envelope is possible at all."""


def _possible(world: World, session: Session, of: About, remedy: Remedy) -> bool:
    shipment = of.shipment
    if remedy in {Remedy.LIFT, Remedy.RELEASE, Remedy.PAPER}:
        return shipment is None and bool(of.cases)
    if shipment is None:
        return False
    if remedy in {Remedy.SEND_AGAIN, Remedy.KEEP_HERE}:
        return came_back(session, shipment)
    if remedy is Remedy.RECEIVED:
        return of.entry.reason in ANSWERABLE and shipment.stage in {Stage.HANDED_OVER, Stage.CLOSED}
    if remedy is Remedy.REROUTE and len(world.carriers) == 1:
        return False
    if remedy is Remedy.ASK and live_waybill(session, shipment.id) is None:
        return False
    return Stage(shipment.stage) in STAGES[remedy]


@dataclass(frozen=True, slots=True)
class Told:
    """What the clerk wrote down."""

    note: str = ""
    number: str = ""
    carrier: str = ""
    until: str = ""


def solve(world: World, entry_prefix: str, remedy: Remedy, by: str, told: Told, shown: str = "") -> str:
    """Do it, if the entry is what was shown; what was done comes back in words.

    Raises NotFoundError, ConflictError (somebody was quicker: who, when, what), NotAllowedError.
    """
    with world.reading() as session:
        entry = find_any(session, entry_prefix)
        of = about(session, entry)
    with unchanged(world, Record(entry_id=entry.id), shown):
        if entry.settled_at is not None:
            raise NotFoundError(f"待处理事项已由“{entry.settled_by}”于 {hall_time(entry.settled_at)} 处理完毕。")
        with world.reading() as session:
            if remedy not in remedies(world, session, about(session, session.get_one(Entry, entry.id))):
                raise NotAllowedError(f"现在不能“{WORDS[remedy].button}”。请看过最新情况再定。")
        return DOES[remedy](world, of, by, told) or f"“{WORDS[remedy].button}”已办。"


Doing = Callable[[World, About, str, Told], str]


def _envelope(of: About) -> UUID:
    if of.shipment is None:
        raise NotAllowedError("这一项不涉及邮件。")
    return of.shipment.id


def _case_no(of: About) -> str:
    if not of.cases:
        raise NotAllowedError("这一项不涉及办件。")
    return of.cases[0].case_no


def _to_envelope(deed: Callable[[World, UUID, str], object]) -> Doing:
    def do(world: World, of: About, by: str, _: Told) -> str:
        deed(world, _envelope(of), by)
        return ""

    return do


def _adopt(world: World, of: About, by: str, told: Told) -> str:
    adopt_by_hand(world, _envelope(of), told.number.strip(), by)
    return f"已认下运单号 {told.number.strip()}。"


def _reroute(world: World, of: About, by: str, told: Told) -> str:
    reroute(world, _envelope(of), told.carrier, by)
    return f"已改由 {world.title(told.carrier)} 寄递。"


def _received(world: World, of: About, by: str, told: Told) -> str:
    closed = confirm_received(world, _case_no(of), by, told.note)
    return f"本人确认收到，{closed} 个邮件已闭环。"


def _send_again(world: World, of: About, by: str, told: Told) -> str:
    held = send_again(world, _envelope(of), by, told.note)
    waiting = f"其中 {'、'.join(held)} 在暂缓中，解除后才寄。" if held else ""
    return f"退件已收回，出件将用新订单寄出。{waiting}"


def _keep_here(world: World, of: About, by: str, told: Told) -> str:
    keep_here(world, _envelope(of), day_from(told.until), by, told.note)
    return f"退件暂存至 {told.until}，办件已暂缓寄递。"


def _lost(world: World, of: About, by: str, told: Told) -> str:
    made = declare_lost(world, _envelope(of), by, told.note)
    return f"已报失，办件回到待出证；新出件编码：{'、'.join(made)}。"


def _lift(world: World, of: About, by: str, _: Told) -> str:
    lift(world, _case_no(of), by)
    return "暂缓已解除。"


def _release(world: World, of: About, by: str, _: Told) -> str:
    release(world, _case_no(of), by)
    return "已放行。"


def _paper(world: World, of: About, _: str, __: Told) -> str:
    paper_ready(world, _case_no(of))
    return "已登记出证。"


def _settle(world: World, of: About, by: str, told: Told) -> str:
    settle_entry(world, number_of(of.entry.id), by, told.note)
    return "处理完毕。"


def day_from(written: str) -> date:
    """A day as 2026-12-20. Raises NotAllowedError."""
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise NotAllowedError(f"“{written}”不是日期。请写成 2026-12-20。") from None


DOES: Mapping[Remedy, Doing] = {
    Remedy.LOOK_UP: _to_envelope(look_up_again),
    Remedy.ADOPT: _adopt,
    Remedy.NEVER_PLACED: _to_envelope(confirm_never_placed),
    Remedy.BOOK_AGAIN: _to_envelope(book_again),
    Remedy.REROUTE: _reroute,
    Remedy.CALL_OFF: _to_envelope(call_off),
    Remedy.CANCELLED: _to_envelope(confirm_cancelled),
    Remedy.KEEP_LABEL: _to_envelope(keep_label),
    Remedy.ASK: _to_envelope(ask_by_hand),
    Remedy.RECEIVED: _received,
    Remedy.SEND_AGAIN: _send_again,
    Remedy.KEEP_HERE: _keep_here,
    Remedy.LOST: _lost,
    Remedy.LIFT: _lift,
    Remedy.RELEASE: _release,
    Remedy.PAPER: _paper,
    Remedy.SETTLE: _settle,
}
assert set(DOES) == set(Remedy)  # noqa: S101 - a button that does nothing
