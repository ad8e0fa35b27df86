"""What a clerk looks for in a queue. It stands in the URL, so that it can be kept, sent and gone back to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import ColumnElement, and_, exists, or_, true

from dispatch.approval.case import Case, CaseSlip, Item
from dispatch.hall_time import SHANGHAI, day_told
from dispatch.queues.queue import holds
from dispatch.shipment import Shipment
from dispatch.waybill import Waybill

LONGEST = 64


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: not asked for. `q`: the beginning of a 办件编号, an order number or a waybill number; `since` and
    `until`: days of the decision, as 2026-11-23; of entries that need a person `reason`, `whose` (mine, nobody,
    settled) and `overdue` (yes). No personal data: it would stand in the URL.
    """

    q: str = ""
    department: str = ""
    item: str = ""
    town: str = ""
    carrier: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    whose: str = ""
    overdue: str = ""

    @classmethod
    def read(cls, told: Mapping[str, str]) -> "Filters":
        """From a query string; what is not a filter is left out. Raises NotAllowedError for a day that is none."""
        given = {one.name: told.get(one.name, "").strip()[:LONGEST].replace("\0", "") for one in fields(cls)}
        made = cls(**given)
        for day in (made.since, made.until):
            _day(day)
        return made

    @classmethod
    def from_query(cls, query: str) -> "Filters":
        """From a query string as `query` makes it. Raises NotAllowedError."""
        return cls.read(dict(parse_qsl(query)))

    def told(self) -> dict[str, str]:
        """Those that are asked for."""
        return {name: value for name, value in asdict(self).items() if value}

    def query(self, **more: object) -> str:
        """As a query string."""
        return urlencode(self.told() | {name: str(value) for name, value in more.items()})

    def of_cases(self) -> ColumnElement[bool]:
        """The condition on `Case`."""
        asked = [self._in_case()]
        if self.q:
            asked.append(Case.case_no.startswith(self.q, autoescape=True))
        return and_(*asked)

    def of_shipments(self) -> ColumnElement[bool]:
        """The condition on `Shipment`."""
        asked: list[ColumnElement[bool]] = []
        if self.department or self.item or self.town or self.since or self.until:
            asked.append(holds(self._in_case()))
        if self.carrier:
            asked.append(Shipment.carrier == self.carrier)
        if self.q:
            numbered = exists().where(
                Waybill.shipment_id == Shipment.id,
                Waybill.voided_at.is_(None),
                Waybill.number.startswith(self.q, autoescape=True),
            )
            named = Shipment.order_no.startswith(self.q, autoescape=True)
            asked.append(or_(numbered, named, holds(Case.case_no.startswith(self.q, autoescape=True))))
        return and_(true(), *asked)

    @property
    def of_what(self) -> bool:
        """Whether it matters what an entry of the worklist is about."""
        return bool(self.q or self.department or self.item or self.town or self.carrier or self.since or self.until)

    def _in_case(self) -> ColumnElement[bool]:
        asked: list[ColumnElement[bool]] = []
        if self.department:
            asked.append(Case.department == self.department)
        if self.item:
            asked.append(exists().where(Item.id == Case.item_id, Item.code == self.item))
        if self.town:
            asked.append(exists().where(CaseSlip.case_id == Case.id, CaseSlip.town == self.town))
        if since := _day(self.since):
            asked.append(Case.decided_at >= since)
        if until := _day(self.until):
            asked.append(Case.decided_at < until + timedelta(days=1))
        return and_(true(), *asked)


def _day(told: str) -> datetime | None:
    return datetime.combine(day_told(told), time(), SHANGHAI) if told else None
