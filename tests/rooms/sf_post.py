"""An SF of the tests' own over a real socket: it books, and tells the routes that a test wrote down."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs

from dispatch.accounts import SfAccount
from dispatch.approval.carriage import clear
from dispatch.approval.lodge import lodge
from dispatch.booking.route import set_route
from dispatch.carrier import Knock, Reply
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.line import open_line
from dispatch.posts.sf.account import Sf
from dispatch.posts.times import wire_time
from dispatch.shipment import Shipment
from dispatch.tracking.push import receive
from dispatch.wiring import now
from dispatch.world import World
from tests.answering import answering
from tests.posts.sf_samples import SECRET, gateway, json_push, placed, route
from tests.rooms.road_steps import numbers, print_all, shipments

ITEM = "食品经营许可"


@dataclass
class SfPost:
    """What it was asked, and what it tells of each number."""

    asked: list[str] = field(default_factory=list)
    traces: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    booked: int = 0

    def answer(self, service: str, data: dict[str, object]) -> dict[str, object]:
        if service == "EXP_RECE_CREATE_ORDER":
            self.booked += 1
            number = f"SF{self.booked:013}"
            return placed(orderId=data["orderId"], waybillNoInfoList=[{"waybillType": 1, "waybillNo": number}])
        [number] = data["trackingNumber"]
        self.asked.append(number)
        return {"routeResps": [{"mailNo": number, "routes": self.traces.get(number, [])}]}


def line_of(number: str, code: str, at: datetime, words: str = "原话", order_no: str = "") -> dict[str, object]:
    """One line of news, as a push tells it."""
    return route(code, mailno=number, orderid=order_no, acceptTime=wire_time(at), remark=words)


def tell(world: World, *lines: dict[str, object]) -> Reply:
    return receive(world, world.carriers["sf"], Knock(json_push(*lines), secret=SECRET))


def by_sf(world: World, drain: Callable[[World], None], *cases: object) -> Shipment:
    """Cases whose item was cleared, booked with SF and handed over: the last shipment."""
    for case in cases:
        lodge(world, case, "test")
    clear(world, ITEM, "景法审〔2026〕3号", "legal")
    set_route(world, "", ITEM, "sf", "clerk")
    drain(world)
    print_all(world)
    with world.reading() as session:
        pairs = to_pack(session)
    for code, number in pairs:
        pack(world, code, number, "clerk")
    hand_over(world, "sf", "clerk")
    drain(world)
    assert numbers(world)
    return shipments(world)[-1]


@contextmanager
def sf_post(world: World) -> Iterator[tuple[SfPost, World]]:
    """SF, and the same world with an account there."""
    post = SfPost()

    def answer(_: str, raw: bytes) -> tuple[int, bytes]:
        form = parse_qs(raw.decode())
        told = post.answer(form["serviceCode"][0], json.loads(form["msgData"][0]))
        inner = {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": told}
        return 200, gateway(json.dumps(inner)).raw

    with answering(answer) as url:
        account = SfAccount(
            endpoint=f"{url}/std/service",
            partner_id="ZWZX01",
            checkword=secrets.token_hex(16),
            monthly_card="7551234567",
            push_secret=SECRET,
            per_second=10_000,
        )
        line = open_line(account)
        sf = Sf(account, line, now, new_id=lambda: secrets.token_hex(8))
        try:
            yield post, replace(world, carriers={**world.carriers, "sf": sf})
        finally:
            line.client.close()
