"""Envelopes that are with the post already, and the post's news of them: without the road that led there."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from uuid_utils.compat import uuid7

from bench.rig.cases import COUNTY, TOWNS, case
from dispatch.approval.case import Case, CaseSlip, Direction, Document, Item, Leg, Matter
from dispatch.booking.order import order_number
from dispatch.carrier import Knock
from dispatch.hall_time import SHANGHAI
from dispatch.journey import Stage
from dispatch.ledger import Visit
from dispatch.shipment import Content, Shipment
from dispatch.tracking.push import judge, store
from dispatch.visits import VisitKind
from dispatch.waybill import Waybill, new_token
from dispatch.world import World
from sandbox.ems.envelope import seal

SOURCE = "bench"
"""The approval system that such cases came from."""
AT_ONCE = 200  # pushes in one transaction, as the push door writes them
ON_THE_ROAD = ("389", "954", "713", "702", "705", "702")
SIGNED = ("704", {"deliverCode": "10"})
numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """An envelope that was handed over: its number, the token of its page, since when, and the case in it."""

    number: str
    token: str
    since: datetime
    case_no: str = ""


def hand_over(world: World, count: int) -> list[OnTheWay]:
    """So many envelopes of one case each, handed over a day ago, as all rooms behind tracking know them."""
    with world.begin() as session:
        item = Item(id=uuid7(), code=f"bench-{next(numbers)}", name="食品经营许可", release="at_once")
        item.grouping, item.carriage, item.payer = timedelta(0), "postal_only", "免费"
        item.published_trips, item.hide_title = 0, False
        session.add(item)
        session.flush()
        rows, made = [], []
        for _ in range(count):
            objects, parcel = _one(world, item)
            rows.append(objects)
            made.append(parcel)
        for column in zip(*rows, strict=True):  # what others point to comes first
            session.add_all(column)
            session.flush()
        return made


def _one(world: World, item: Item) -> tuple[Sequence[object], OnTheWay]:
    number, at = next(numbers), world.now() - timedelta(days=1)
    told = case(800_000_000 + number)
    matter = Matter(id=uuid7(), number=told["case_no"])
    row = Case(
        id=uuid7(),
        case_no=told["case_no"],
        matter_id=matter.id,
        item_id=item.id,
        department=told["department"],
        decided_at=at,
        applicant_kind="person",
        content={},
        source=SOURCE,
        received_at=at,
        paper_ready_at=at,
    )
    world.vault.seal(row, "applicant_name", told["applicant_name"])
    slip = CaseSlip(id=uuid7(), case_id=row.id, organisation=False, town=TOWNS[number % 8], postcode="", way="door")
    slip.province, slip.city, slip.county = COUNTY["province"], COUNTY["city"], COUNTY["county"]
    slip.point_at_address = slip.brought_to_door = slip.proxy_allowed = False
    slip.group_digest = digest = world.vault.digest("group", told["case_no"])
    for column, field in (("recipient_name", "recipient_name"), ("phone", "phone"), ("detail", "detail")):
        world.vault.seal(slip, column, told["slip"][field])
    paper = Document(id=uuid7(), case_id=row.id, number=1, code=f"{row.case_no}-1", name=item.name, copies=1)
    shipment = Shipment(
        id=uuid7(),
        direction=Direction.OUTBOUND,
        slip_id=slip.id,
        group_digest=digest,
        carrier="ems",
        order_no=order_number(world, Direction.OUTBOUND, [(row.case_no, 1)], 1),
        stage=Stage.HANDED_OVER,
        moved_at=at,
        created_at=at,
        seal_at=at,
        prints=1,
    )
    waybill = Waybill(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier="ems",
        number=f"119{number:010}",
        sorting_code="",
        adopted_from="answer",
        adopted_at=at,
    )
    token = new_token()
    waybill.token_digest = world.vault.digest("token", token)
    world.vault.seal(waybill, "token", token)
    online = Visit(id=uuid7(), matter_id=matter.id, case_id=row.id, kind=VisitKind.ONLINE, recorded_at=at)
    online.trip = online.origin = f"{row.subject}:0"
    leg = Leg(id=uuid7(), case_id=row.id, direction=Direction.OUTBOUND)
    content = Content(id=uuid7(), shipment_id=shipment.id, document_id=paper.id, scanned_at=at)
    rows = (matter, row, slip, paper, leg, online, shipment, content, waybill)
    return rows, OnTheWay(waybill.number, token, at, row.case_no)


def story(parcel: OnTheWay, lines: int) -> Iterator[dict[str, object]]:
    """So many events of one parcel, in order, the last of them its delivery to the recipient."""
    for place in range(lines - 1):
        code = ON_THE_ROAD[place % len(ON_THE_ROAD)] if place else "203"
        yield _event(parcel, place, code, {"attemptDeliveryCode": "4"} if code == "705" else {})
    yield _event(parcel, lines - 1, *SIGNED)


def _event(parcel: OnTheWay, place: int, code: str, more: dict[str, str]) -> dict[str, object]:
    at = parcel.since.astimezone(SHANGHAI) + timedelta(minutes=5 * (place + 1))
    words = {"opName": f"操作{code}", "opDesc": "邮件已到达【景宁县鹤溪揽投部】", "opOrgName": "景宁县鹤溪揽投部"}
    return {"waybillNo": parcel.number, "opTime": f"{at:%Y-%m-%d %H:%M:%S}", "opCode": code, **words, **more}


def envelope(world: World, event: dict[str, object], serial: str) -> str:
    """An event as EMS pushes it, sealed by an implementation that is not ours. `serial`: 32 characters."""
    account = world.settings.ems
    told = {
        "logitcsInterface": seal(json.dumps(event, ensure_ascii=False), account.sk.get_secret_value()),
        "method": "040002",
        "msgType": "0",
        "senderNo": account.sender_no,
        "serialNo": serial,
        "timeStamp": "2026-11-22 10:20:05",
        "version": "v1.0.0",
    }
    return json.dumps(told)


def push(world: World, events: Sequence[dict[str, object]]) -> None:
    """Store these events as pushes that came to the door; each is a job to be read."""
    door = world.carriers["ems"]
    raws = [envelope(world, event, f"{next(numbers):032}").encode() for event in events]
    for begin in range(0, len(raws), AT_ONCE):
        store(world, [judge(world, door, Knock(raw, source="127.0.0.1")) for raw in raws[begin : begin + AT_ONCE]])
