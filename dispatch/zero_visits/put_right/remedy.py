"""What may be done about an entry of the worklist: the acts that solve each reason, and where each is possible.

Every act is a function of its own room (`solve.py` calls it); here it is only said which of them solves what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from dispatch.approval.case import Case
from dispatch.booking.cancel import CAN_CALL_OFF
from dispatch.booking.order import cases_in
from dispatch.carrier import Means
from dispatch.journey import Stage
from dispatch.label.printer import PRINTING
from dispatch.packing.put_back import may_put_back
from dispatch.shipment import Shipment, subject_id
from dispatch.waybill import live_waybill
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.evidence import ANSWERABLE, PROXIES
from dispatch.zero_visits.put_right.lapse import may_lapse
from dispatch.zero_visits.put_right.undelivered import came_back


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
    PUT_BACK = "put_back"
    RECEIVED = "received"
    SEND_AGAIN = "send_again"
    KEEP_HERE = "keep_here"
    LOST = "lost"
    CONSENT = "consent"
    TRY_NOW = "try_now"
    READ_AGAIN = "read_again"
    LIFT = "lift"
    RELEASE = "release"
    PAPER = "paper"
    LAPSE = "lapse"
    COUNT_SHEETS = "count_sheets"
    SETTLE = "settle"


class Asks(StrEnum):
    """What a clerk must write down for it."""

    NOTE = "note"
    NUMBER = "number"
    CARRIER = "carrier"
    UNTIL = "until"
    SHEETS = "sheets"
    GIVEN_BY = "given_by"


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
    Remedy.PUT_BACK: Words("没有交出，放回待交寄", "件还在台上：从交寄清单上划去，可再扫描交寄", undo="可再交寄"),
    Remedy.RECEIVED: Words("本人说已收到", "凭本人的话闭环：写明何时、怎样说的", NOTE),
    Remedy.SEND_AGAIN: Words("二次寄递", "退件已在手：出件重新封装，用新订单寄出", undo="打单前可撤销寄递"),
    Remedy.KEEP_HERE: Words(
        "暂存待领", "退件已在手：存在大厅，到期再提醒", frozenset({Asks.UNTIL}), "解除暂缓即再寄"
    ),
    Remedy.LOST: Words("报失补证", "原件作废，办件回到待出证；写明怎样查的、向谁索赔", NOTE),
    Remedy.CONSENT: Words("补授权", "代收人有授权：写明授权书存在哪里，随即闭环", NOTE),
    Remedy.TRY_NOW: Words("马上再试", "在等的任务马上再做一次", undo="只是提前再试"),
    Remedy.READ_AGAIN: Words("再读一次", "推送重新判读；读不懂会再列出", undo="只是重新判读"),
    Remedy.LIFT: Words("解除暂缓", "办件可以寄出", undo="可再暂缓"),
    Remedy.RELEASE: Words("放行", "办件可以寄出", undo="封袋前可暂缓"),
    Remedy.PAPER: Words(
        "出证登记", "纸质结果已到窗口：写明谁交来的", frozenset({Asks.GIVEN_BY}), undo="封袋前可撤回登记"
    ),
    Remedy.LAPSE: Words("不再寄送，到期清除", "没有人再等：解除暂缓，纸质结果归档，个人信息一天内清除", NOTE),
    Remedy.COUNT_SHEETS: Words(
        "按清点的接着打",
        "数一数打印机出了几张：没有出的用同一台打印机补打，都出了就此了结",
        frozenset({Asks.SHEETS, Asks.NOTE}),
    ),
    Remedy.SETTLE: Words("处理完毕", "已用别的办法办好：写明后结束这一项", NOTE, "一天内可重新打开"),
}
assert set(WORDS) == set(Remedy)  # noqa: S101 - a button without a word

REMEDIES_WITHOUT_AN_ENVELOPE: Mapping[Remedy, str] = {
    Remedy.TRY_NOW: "",
    Remedy.READ_AGAIN: "push:",
    Remedy.COUNT_SHEETS: f"{PRINTING}:",
    Remedy.SETTLE: "",
}
"""What can be done about an entry that belongs to no case, and how its subject must begin."""
RETURNED = (Remedy.SEND_AGAIN, Remedy.KEEP_HERE, Remedy.ASK, Remedy.LOST)
SIGNED = (Remedy.RECEIVED, Remedy.ASK, Remedy.SEND_AGAIN, Remedy.LOST)
ON_ITS_WAY = (Remedy.ASK, Remedy.SEND_AGAIN, Remedy.KEEP_HERE, Remedy.LOST)
NEVER_SEEN = (Remedy.ASK, Remedy.PUT_BACK, Remedy.LOST)
BEFORE = (Remedy.BOOK_AGAIN, Remedy.REROUTE, Remedy.CALL_OFF)
SOLVES: Mapping[Reason, tuple[Remedy, ...]] = {
    Reason.BOOKING_IN_DOUBT: (Remedy.LOOK_UP, Remedy.ADOPT, Remedy.NEVER_PLACED, Remedy.CALL_OFF),
    Reason.REFUSED_BY_CARRIER: BEFORE,
    Reason.DEADLINE_NEAR: BEFORE,
    Reason.ROUTE_UNLAWFUL: (Remedy.REROUTE, Remedy.CALL_OFF),
    Reason.JOB_STUCK: (Remedy.TRY_NOW, Remedy.REROUTE, Remedy.CALL_OFF, Remedy.ASK),
    Reason.NOT_CANCELLED: (Remedy.CANCELLED, Remedy.KEEP_LABEL),
    Reason.TWO_NUMBERS: (Remedy.ADOPT, Remedy.ASK),
    Reason.ADDRESS_UNCLEAR: ON_ITS_WAY,
    Reason.RECIPIENT_REFUSED: ON_ITS_WAY,
    Reason.NOT_FETCHED: ON_ITS_WAY,
    Reason.RETURNING: ON_ITS_WAY,
    Reason.STALLED: (*ON_ITS_WAY, Remedy.PUT_BACK),  # a tracker that gave up may never have seen it
    Reason.NOT_COLLECTED: NEVER_SEEN,
    Reason.UNKNOWN_CODE: ON_ITS_WAY,
    Reason.NOT_FOLLOWED: (Remedy.ASK,),
    Reason.RETURNED: RETURNED,
    Reason.LOST: (Remedy.ASK, Remedy.LOST, Remedy.SEND_AGAIN, Remedy.KEEP_HERE),
    Reason.DELIVERY_REVOKED: SIGNED,
    Reason.SIGNER_UNKNOWN: SIGNED,
    Reason.SIGNED_WITHOUT_CONSENT: (Remedy.CONSENT, *SIGNED),
    Reason.UNREADABLE_PUSH: (Remedy.READ_AGAIN,),
    Reason.ON_HOLD: (Remedy.LIFT,),
    Reason.NOT_RELEASED: (Remedy.RELEASE,),
    Reason.PAPER_LATE: (Remedy.PAPER,),
    Reason.KEPT_TOO_LONG: (Remedy.LAPSE,),
    Reason.PRINT_UNKNOWN: (Remedy.COUNT_SHEETS,),
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
    Remedy.CALL_OFF: CAN_CALL_OFF,
    Remedy.CANCELLED: frozenset({Stage.CANCELLING}),
    Remedy.KEEP_LABEL: frozenset({Stage.CANCELLING}),
    Remedy.ASK: frozenset({Stage.HANDED_OVER, Stage.CLOSED}),
    Remedy.LOST: frozenset({Stage.HANDED_OVER, Stage.CLOSED}),
}
"""Where an act on an envelope is possible at all."""


def _possible(world: World, session: Session, of: About, remedy: Remedy) -> bool:
    if remedy in REMEDIES_WITHOUT_AN_ENVELOPE:
        return of.entry.subject.startswith(REMEDIES_WITHOUT_AN_ENVELOPE[remedy])
    if of.shipment is None:
        return bool(of.cases) and _possible_for_case(session, of.cases[0], remedy)
    return _possible_for_envelope(world, session, of, of.shipment, remedy)


def _possible_for_case(session: Session, case: Case, remedy: Remedy) -> bool:
    if remedy is Remedy.LAPSE:
        return may_lapse(session, case)
    return remedy in {Remedy.LIFT, Remedy.RELEASE, Remedy.PAPER}


def _possible_for_envelope(world: World, session: Session, of: About, shipment: Shipment, remedy: Remedy) -> bool:
    if remedy in {Remedy.SEND_AGAIN, Remedy.KEEP_HERE}:
        return came_back(session, shipment)
    if remedy is Remedy.RECEIVED:
        return of.entry.reason in ANSWERABLE and shipment.stage in {Stage.HANDED_OVER, Stage.CLOSED}
    if remedy is Remedy.PUT_BACK:
        return may_put_back(shipment)
    if remedy is Remedy.CONSENT:
        return shipment.signer in PROXIES
    post = world.carriers.get(shipment.carrier)
    if remedy is Remedy.LOOK_UP and (post is None or post.means is Means.WAIT):
        return False
    if remedy is Remedy.REROUTE and len(world.carriers) == 1:
        return False
    if remedy is Remedy.ASK and live_waybill(session, shipment.id) is None:
        return False
    return Stage(shipment.stage) in STAGES.get(remedy, frozenset())
