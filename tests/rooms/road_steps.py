"""Steps on the road that several rooms' tests take, and looks into the database and the post's books."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import httpx2
from sqlalchemy import select, text

from dispatch import jobs, worklist
from dispatch.approval.lodge import lodge
from dispatch.carrier import Knock, Reply
from dispatch.journey import Act
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.posts.ems.account import Ems
from dispatch.posts.line import open_line
from dispatch.posts.times import wire_time
from dispatch.shipment import Shipment, act, lock
from dispatch.tracking.push import receive
from dispatch.waybill import Waybill
from dispatch.wiring import now
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from sandbox.ems.envelope import seal
from tests.answering import answering

BOOK, SETTLE_DOUBT, ASK, CANCEL = (
    jobs.on_lane(f"shipment.{kind}", "ems") for kind in ("book", "settle_doubt", "ask", "cancel")
)
"""Jobs that speak to EMS, by their full names."""


def code_in(reply: Reply) -> str:
    """EMS's own word in our answer to a push."""
    return str(json.loads(reply.text)["code"])


def phone(scenario: int, who: int = 0) -> dict[str, str]:
    """A slip's telephone that makes the sandbox post play this scenario."""
    return {"phone": f"139{who:06}{scenario:02}"}


def with_settings(world: World, **changed: object) -> World:
    return replace(world, settings=world.settings.model_copy(update=changed))


def with_account(world: World, **changed: object) -> World:
    """The same service with other knowledge of its EMS account; the same client speaks for it."""
    ems = world.carriers["ems"]
    return replace(world, carriers={"ems": replace(ems, account=ems.account.model_copy(update=changed))})


def sql(world: World, statement: str, **values: object) -> None:
    with world.begin() as session:
        session.execute(text(statement), values)


def end_leases(world: World) -> None:
    """What time does to a killed worker's jobs."""
    sql(world, "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


def make_due(world: World, name: str) -> None:
    """Whatever its lane."""
    due = "UPDATE jobs SET next_at = now() WHERE done_at IS NULL AND :name IN (name, split_part(name, '@', 1))"
    sql(world, due, name=name)


def shipments(world: World) -> list[Shipment]:
    with world.begin() as session:
        return list(session.scalars(select(Shipment).order_by(Shipment.created_at, Shipment.id)))


def only(world: World) -> Shipment:
    [shipment] = shipments(world)
    return shipment


def numbers(world: World) -> list[str]:
    """Live waybill numbers, oldest first."""
    with world.begin() as session:
        query = select(Waybill.number).where(Waybill.voided_at.is_(None)).order_by(Waybill.adopted_at)
        return list(session.scalars(query))


def entries(world: World, *, settled: bool = False) -> list[Reason]:
    """The reasons on the worklist, open ones or settled ones."""
    query = select(Entry.reason).where(Entry.settled_at.is_not(None) if settled else Entry.settled_at.is_(None))
    with world.begin() as session:
        return sorted(Reason(reason) for reason in session.scalars(query))


def details(world: World, reason: Reason) -> list[str]:
    with world.begin() as session:
        found = session.scalars(select(Entry).where(Entry.reason == reason).order_by(Entry.opened_at)).all()
        return [world.vault.open(entry, "detail") or "" for entry in found]


def settle_all(world: World, reason: Reason) -> None:
    with world.begin() as session:
        for entry in session.scalars(select(Entry).where(Entry.reason == reason, Entry.settled_at.is_(None))):
            worklist.settle(world, entry, "supervisor", "已核实")
            jobs.leave(session, "shipment.weigh", entry.subject)


def books(post) -> dict:
    return httpx2.get(f"{post.url}/books").json()


def do(world: World, deed: Act, shipment: Shipment) -> None:
    with world.begin() as session:
        act(world, session, lock(session, shipment.id), deed)


def print_all(world: World) -> None:
    """Printing, without the drawing."""
    for shipment in shipments(world):
        if shipment.stage == "booked":
            do(world, Act.PRINT, shipment)


def hand_over_all(world: World) -> str:
    print_all(world)
    with world.begin() as session:
        pairs = to_pack(session)
    for code, number in pairs:
        pack(world, code, number, "clerk")
    return hand_over(world, "ems", "clerk")


def on_the_way(world: World, drain: Callable, *cases: object) -> Shipment:
    """Lodged, booked and handed over: the (last) shipment, as it lies with the post."""
    for case in cases:
        lodge(world, case, "test")
    drain(world)
    hand_over_all(world)
    drain(world)
    return shipments(world)[-1]


def event_told(waybill_no: str, code: str, at: datetime, **more: object) -> dict[str, object]:
    """One event, as it stands in a push once that is opened."""
    return {"waybillNo": waybill_no, "opTime": wire_time(at), "opCode": code, "opName": f"操作{code}", **more}


def raw_push(world: World, waybill_no: str, code: str, at: datetime, **more: object) -> bytes:
    """An event as EMS would call us with it, sealed by an implementation that is not ours."""
    return raw_text(world, json.dumps(event_told(waybill_no, code, at, **more), ensure_ascii=False))


def raw_text(world: World, inside: str) -> bytes:
    ems = world.carriers["ems"]
    sealed = seal(inside, ems.account.sk.get_secret_value())
    call = {"logitcsInterface": sealed, "method": "040002", "senderNo": ems.account.sender_no, "serialNo": "s"}
    return json.dumps(call).encode()


def push(world: World, raw: bytes) -> Reply:
    return receive(world, world.carriers["ems"], Knock(raw, source="127.0.0.1"))


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """Run all of these together, each in its thread; their results in order. An error in one is raised."""
    barrier = threading.Barrier(len(works))

    def started(work: Callable[[], object]) -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(started, works))


@contextmanager
def post_that_says(world: World, say: Callable[[str], tuple[int, dict]]) -> Iterator[World]:
    """A service whose post answers what the test says; `say` gets the apiCode, gives status and retBody."""

    def answer(_: str, form: bytes) -> tuple[int, bytes]:
        status, body = say(httpx2.QueryParams(form.decode())["apiCode"])
        said = {"retCode": "00000", "retMsg": "成功", "retBody": json.dumps(body)}
        return status, json.dumps(body if "retCode" in body else said).encode()

    with answering(answer) as url:
        there = world.settings.ems.model_copy(update={"endpoint": f"{url}/"})
        line = open_line(there)
        try:
            yield replace(world, carriers={"ems": Ems(there, line, now)})
        finally:
            line.client.close()
