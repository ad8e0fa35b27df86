"""A counter at which every text that can be stored is a script: typed by staff, sent by systems, told by carriers."""

import base64
from collections.abc import Sequence
from io import BytesIO

import pytest
from PIL import Image
from pydantic import ValidationError
from sqlalchemy import select

from dispatch import worklist
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.release import hold, lift
from dispatch.approval.upload.preview import upload
from dispatch.client import add_client
from dispatch.errors import NotAllowedError
from dispatch.hall_time import SHANGHAI
from dispatch.label.print_sheets import Wish, begin_print
from dispatch.label.printer import PrinterAsked, add_printer
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import HandOver
from dispatch.packing.sign_list import sign_list
from dispatch.queues.filters import Filters
from dispatch.queues.queue import Queue
from dispatch.queues.saved_view import save_view
from dispatch.reveal import log_reveal
from dispatch.staff.member import add_member, change_member
from dispatch.staff.role import Role
from dispatch.visits import Asked
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.at_window import Given, give, pull
from dispatch.zero_visits.put_right.owner import take
from dispatch.zero_visits.settle import number_of, reopen, settle_entry
from dispatch.zero_visits.telephone_call import note_call
from dispatch.zero_visits.trips.ruling import RECORD, rule
from dispatch.zero_visits.trips.testimony import Said, take_testimony
from samples.people import citizen_number
from tests.browser.counter import CLERK, Counter, decided
from tests.parts import until_nothing_is_due
from tests.rooms.on_the_road import Road
from tests.rooms.road_steps import push, raw_push

SCRIPT = """%s{0}'"><img src=x onerror="document.title='hit'">"""
"""Ends attributes and elements, and is a template to whoever fills one twice. As long as the shortest line may be."""
DENSE = """'"><svg/onload="document.title='hit'">"""
"""The same for numbers, in which no space may be, and for the shortest names."""


def scripted(running: int, **more: object) -> DecidedCase:
    """A case whose every text is a script. The province, city and county stay as they are."""
    usual = decided(running).slip
    slip = {"recipient_name": SCRIPT, "phone": usual.phone, "town": SCRIPT, "detail": f"{SCRIPT}{running}号"}
    slip |= {"province": usual.province, "city": usual.city, "county": usual.county, "way": "door"}
    told = {
        "item_name": SCRIPT,
        "item_code": DENSE,
        "matter_no": DENSE,
        "department": SCRIPT,
        "decision_doc_no": SCRIPT,
        "applicant_name": SCRIPT,
        "documents": [{"name": SCRIPT, "copies": 2}],
        "visits": [{"kind": "inspection", "on": "2026-11-03", "trip": SCRIPT}],
        "slip": slip,
    }
    return decided(running, **(told | more))


def plant(counter: Counter) -> None:
    """In what staff type and are called, and in what others send; beyond the cases themselves."""
    _accounts(counter.world)
    _at_the_desk(counter)
    _on_paper(counter)
    _from_outside(counter)
    _at_the_window(counter)
    _on_the_worklist(counter)


def refuse() -> None:
    """What takes no such text at all says so, and keeps nothing."""
    usual = decided(1).slip
    for field in ("phone", "postcode", "way"):
        with pytest.raises(ValidationError):
            scripted(1, slip=usual.model_dump(exclude_none=True) | {field: SCRIPT})
    for field in ("applicant_id_no", "applicant_kind", "decided_at", "case_no"):
        with pytest.raises(ValidationError):
            scripted(1, **{field: SCRIPT})


def _accounts(world: World) -> None:
    """Names of staff, of departments, of client systems, of printers, of views."""
    for role in Role:
        change_member(world, role.value, SCRIPT, role, None, "test")
    add_member(world, "narrow", SCRIPT, Role.WINDOW, {SCRIPT}, "test")
    with pytest.raises(NotAllowedError):
        add_member(world, DENSE, SCRIPT, Role.WINDOW, None, "test")
    add_client(world, SCRIPT)
    add_printer(world, PrinterAsked(DENSE, "127.0.0.1"), Role.ADMINISTRATOR.value)
    with pytest.raises(NotAllowedError):
        add_printer(world, PrinterAsked("二号机", SCRIPT), Role.ADMINISTRATOR.value)
    for queue in (Queue.TO_PRINT, Queue.TO_RELEASE):
        for owner in (Role.DISPATCH, Role.SUPERVISOR):
            save_view(world, owner.value, queue, DENSE, Filters.from_query("town=a&department=b"), shared=True)


