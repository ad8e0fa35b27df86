"""One whole day at the counter, in a browser: a list of two hundred comes in, and in the evening all of it is with
the postman; what goes wrong meanwhile is solved where it shows up."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from dispatch.console.language import CHINESE, ENGLISH, gettext_in
from dispatch.console.sentence import said_in
from dispatch.console.site import make_site
from dispatch.packing.pack import pack, to_pack
from dispatch.queues.queue import Queue
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.worklist import WORDS, Entry, Reason
from dispatch.world import World
from tests.browser.chromium import window
from tests.browser.counter import CLERK, NAMES_OF_STAFF, PASSWORD
from tests.browser.day_list import CASES, FAULTS, case_no, issued_list
from tests.browser.steps import ready_to_scan, rows, said, sign_in, waiting
from tests.doors.served import served
from tests.parts import until_nothing_is_due
from tests.rooms.on_the_road import Road

GOOD = CASES - len(FAULTS)
STOPS = 500
"""Beyond that Tab has gone round."""
SCANNED = 3
"""So many envelopes are packed and counted out with the scanner; the others by their functions."""
BUTTONS = {
    "upload": "上传并检查",
    "take": "收下 %(count)s 件",
    "plan": "先试算",
    "release": "放行寄递",
    "print": "打单",
    "all out": "是，%(count)s 张都出来了",
    "begin": "开始交寄",
    "all": "全部计入",
}


@dataclass
class Day:
    """An empty centre in the morning, and a browser before it."""

    world: World
    home: str
    browser: Browser

    def work(self) -> None:
        """What the workers do meanwhile."""
        until_nothing_is_due(self.world)


@pytest.fixture
def day(browser: Browser, new_centre: Callable[[], AbstractContextManager[World]]) -> Iterator[Day]:
    with new_centre() as world:
        for role in (Role.DISPATCH, Role.POST):
            add_member(world, role.value, NAMES_OF_STAFF[role], role, None, "test")
            change_password(world, role.value, PASSWORD)
        with served(make_site(world)) as server:
            yield Day(world, f"http://127.0.0.1:{server.port}", browser)


@dataclass
class Hand:
    """Does what a hand does: with a mouse, or by the keys alone."""

    page: Page
    keys_alone: bool

    def open(self, path: str) -> None:
        """A page of the menu."""
        self.press(self.page.locator(f".side a[href='{path}']"))
        expect(self.page).to_have_url(re.compile(rf"{re.escape(path)}$"))

    def press(self, target: Locator) -> None:
        """A button, or a link."""
        if self.keys_alone:
            self._come_to(target)
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def tick(self, target: Locator) -> None:
        """A box."""
        if self.keys_alone:
            self._come_to(target)
            self.page.keyboard.press("Space")
        else:
            target.check()
        expect(target).to_be_checked()

    def write(self, target: Locator, words: str) -> None:
        """Into a field."""
        if self.keys_alone:
            self._come_to(target)
            self.page.keyboard.insert_text(words)
        else:
            target.fill(words)

    def _come_to(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(STOPS):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {target}")


@pytest.mark.parametrize(("language", "keys_alone"), [(CHINESE, False), (ENGLISH, True)])
def test_a_day_from_the_list_in_the_morning_to_the_postman_in_the_evening(day, language, keys_alone):
    words = {name: gettext_in(language)(word) % {"count": GOOD} for name, word in BUTTONS.items()}
    place = {"url": f"{day.home}/console"}
    with window(day.browser, day.home) as opened:
        opened.refused = True  # the wrong pair
        opened.context.add_cookies([{"name": "zhuandi_language", "value": language, **place}])
        page = sign_in(opened, "dispatch")
        hand = Hand(page, keys_alone)
        import_the_list(hand, words)
        day.work()
        release_all(hand, words)
        day.work()
        print_all(hand, words)
        pack_some_and_a_wrong_pair(day, hand)
        assert all("409" in one for one in opened.faults)  # Chromium notes the refusal of the wrong pair
        opened.faults.clear()
        hand_over_all(hand, opened.home, words)
        assert waiting(page, Queue.ON_THE_WAY) == GOOD
        troubles(day)
        solve_each(day, hand, said_in(language))
        hand.open(f"/console/queue/{Queue.NEEDS_A_PERSON}")
        assert waiting(page, Queue.NEEDS_A_PERSON) == 0


def import_the_list(hand: Hand, words: dict[str, str]) -> None:
    """The twelve faults are told row by row, the good rows go in, and the same list again brings nothing twice."""
    page = hand.page
    sheet = {"name": "11月20日办结.xlsx", "mimeType": "application/octet-stream", "buffer": issued_list()}
    for accepted, repeated in ((GOOD, 0), (0, GOOD)):
        hand.open("/console/import")
        page.set_input_files("#file", sheet)
        hand.press(page.get_by_role("button", name=words["upload"]))
        expect(page.locator("[data-count=new]")).to_have_text(str(accepted))
        expect(page.locator("[data-count=there]")).to_have_text(str(repeated))
        expect(page.locator("[data-count=bad]")).to_have_text(str(len(FAULTS)))
        told = {int(one) for one in page.locator(".faults td.number").all_inner_texts()}
        assert len(told) == len(FAULTS)
        if accepted:
            hand.press(page.get_by_role("button", name=words["take"]))
            expect(page.locator("[data-count=new]")).to_have_text(str(GOOD))


def release_all(hand: Hand, words: dict[str, str]) -> None:
    """All that match, not only the first page; tried first, and nothing is done by trying."""
    page = hand.page
    hand.open(f"/console/queue/{Queue.TO_RELEASE}")
    hand.tick(page.locator("[data-all-matching]"))
    hand.press(page.get_by_role("button", name=words["plan"], exact=True))
    expect(page.locator(".panel").first).to_contain_text(str(GOOD))
    assert waiting(page, Queue.TO_RELEASE) == GOOD
    hand.press(page.get_by_role("button", name=words["release"], exact=True))
    expect(page).to_have_url(re.compile("/console/batch/"))


def print_all(hand: Hand, words: dict[str, str]) -> None:
    """One run; its file is there as often as it is asked for, and then somebody says that all came out."""
    page = hand.page
    hand.open(f"/console/queue/{Queue.TO_PRINT}")
    expect(rows(page).first).to_be_visible()
    assert waiting(page, Queue.TO_PRINT) == GOOD
    hand.tick(page.locator("[data-all-matching]"))
    hand.press(page.get_by_role("button", name=words["print"], exact=True))
    expect(page).to_have_url(re.compile("/console/batch/"))
    for _ in range(2):
        labels = page.context.request.get(page.url.split("?")[0] + "/labels.pdf")
        assert labels.status == 200
        assert labels.body().startswith(b"%PDF")
    hand.press(page.get_by_role("button", name=words["all out"]))
    expect(said(page)).to_be_visible()
    assert waiting(page, Queue.TO_PACK) == GOOD


def scan(page: Page, code: str) -> None:
    """As a wedge scanner types: at once, with Enter at its end, wherever the focus is."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def pack_some_and_a_wrong_pair(day: Day, hand: Hand) -> None:
    """Two scans an envelope; the wrong pair stops everything until a key is pressed, and binds nothing."""
    page = hand.page
    with day.world.reading() as session:
        pairs = to_pack(session)
    hand.open("/console/pack")
    ready_to_scan(page)
    for paper, waybill in pairs[:SCANNED]:
        scan(page, paper)
        expect(page.locator("#scanned")).to_contain_text(paper)
        scan(page, waybill)
        expect(page.locator("#scanned")).to_have_attribute("data-result", "done")
    (paper, _), (_, another) = pairs[SCANNED], pairs[SCANNED + 1]
    scan(page, paper)
    expect(page.locator("#scanned")).to_contain_text(paper)
    scan(page, another)
    expect(page.locator("[data-stop]")).to_be_visible()
    scan(page, another)  # a scan does not end it
    expect(page.locator("[data-stop]")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.locator("[data-stop]")).to_have_count(0)
    with day.world.reading() as session:
        left = to_pack(session)
    assert left == pairs[SCANNED:]
    for document, number in left:
        pack(day.world, document, number, CLERK)


