"""Who chooses English reads English: on every page, and in whatever is refused, faulty or told row by row. Names and
what somebody typed stay as they are.
"""

import re
from collections.abc import Callable, Iterable

import pytest
from playwright.sync_api import Page, expect

from dispatch.console.language import ENGLISH
from dispatch.console.page import case_url
from dispatch.staff.member import add_member
from dispatch.staff.role import Role
from samples.people import JINGNING, JINGNING_TOWNS, NAMES
from tests.browser.chromium import Window
from tests.browser.counter import CLIENT, NAMES_OF_STAFF, TROUBLE, Counter
from tests.browser.day_list import DEPARTMENTS, ITEMS
from tests.browser.routes import Address, pages
from tests.browser.steps import sign_in, tick

HAN = re.compile(r"[㐀-鿿。；]")
MASKED = re.compile(r"\S*\*\S*")
TEXTS = """() => {
  const told = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) told.push(walker.currentNode.data);
  for (const one of document.querySelectorAll("[title], [placeholder], [aria-label], [alt]"))
    for (const name of ["title", "placeholder", "aria-label", "alt"]) told.push(one.getAttribute(name) || "");
  return told;
}"""
TYPED = (
    "出证清单.xlsx",
    "外单位.csv",
    "单号",
    "谁",
    "神仙",
    "飞鸽",
    "审批系统",
    "中文",
    *("一号窗热敏机", "一号机", "李科员", "拿错了办件", "查过当天的监控，没有来过", "说去过一次窗口，又去邮局取件"),
)
"""Files and their headings, what stands wrong in them, who sent the cases, why one waits; and the other language."""


def names(counter: Counter) -> list[str]:
    """What is called as it is in any language, the longest first: a part of it may be a name too."""
    post = counter.world.carriers["ems"]
    codes = [post.code_name(code) for pair in (("203", ""), ("704", "10"), *TROUBLE) for code in pair if code]
    called = {*NAMES, *NAMES_OF_STAFF.values(), *DEPARTMENTS, *(item for item, _ in ITEMS), *JINGNING_TOWNS, *codes}
    called |= {*JINGNING, post.title, counter.world.settings.centre.name, CLIENT, *TYPED}
    called |= {f"{one[:13]}…" for one in DEPARTMENTS}  # as a chart has room for
    return sorted((one for one in called if one), key=len, reverse=True)


def chinese(texts: Iterable[str], called: Iterable[str]) -> set[str]:
    """Which texts hold Chinese besides names and what is masked."""
    left = set()
    for told in texts:
        plain = MASKED.sub("", told)
        for name in called:
            plain = plain.replace(name, "")
        if HAN.search(plain):
            left.add(told.strip())
    return left


def every_case(counter: Counter) -> list[Address]:
    """Each has lines that no other has: a paper registered, a hold, a trip that somebody told of."""
    return [Address(case_url(one), Role.DISPATCH) for cases in counter.cases.values() for one in cases]


def test_no_page_says_anything_in_chinese(at_desk, counter):
    called, found = names(counter), {}
    for address in [*pages(counter), *every_case(counter)]:
        with at_desk(address.role, ENGLISH) as window:
            left = chinese(window.go(address.path).evaluate(TEXTS), called)
            found |= {address.path: left} if left else {}
    assert found == {}


def _pack_the_wrong_pair(window: Window, counter: Counter) -> Page:
    one, other = counter.cases["to_pack"][:2]
    page = window.go("/console/pack")
    page.locator(".by-hand summary").click()
    page.fill(".pair [name=paper]", f"{one}-1")
    page.fill(".pair [name=waybill]", _waybill(counter, other))
    page.locator(".pair button").click()
    return page


def _hand_over_what_is_not_packed(window: Window, counter: Counter) -> Page:
    page = window.go("/console/hand-over/ems")
    page.fill("#scan", _waybill(counter, counter.cases["to_pack"][0]))
    page.press("#scan", "Enter")
    return page


def _give_to_somebody_unchecked(window: Window, counter: Counter) -> Page:
    page = window.go(f"/console/case/{counter.cases['to_release'][1]}/window")
    page.locator("#on-paper").check()
    page.get_by_role("button", name="Give out and register").click()
    return page


def _note_a_call_to_no_number(window: Window, counter: Counter) -> Page:
    page = window.go(f"/console/case/{counter.cases['on_the_way'][0]}/call")
    page.locator("#not-reached").check()
    page.fill("#number", "12345")
    page.get_by_role("button", name="Record this call").click()
    return page


def _read_half_an_address(window: Window, counter: Counter) -> Page:
    page = window.go(f"/console/case/{counter.cases['to_release'][1]}/slip")
    page.fill("#address", JINGNING[0])
    page.get_by_role("button", name="Read the address").click()
    return page


def _import_what_is_no_list(window: Window, _: Counter) -> Page:
    page = window.go("/console/import")
    page.set_input_files("#file", {"name": "list.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    page.get_by_role("button", name="Upload and check").click()
    return page


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (_pack_the_wrong_pair, r"^Wrong envelope: document “.*-1” does not belong to waybill \d+; it belongs to"),
        (_hand_over_what_is_not_packed, r"^Waybill \d+ is not packed yet, or handed over already"),
        (_give_to_somebody_unchecked, r"^Check the applicant's ID"),
        (_note_a_call_to_no_number, r"^Wrong telephone number: .* The call was not recorded\.$"),
        (_read_half_an_address, r"^The address is not complete: .* not found"),
        (_import_what_is_no_list, r"^“list\.pdf” is a PDF, not a table"),
    ],
)
def test_what_is_refused_is_told_in_english(at_desk, counter, deed: Callable[[Window, Counter], Page], told: str):
    with at_desk(Role.DISPATCH, ENGLISH) as window:
        window.refused = True
        shown = deed(window, counter).locator("[role=alert], #stop-words").first
        expect(shown).to_have_text(re.compile(told))
        assert chinese([shown.inner_text()], names(counter)) == set()


def test_a_row_that_was_refused_long_ago_is_told_in_english(at_desk, counter):
    """What stands in the batch is a Chinese sentence: the row was done by whoever reads Chinese."""
    held = counter.cases["to_release"][0]
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_release")
        tick(page, held)
        page.fill("#hold-reason", "待签字")
        page.locator("[formaction='/console/hold']").click()
        expect(page.locator("#progress")).to_contain_text("请先解除原来的暂缓")
        at = page.url.removeprefix(window.home)
    with at_desk(Role.DISPATCH, ENGLISH) as window:
        row = window.go(at).locator("#progress tr", has_text=held)
        expect(row).to_contain_text(f"Case “{held}” is on hold already (dispatch ")
        expect(row).to_contain_text("Lift that hold first.")


def test_a_locked_account_is_told_in_english_how_long_it_waits(at_desk, counter):
    add_member(counter.world, "forgetful", "忘性大", Role.WINDOW, None, "test")
    with at_desk(None, ENGLISH) as window:
        window.refused = True
        for _ in range(7):
            page = sign_in(window, "forgetful", "no-such-password")
        expect(page.locator("[role=alert]")).to_have_text(re.compile(r"^Too many wrong passwords: .* \d+ minutes"))


def _waybill(counter: Counter, case_no: str) -> str:
    query = f"SELECT number FROM waybills WHERE shipment_id = '{counter.shipment(case_no).id}' AND voided_at IS NULL"  # noqa: S608
    return counter.found(query)[0]
