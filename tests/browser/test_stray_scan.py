"""A scan where nothing is scanned is looked for, and presses no button, whatever is ticked or has the focus."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from dispatch.console.page import PAGES
from dispatch.staff.role import Role
from tests.browser.counter import Counter

WAYBILL = "1100000000001"
QR = "https://post.example.gov.cn/t/Qm5xprv7rvp2"
"""Every key that does something stands in it."""
WITH_KEYS = "SF-rvpxr/0042p"
UNHURRIED = 300
"""Milliseconds between the keys of a hand that hesitates."""


APART = 0.005
"""Seconds between two keys of a scanner, by the machine's own clock: however slowly a busy one hears of them."""


def scan(page: Page, code: str, end: str = "Enter") -> None:
    """As a wedge scanner types: to whatever has the focus."""
    wire, at = page.context.new_cdp_session(page), time()
    for key in [*code, *([end] if end else [])]:
        at += APART
        pressed = {"key": key, "timestamp": at, "text": key} | ENDS.get(key, {})
        for kind in ("keyDown", "keyUp"):
            wire.send("Input.dispatchKeyEvent", {"type": kind, **pressed})
    wire.detach()


ENDS = {
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Tab": {"code": "Tab", "windowsVirtualKeyCode": 9, "text": ""},
}


def done_so_far(counter: Counter) -> Sequence[str]:
    """Whatever a button of these pages leaves behind."""
    said = ("SELECT count(*) FROM batches", "SELECT count(*) FROM audit_log WHERE deed <> 'sign_in'")
    return [one for statement in said for one in counter.found(statement)]


@contextmanager
def looked_for(page: Page, code: str) -> Iterator[None]:
    """Meanwhile this is asked for, and an answer comes."""
    with page.expect_request(lambda asked: _looks_for(asked.url) == [code]):
        yield
    expect(page).to_have_url(re.compile("/console/(find|case/)"))


def _looks_for(url: str) -> Sequence[str]:
    told = urlsplit(url)
    return parse_qs(told.query).get("q", []) if told.path == "/console/find" else []


@pytest.mark.parametrize("code", [WAYBILL, WITH_KEYS])
@pytest.mark.parametrize("end", ["Enter", "Tab"])
@pytest.mark.parametrize("queue", ["to_print", "to_release"])
def test_with_rows_ticked_a_scan_is_looked_for_and_nothing_is_printed_or_released(at_desk, counter, queue, end, code):
    """The Enter of the scanner pressed 打单; an r in the code released all that was ticked."""
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go(f"/console/queue/{queue}")
        boxes = page.locator("tbody input[name=id]")
        boxes.nth(0).click()
        boxes.nth(1).click()
        expect(boxes.nth(1)).to_be_focused()
        with looked_for(page, code):
            scan(page, code, end)
    assert done_so_far(counter) == before


@pytest.mark.parametrize("queue", ["to_print", "to_release"])
def test_the_qr_code_of_a_label_is_looked_for_whole(at_desk, counter, queue):
    """The p of https pressed 打单, and its slash led the rest into the search box."""
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go(f"/console/queue/{queue}")
        page.locator("tbody input[name=id]").first.click()
        with looked_for(page, QR):
            scan(page, QR)
    assert done_so_far(counter) == before


def test_a_scan_on_the_page_of_a_batch_opens_no_labels(at_desk, counter):
    [batch] = counter.found("SELECT batch_id FROM print_runs WHERE answered_at IS NULL ORDER BY id DESC LIMIT 1")
    before = done_so_far(counter)
    for code in (QR, WAYBILL):
        with at_desk(Role.DISPATCH) as window:
            page = window.go(f"/console/batch/{batch}")
            expect(page.locator("[data-key=p]")).to_be_focused()
            with looked_for(page, code):
                scan(page, code)
            assert window.context.pages == [page]
    assert done_so_far(counter) == before


def test_a_scan_on_the_trial_of_a_release_releases_nothing(at_desk, counter):
    """放行寄递 has the focus there."""
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_release")
        page.locator("tbody input[name=id]").nth(1).check()
        page.get_by_role("button", name="先试算").click()
        expect(page.locator("[data-key=r]")).to_be_focused()
        with looked_for(page, WITH_KEYS):
            scan(page, WITH_KEYS)
    assert done_so_far(counter) == before


