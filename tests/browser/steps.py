"""What a clerk does at the counter, step by step: with mouse and form, as the day's work is made of them."""

from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

from dispatch.queues.queue import Queue
from tests.browser.chromium import Window
from tests.browser.counter import PASSWORD


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


def ready_to_scan(page: Page) -> None:
    """As a clerk sees it: the page stands and the cursor is in its box. What a scanner typed before is nobody's."""
    page.wait_for_load_state()
    expect(page.locator("[data-scan-box]")).to_be_focused()