def _at_the_desk(counter: Counter) -> None:
    """What is written down of cases."""
    world, cases = counter.world, counter.cases
    lift(world, cases["to_release"][0], CLERK)
    for case_no in cases["to_release"][:2]:
        hold(world, case_no, SCRIPT, CLERK)
    note_call(world, cases["on_the_way"][0], CLERK, reached=True, result=SCRIPT, slip_changes=True)
    with pytest.raises(NotAllowedError):
        note_call(world, cases["on_the_way"][0], CLERK, reached=True, result=SCRIPT, number=SCRIPT)
    for case_no in cases["closed"][3:]:
        take_testimony(world, case_no, Said(Asked.TELEPHONE, 1, 2, SCRIPT), CLERK)
    rule(world, cases["closed"][3], RECORD, Role.SUPERVISOR.value, SCRIPT)
    log_reveal(world, counter.shipment(cases["on_the_way"][0]).subject, CLERK, SCRIPT)


def _on_paper(counter: Counter) -> None:
    """Lists that are brought, papers that are handed over, fetched and printed again."""
    world, cases = counter.world, counter.cases
    heads = ("办件编号", "事项名称", DENSE)
    for name, first in ((f"{SCRIPT}.csv", heads), (f"{DENSE}.csv", ("办件编号", "申请人", DENSE))):
        rows = [first, *((SCRIPT, SCRIPT, SCRIPT) for _ in range(2))]
        upload(world, name, "\n".join(",".join(map(_cell, row)) for row in rows).encode(), CLERK, None)
    paper = Paper(SCRIPT, DENSE, 1, 0, SCRIPT)
    for case_no in cases["to_issue"][:2]:
        register_paper(world, case_no, paper, CLERK)
    take_paper_back(world, cases["to_issue"][1], CLERK, SCRIPT)
    until_nothing_is_due(world)
    printed = counter.shipment(cases["to_pack"][0]).id
    begin_print(world, [printed], Wish(SheetSize.TWO_PART, CLERK, reason=SCRIPT))
    with world.reading() as session:
        number = session.scalars(select(HandOver.number).order_by(HandOver.made_at)).first()
    sign_list(world, number, DENSE, _drawn(), CLERK)


def _cell(told: str) -> str:
    return '"{}"'.format(told.replace('"', '""'))


def _drawn() -> str:
    out = BytesIO()
    Image.new("RGB", (8, 8), "black").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _from_outside(counter: Counter) -> None:
    """What a post says and where, also of parcels that are nobody's, and what nobody can read."""
    world, cases = counter.world, counter.cases
    road = Road(world, until_nothing_is_due, told=60)
    for case_no in (cases["on_the_way"][0], cases["needs_a_person"][0]):
        road.tell(case_no, "301", text=SCRIPT, place=SCRIPT)
    road.tell(cases["needs_a_person"][0], DENSE, SCRIPT, text=SCRIPT, place=SCRIPT)
    more = {"opDesc": SCRIPT, "opOrgName": SCRIPT, "opName": SCRIPT}
    for number in (road.number(cases["on_the_way"][1]), SCRIPT):
        for code in ("203", SCRIPT):
            push(world, raw_push(world, number, code, world.now().astimezone(SHANGHAI), **more))
    push(world, SCRIPT.encode())
    until_nothing_is_due(world)


def _at_the_window(counter: Counter) -> None:
    """A case whose number is a script too, fetched at the window by somebody with an authority."""
    world = counter.world
    for case_no in (DENSE, f"{DENSE}2"):
        slip = scripted(1).slip.model_dump(exclude_none=True) | {"way": "locker", "point": SCRIPT}
        lodge(world, scripted(990, case_no=case_no, slip=slip), SCRIPT)
    until_nothing_is_due(world)
    pull(world, DENSE, CLERK)
    until_nothing_is_due(world)
    came = Given("", SCRIPT, citizen_number("331127", 991), SCRIPT, signature=_drawn())
    with pytest.raises(NotAllowedError):
        give(world, DENSE, Given("", SCRIPT, SCRIPT, SCRIPT, signature=_drawn()), CLERK)
    give(world, DENSE, came, CLERK)
    counter.cases["scripted"] = [DENSE, f"{DENSE}2"]


def _on_the_worklist(counter: Counter) -> None:
    """Every reason there is, told in such words; one entry is settled so, one opened again, one is somebody's."""
    world = counter.world
    with world.begin() as session:
        subject = counter.shipment(counter.cases["on_the_way"][2]).subject
        for reason in Reason:
            worklist.put(world, session, reason, subject, cause=SCRIPT, detail=SCRIPT)
    settled, again, owned = _entries(world)[:3]
    take(world, number_of(owned.id), CLERK)
    for entry in (settled, again):
        settle_entry(world, number_of(entry.id), CLERK, SCRIPT)
    reopen(world, number_of(again.id), CLERK, SCRIPT)


def _entries(world: World) -> Sequence[Entry]:
    with world.reading() as session:
        return session.scalars(select(Entry).where(Entry.settled_at.is_(None), Entry.cause == SCRIPT)).all()