def hand_over_all(hand: Hand, home: str, words: dict[str, str]) -> None:
    """Counted out one by one, the rest at once, and the list in two copies."""
    page = hand.page
    hand.open("/console/hand-over")
    hand.press(page.get_by_role("button", name=words["begin"]))
    ready_to_scan(page)
    numbers = page.locator(".rows td.number").all_inner_texts()[0 : 2 * SCANNED : 2]
    for count, number in enumerate(numbers, start=1):
        scan(page, number)
        expect(page.locator(".tally")).to_contain_text(re.compile(rf"\b{count}\b"))
    hand.press(page.get_by_role("button", name=words["all"]))
    expect(page.locator(".tally")).to_contain_text(str(GOOD))
    hand.press(page.locator("form[action$='/close'] button"))
    expect(page).to_have_url(re.compile(r"/console/hand-over$"))
    listed = page.locator(".rows a.btn[href$='.pdf']").get_attribute("href")
    assert page.context.request.get(f"{home}{listed}").body().startswith(b"%PDF")


NEWS = (
    (Reason.UNKNOWN_CODE, [("ZZ9", "")], "settle"),
    (Reason.SIGNED_WITHOUT_CONSENT, [("704", "20")], "consent"),
    (Reason.ADDRESS_UNCLEAR, [("705", "2")], "settle"),
    (Reason.RECIPIENT_REFUSED, [("705", "7")], "settle"),
    (Reason.RETURNED, [("708", ""), ("711", "")], "send_again"),
    (Reason.LOST, [("987", "")], "lost"),
    (Reason.DELIVERY_REVOKED, [("704", "10"), ("743", "")], "settle"),
)
"""What the post tells of one envelope each, the reason under which it must show up, and what solves it."""