def test_a_scan_while_the_scripts_of_a_trial_are_still_fetched_releases_nothing(at_desk, counter):
    """放行寄递 had the focus from the first picture on, and on a slow network its guard came seconds later."""
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_release")
        page.locator("tbody input[name=id]").nth(1).check()
        fetched: list[Route] = []

        def holds(route: Route) -> None:
            fetched.append(route)

        page.route(re.compile("/burst|/console[^/]*[.]js"), holds)
        page.get_by_role("button", name="先试算").click(no_wait_after=True)
        button = page.locator("[data-key=r]").and_(page.locator("[data-first]"))
        expect(button).to_be_visible()
        page.wait_for_timeout(UNHURRIED)  # an `autofocus` comes with a picture
        scan(page, WITH_KEYS)
        page.wait_for_timeout(UNHURRIED)
        assert fetched
        for one in fetched:
            one.continue_()
        expect(button).to_be_focused()
    assert done_so_far(counter) == before


@pytest.mark.parametrize("end", ["", "Enter"])
def test_a_scanner_of_which_the_end_or_the_hurry_is_missing_presses_nothing_either(at_desk, counter, end):
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.locator("tbody input[name=id]").first.click()
        if end:
            page.keyboard.type("kp2p", delay=60)
            page.keyboard.press(end)
        else:
            scan(page, "kp2p", "")
        page.wait_for_timeout(UNHURRIED)
        expect(page).to_have_url(re.compile("/console/queue/to_print$"))
    assert done_so_far(counter) == before


def test_whoever_sees_no_search_presses_nothing_by_a_scan(at_desk, counter):
    before = done_so_far(counter)
    with at_desk(Role.POST) as window:
        page = window.go("/console/queue/to_print")
        page.locator("tbody input[name=id]").first.click()
        scan(page, QR)
        page.wait_for_timeout(UNHURRIED)
        expect(page).to_have_url(re.compile("/console/queue/to_print$"))
        expect(page.locator("tbody input[name=id]").first).to_be_checked()
    assert done_so_far(counter) == before


def test_a_choice_of_a_list_is_as_it_was_before_the_scan(at_desk):
    """Its letters are those of printers' names and of sizes."""
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.focus("#print-size")
        page.evaluate("() => document.getElementById('find').form.addEventListener('submit', () => {})")
        page.evaluate(
            "() => { document.getElementById('find').form.submit = () => { document.body.dataset.asked = 1; }; }"
        )
        chosen = page.input_value("#print-size")
        scan(page, "7612345")
        expect(page.locator("body[data-asked]")).to_have_count(1)
        assert page.input_value("#print-size") == chosen


def test_a_field_for_codes_takes_a_scan_as_it_did(at_desk, counter):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.focus(".filters [name=q]")
        scan(page, WAYBILL)
        expect(page).to_have_url(re.compile(f"/console/queue/to_print\\?q={WAYBILL}"))
        page = window.go("/console/reprint")
        scan(page, WAYBILL)
        expect(page.locator("#number")).to_have_value(WAYBILL)
        page = window.go("/console/queue/to_print")
        page.keyboard.press("/")
        page.wait_for_timeout(UNHURRIED)
        scan(page, counter.cases["to_print"][0])
        expect(page).to_have_url(re.compile("/console/case/"))


def test_in_a_field_of_words_a_scan_stays_and_sends_nothing(at_desk, counter):
    [batch] = counter.found("SELECT batch_id FROM print_runs WHERE answered_at IS NULL ORDER BY id DESC LIMIT 1")
    before = done_so_far(counter)
    with at_desk(Role.DISPATCH) as window:
        page = window.go(f"/console/batch/{batch}")
        page.focus("#why")
        scan(page, WAYBILL)
        expect(page.locator("#why")).to_have_value(WAYBILL)
        expect(page).to_have_url(re.compile(batch))
        page.locator("[data-key=p]").focus()
        scan(page, "2200000000002")  # what is written there is not left for it
        expect(page.locator("#find")).to_have_value("2200000000002")
        expect(page.locator("#find")).to_be_focused()
        expect(page).to_have_url(re.compile(batch))
        with looked_for(page, "2200000000002"):
            page.keyboard.press("Enter")
    assert done_so_far(counter) == before


def test_the_keys_still_do_what_they_say(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_release")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.locator("tbody input[name=id]").first).to_be_checked()
        page.keyboard.press("Enter")  # no button has the focus
        page.wait_for_timeout(UNHURRIED)
        expect(page).to_have_url(re.compile("/console/queue/to_release$"))
        page.keyboard.press("v")
        expect(page).to_have_url(re.compile("/console/release/plan$"))


def test_every_key_that_does_something_is_told(at_desk):
    keys = {key for page in Path(PAGES).glob("*.html") for key in re.findall(r'data-key="(.)"', page.read_text())}
    assert {"p", "r", "v"} <= keys
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_release")
        told = page.locator("#keys kbd").all_text_contents()
    assert keys <= set(told)
