"""Every act that solves an entry of the worklist, pressed in a browser: what a page offers can be done there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from uuid_utils.compat import uuid7

from dispatch import worklist
from dispatch.approval.case import find_case
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold, release
from dispatch.console.language import CHINESE, ENGLISH
from dispatch.console.site import make_site
from dispatch.journey import Act
from dispatch.label.print_sheets import Wish, begin_print, holding
from dispatch.label.printer import print_subject
from dispatch.label.sheet import SheetSize
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import act, lock
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.tracking.push import Push
from dispatch.worklist import Entry, Reason
from dispatch.world import World
from dispatch.zero_visits.put_right.remedy import Remedy
from dispatch.zero_visits.settle import number_of
from tests.browser.chromium import window
from tests.browser.counter import CLERK, PASSWORD, Counter, decided
from tests.browser.steps import said
from tests.doors.served import served
from tests.parts import until_nothing_is_due
from tests.rooms.carriers import own_people
from tests.rooms.on_the_road import Road
from tests.rooms.road_steps import SETTLE_DOUBT, make_due, phone, with_account

NOTE = "已与收件人电话核实，按其要求处理。"
IN_DOUBT = 23
"""The sandbox post answers 503 to whoever has this at the end of the telephone number: nobody knows."""


@dataclass(frozen=True)
class Row:
    """An entry as it comes about. `news`: what the post tells; `acts`: done to the envelope beforehand."""

    reason: Reason
    at: str  # where the case stands: waiting, doubt, booked, printed, silent (away untold), away, or nowhere
    news: tuple[tuple[str, str], ...] = ()
    acts: tuple[Act, ...] = ()


ROWS = {
    Remedy.LOOK_UP: Row(Reason.BOOKING_IN_DOUBT, "doubt"),
    Remedy.ADOPT: Row(Reason.BOOKING_IN_DOUBT, "doubt"),
    Remedy.NEVER_PLACED: Row(Reason.BOOKING_IN_DOUBT, "doubt"),
    Remedy.BOOK_AGAIN: Row(Reason.REFUSED_BY_CARRIER, "doubt", acts=(Act.REFUSE,)),
    Remedy.REROUTE: Row(Reason.REFUSED_BY_CARRIER, "doubt", acts=(Act.REFUSE,)),
    Remedy.CALL_OFF: Row(Reason.DEADLINE_NEAR, "booked"),
    Remedy.CANCELLED: Row(Reason.NOT_CANCELLED, "booked", acts=(Act.VOID,)),
    Remedy.KEEP_LABEL: Row(Reason.NOT_CANCELLED, "booked", acts=(Act.VOID,)),
    Remedy.ASK: Row(Reason.ADDRESS_UNCLEAR, "away", (("705", "2"),)),
    Remedy.PUT_BACK: Row(Reason.NOT_COLLECTED, "silent"),
    Remedy.RECEIVED: Row(Reason.DELIVERY_REVOKED, "away", (("704", "10"), ("743", ""))),
    Remedy.SEND_AGAIN: Row(Reason.RETURNED, "away", (("708", ""), ("711", ""))),
    Remedy.KEEP_HERE: Row(Reason.RETURNED, "away", (("708", ""), ("711", ""))),
    Remedy.LOST: Row(Reason.LOST, "away", (("987", ""),)),
    Remedy.CONSENT: Row(Reason.SIGNED_WITHOUT_CONSENT, "away", (("704", "20"),)),
    Remedy.TRY_NOW: Row(Reason.JOB_STUCK, "away"),
    Remedy.READ_AGAIN: Row(Reason.UNREADABLE_PUSH, "nowhere"),
    Remedy.LIFT: Row(Reason.ON_HOLD, "waiting"),
    Remedy.RELEASE: Row(Reason.NOT_RELEASED, "waiting"),
    Remedy.PAPER: Row(Reason.PAPER_LATE, "waiting"),
    Remedy.LAPSE: Row(Reason.KEPT_TOO_LONG, "waiting"),
    Remedy.COUNT_SHEETS: Row(Reason.PRINT_UNKNOWN, "printed"),
    Remedy.SETTLE: Row(Reason.UNKNOWN_CODE, "away", (("ZZ9", ""),)),
}
NUMBERS = {remedy: running for running, remedy in enumerate(ROWS, start=1)}


def case_no(remedy: Remedy) -> str:
    return decided(NUMBERS[remedy]).case_no


@pytest.fixture
def desk(new_centre: Callable[[], AbstractContextManager[World]], tmp_path: Path) -> Iterator[tuple[World, str]]:
    """A counter at which one entry waits for each remedy: its world, and where its site is served."""
    with new_centre() as world, own_people(tmp_path) as (_, by_hand):
        add_member(world, CLERK, "陈示范", Role.DISPATCH, None, "test")
        change_password(world, CLERK, PASSWORD)
        prepare(with_account(world, repeats_are_idempotent=False))
        both = replace(world, carriers={**world.carriers, "by_hand": by_hand})
        with served(make_site(both)) as server:
            yield both, f"http://127.0.0.1:{server.port}"


def prepare(world: World) -> None:
    """Each case to where its row says."""
    counter = Counter(world)
    for remedy, row in ROWS.items():
        running = NUMBERS[remedy]
        slip = decided(running).slip.model_dump() | (phone(IN_DOUBT, running) if row.at == "doubt" else {})
        lodge(world, decided(running, slip=slip, paper_ready=remedy is not Remedy.PAPER), "审批系统")
    until_nothing_is_due(world)
    for remedy, row in ROWS.items():
        if row.at not in {"waiting", "nowhere"}:
            release(world, case_no(remedy), CLERK)
    until_nothing_is_due(world)
    make_due(world, SETTLE_DOUBT)
    until_nothing_is_due(world)
    send_away(world, [case_no(remedy) for remedy, row in ROWS.items() if row.at in {"silent", "away"}])
    for remedy, row in ROWS.items():
        tell(world, remedy, row)
    for remedy, row in ROWS.items():  # nothing is worked on after this: it would settle what only waits for that
        bring_about(counter, remedy, row)


def send_away(world: World, chosen: list[str]) -> None:
    """Printed, packed and handed over."""
    with world.reading() as session:
        envelopes = holding(session, chosen)
    begin_print(world, envelopes, Wish(SheetSize.TWO_PART, CLERK))
    with world.reading() as session:
        pairs = to_pack(session)
    for code, number in pairs:
        pack(world, code, number, CLERK)
    hand_over(world, "ems", CLERK)


def tell(world: World, remedy: Remedy, row: Row) -> None:
    """What the post tells of it; and a push that cannot be read."""
    if row.at == "away":
        road = Road(world, until_nothing_is_due, told=NUMBERS[remedy])
        for code, detail in (("203", ""), *row.news):
            road.tell(case_no(remedy), code, detail)


def bring_about(counter: Counter, remedy: Remedy, row: Row) -> None:
    """The entry itself, where no news brought it: as the room that notices it puts it there."""
    world = counter.world
    if remedy is Remedy.READ_AGAIN:
        with world.begin() as session:
            unread = Push(id=uuid7(), carrier="ems", digest=b"1" * 32, source="x", received_at=world.now())
            world.vault.seal(unread, "raw", "?")
            session.add(unread)
    if remedy is Remedy.LIFT:
        hold(world, case_no(remedy), "原证未收回", CLERK)
    with world.begin() as session:
        subject = subject_of(counter, remedy, row)
        if row.acts:
            for deed in row.acts:
                act(world, session, lock(session, counter.shipment(case_no(remedy)).id), deed)
        if not row.news:
            worklist.put(world, session, row.reason, subject, cause="x", detail="电话告知")


def subject_of(counter: Counter, remedy: Remedy, row: Row) -> str:
    """What the entry is about."""
    if row.at == "waiting":
        with counter.world.reading() as session:
            return find_case(session, case_no(remedy)).subject
    if row.at == "nowhere":
        with counter.world.reading() as session:
            return session.scalars(select(Push)).one().subject
    if row.at == "printed":
        with counter.world.reading() as session:
            envelopes = holding(session, [case_no(remedy)])
        return print_subject(begin_print(counter.world, envelopes, Wish(SheetSize.TWO_PART, CLERK)))
    return counter.shipment(case_no(remedy)).subject


def entry_of(world: World, remedy: Remedy) -> Entry:
    """The entry that waits for it."""
    row, counter = ROWS[remedy], Counter(world)
    with world.reading() as session:
        asked = select(Entry).where(Entry.reason == row.reason, Entry.settled_at.is_(None))
        if row.at not in {"printed", "nowhere"}:
            asked = asked.where(Entry.subject == subject_of(counter, remedy, row))
        found = session.scalars(asked.order_by(Entry.opened_at)).first()
    assert found is not None, remedy
    return found


def test_every_remedy_there_is_stands_in_this_table():
    assert ROWS.keys() == set(Remedy)


def test_every_remedy_is_there_and_does_what_it_says_in_both_languages(browser: Browser, desk):
    world, home = desk
    counter = Counter(world)
    for place, language in enumerate((CHINESE, ENGLISH)):
        with window(browser, home, counter.cookies(home, Role.DISPATCH, language)) as opened:
            for remedy in list(ROWS)[place::2]:
                press(opened.go(f"/console/entry/{number_of(entry_of(world, remedy).id)}"), remedy)


def press(page: Page, remedy: Remedy) -> None:
    """Its own form, filled in; no other stands in for it."""
    form = page.locator(f"form.remedy:has(input[name=remedy][value={remedy}])")
    expect(form, remedy).to_have_count(1)
    for field, value in (("note", NOTE), ("waybill", "1100000999999"), ("sheets", "1"), ("given_by", "李科员")):
        if form.locator(f"[name={field}]").count():
            form.locator(f"[name={field}]").fill(value)
    if form.locator("[name=carrier]").count():
        form.locator("[name=carrier]").select_option("by_hand")
    form.locator("button").click()
    expect(said(page), remedy).to_have_class("alert alert-success")
