"""One line of a story, and what every teller needs to know of its case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.approval.case import Case, CaseSlip, Document
from dispatch.approval.curtain import Curtain
from dispatch.hall_time import SHANGHAI
from dispatch.shipment import Content, Shipment
from dispatch.world import World


class Kind(StrEnum):
    """What a line is about. Lines of one moment stand in this order; the value is the word on the screen."""

    VISIT = "跑动"
    DECIDED = "决定"
    RECEIVED = "到达"
    PAPER = "出证"
    SLIP = "申请单"
    HOLD = "暂缓"
    RELEASE = "放行"
    WINDOW = "窗口领取"
    TELEPHONE = "电联"
    MOVE = "状态变更"
    CALL = "接口"
    WAYBILL = "运单"
    PRINT = "打单"
    SCAN = "封装"
    POSTING_LIST = "交寄"
    SIGHTING = "轨迹"
    WORKLIST = "待处理"
    JOB = "任务"
    EVIDENCE = "核实"
    CLOSURE = "闭环"
    TESTIMONY = "群众反映"
    RULING = "裁定"
    ERASED = "清除"


ORDER: Mapping[Kind, int] = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Line:
    """Something happened: when (in Shanghai; the post's news by the post's own clock), and in words.

    `day_only`: the record knows the day, not the hour. `voided`: news that the post has taken back. `code`: the
    carrier's own code, empty where the line is no news.
    """

    at: datetime
    kind: Kind
    words: str
    day_only: bool = False
    voided: bool = False
    code: str = ""

    def order(self) -> tuple[datetime, int]:
        """By time, then in the order of the road."""
        return (self.at, ORDER[self.kind])


def line(at: datetime, kind: Kind, words: str, **more: bool | str) -> Line:
    """A line in Shanghai's time."""
    return Line(at.astimezone(SHANGHAI), kind, words, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Teller:
    """What the tellers share: the case, its envelopes (void contents too), and the curtain before personal data."""

    world: World = field(repr=False)
    session: Session = field(repr=False)
    case: Case
    slip: CaseSlip = field(repr=False)
    shipments: Mapping[UUID, Shipment]
    curtain: Curtain

    @property
    def subjects(self) -> list[str]:
        """How jobs and the worklist name what belongs to this case."""
        return [self.case.subject, *(shipment.subject for shipment in self.shipments.values())]

    def title(self, carrier: str) -> str:
        """A carrier's name on the screen, also where its account is no longer there."""
        return self.world.title(carrier)


def teller(world: World, session: Session, case: Case, *, reveal: bool) -> Teller:
    """Everything that the tellers need, read once."""
    holding = (
        select(Content.shipment_id)
        .join(Document, Document.id == Content.document_id)
        .where(Document.case_id == case.id)
    )
    shipments = session.scalars(
        select(Shipment).where(Shipment.id.in_(holding)).order_by(Shipment.created_at, Shipment.id)
    )
    slip = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case.id)).one()
    curtain = Curtain.before(world, case, slip, reveal)
    return Teller(world, session, case, slip, {one.id: one for one in shipments}, curtain)
