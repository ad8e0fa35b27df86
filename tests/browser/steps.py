"""What a clerk does at the counter, step by step: with mouse and form, as the day's work is made of them."""

import re
from collections.abc import Sequence
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, expect

from dispatch.queues.queue import Queue
from tests.browser.chromium import Window
from tests.browser.counter import PASSWORD

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def sign_in(window: Window, login: str, password: str = PASSWORD) -> Page:
    """Through the form, with Enter at its end."""
    page = window.go("/console")
    page.fill("#login", login)
    page.fill("#password", password)
    page.press("#password", "Enter")
    return page


def open_queue(page: Page, queue: Queue) -> None:
    """By its line in the menu at the side."""
    page.locator(f".queues a[href='/console/queue/{queue}']").click()
    expect(page.locator(".queues a[aria-current]")).to_have_attribute("href", f"/console/queue/{queue}")


def waiting(page: Page, queue: Queue) -> int:
    """How many lie in a queue, as the menu says."""
    return int(page.locator(f".queues a[href='/console/queue/{queue}'] .count").inner_text())


def rows(page: Page) -> Locator:
    """The lines of the list that is open."""
    return page.locator(".rows tbody tr")


def texts(page: Page, column: str) -> Sequence[str]:
    """What stands in a column, by its heading."""
    return page.locator(f".rows tbody td[data-label='{column}']").all_inner_texts()


def tick(page: Page, *numbers: str) -> None:
    """The lines of these numbers; without any, the whole page."""
    if not numbers:
        page.locator("[data-all]").check()
    for number in numbers:
        rows(page).filter(has_text=number).locator("input[name=id]").check()


def narrow(page: Page, **chosen: str) -> None:
    """Set filters, and ask."""
    for name, value in chosen.items():
        field = page.locator(f".filters [name={name}]")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator(".filters button").click()


def said(page: Page) -> Locator:
    """What the page tells of the last deed."""
    return page.locator("#said .alert")


def import_list(page: Page, content: bytes) -> tuple[int, int]:
    """Upload, look at what is wrong, take the good rows; how many were taken, and how many rows were bad."""
    page.goto(urljoin(page.url, "/console/import"))
    page.set_input_files("#file", {"name": "list.xlsx", "mimeType": XLSX, "buffer": content})
    page.locator("form[data-upload] button").click()
    expect(page).to_have_url(re.compile(r"/console/import/[0-9a-f-]{36}"))
    bad = int(page.locator("[data-count=bad]").inner_text())
    assert page.locator(".faults tbody tr").count() >= bad
    with page.expect_download() as loaded:
        page.locator("form[action$='/bad'] button").click()
    assert loaded.value.suggested_filename.endswith(".xlsx")
    page.locator("form[action$='/take'] button").click()
    return int(page.locator("[data-count=new]").inner_text()), bad


def all_that_match(page: Page) -> None:
    """Not only this page."""
    page.locator("[data-all-matching]").check()


def release_all(page: Page) -> None:
    """Everything that waits for its release."""
    open_queue(page, Queue.TO_RELEASE)
    all_that_match(page)
    page.locator("button[formaction='/console/release']").click()
    expect(page).to_have_url(re.compile("/console/batch/"))


def print_all(page: Page) -> None:
    """All labels as one PDF, and the answer that all came out."""
    open_queue(page, Queue.TO_PRINT)
    all_that_match(page)
    page.locator("button[formaction='/console/print']").click()
    expect(page).to_have_url(re.compile("/console/batch/"))
    labels = page.locator("a[href$='labels.pdf']").get_attribute("href")
    drawn = page.context.request.get(urljoin(page.url, labels or ""))
    assert drawn.body().startswith(b"%PDF")
    page.locator("form[action$='/all-out'] button").click()
    expect(said(page)).to_be_visible()


def scan(page: Page, code: str) -> None:
    """As a wedge scanner does: the characters, and Enter."""
    before = page.locator("#scanned").element_handle()
    page.locator("#scan").fill(code)
    page.keyboard.press("Enter")
    page.wait_for_function("(one) => !one.isConnected", arg=before)


def count_out(page: Page) -> None:
    """The collection is begun, and every parcel that is packed counted into it."""
    page.goto(urljoin(page.url, "/console/hand-over"))
    page.locator("form[action$='/open'] button").click()
    page.locator("form[action$='/all'] button").click()
    expect(said(page)).to_be_visible()


def hand_over_all(page: Page) -> None:
    """Given to the postman; the posting list is there to be printed."""
    page.locator("form[action$='/close'] button").click()
    listed = page.locator("a[href*='/console/hand-over/list/'][href$='.pdf']").first.get_attribute("href")
    assert page.context.request.get(urljoin(page.url, listed or "")).body().startswith(b"%PDF")


def solve(page: Page, entry: str) -> None:
    """An entry of the worklist is taken, and the first act that is offered done; two clicks, and what it asks for."""
    page.goto(urljoin(page.url, f"/console/entry/{entry}"))
    page.locator("form[action$='/take'] button").click()
    expect(said(page)).to_be_visible()
    act = page.locator(".remedies form").first
    if act.locator("[name=note]").count():
        act.locator("[name=note]").fill("已电话核实，照此办理")
    act.locator("button").click()
    expect(page).not_to_have_url(re.compile("/console/entry/"))
    expect(said(page)).to_be_visible()