FOLLOWS = {Reason.RETURNING}
"""A return is on its way before it is here."""


def troubles(day: Day) -> None:
    """The post collects them all, and tells bad news of some."""
    road = Road(day.world, until_nothing_is_due)
    places = [place for place in range(1, CASES + 1) if place not in FAULTS]
    for place, (_, news, _) in zip(places, NEWS, strict=False):
        road.tell(case_no(place), "203")
        for code, detail in news:
            road.tell(case_no(place), code, detail)


def solve_each(day: Day, hand: Hand, say: Callable[[str], str]) -> None:
    """Each under its reason; open the entry, press the button, and it is done."""
    page = hand.page
    for reason, _, remedy in NEWS:
        hand.open(f"/console/queue/{Queue.NEEDS_A_PERSON}")
        mine = rows(page).filter(has_text=f"{say(WORDS[reason].reason)} →")
        assert mine.count() >= 1, f"nothing shows up as {WORDS[reason].reason}"
        while mine.count():
            hand.press(mine.first.locator("a").first)
            expect(page).to_have_url(re.compile("/console/entry/"))
            form = page.locator(f"form.remedy:has(input[name=remedy][value={remedy}])")
            expect(form, f"{WORDS[reason].reason}: {remedy}").to_have_count(1)
            for note in form.locator("textarea").all():
                hand.write(note, "已与收件人电话核实，按其要求处理。")
            hand.press(form.locator("button"))
            expect(said(page)).to_be_visible()
            day.work()
            hand.open(f"/console/queue/{Queue.NEEDS_A_PERSON}")
    rest(day, hand)


def rest(day: Day, hand: Hand) -> None:
    """What the news brought up beside them is settled with a note, and nothing else is."""
    page = hand.page
    with day.world.reading() as session:
        left = set(session.scalars(select(Entry.reason).where(Entry.settled_at.is_(None))))
    assert left <= FOLLOWS
    hand.open(f"/console/queue/{Queue.NEEDS_A_PERSON}")
    while rows(page).count():
        hand.press(rows(page).first.locator("a").first)
        expect(page).to_have_url(re.compile("/console/entry/"))
        form = page.locator("form.remedy:has(input[name=remedy][value=settle])")
        hand.write(form.locator("textarea"), "已核实。")
        hand.press(form.locator("button"))
        expect(said(page)).to_be_visible()
        day.work()
        hand.open(f"/console/queue/{Queue.NEEDS_A_PERSON}")
