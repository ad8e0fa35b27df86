"""The desk locks under somebody's hands, or is clicked twice: what was typed stays, and nothing is sent twice."""

import re
from datetime import datetime, timedelta

from playwright.sync_api import expect
from sqlalchemy import text

from dispatch.hall_time import SHANGHAI
from dispatch.staff.role import Role
from tests.browser.counter import PASSWORD
from tests.browser.steps import said

TYPED = "本人说地址没有变，周末在家。"


def lie_idle(counter) -> None:
    """Every session at the counter was last used yesterday."""
    with counter.world.begin() as session:
        seen = datetime.now(SHANGHAI) - timedelta(days=1)
        session.execute(text("UPDATE staff_sessions SET seen_at = :seen"), {"seen": seen})


def fill(window, counter, number: int):
    page = window.go(f"/console/case/{counter.cases['on_the_way'][number]}/call")
    page.check("#reached")
    page.fill("#result", TYPED)
    return page


def unlock(window, page, link):
    with window.context.expect_page() as opened:
        link.click()
    other = opened.value
    other.fill("#password", PASSWORD)
    other.get_by_role("button", name="解锁").click()
    expect(other).not_to_have_url(re.compile("/console/locked"))
    other.close()


def test_a_form_that_is_sent_to_a_locked_desk_stays_and_is_sent_after_unlocking(at_desk, counter):
    with at_desk(Role.DISPATCH) as window:
        window.refused = True
        page = fill(window, counter, 2)
        page.route(re.compile("/counts"), lambda route: route.abort())  # the press comes before the next look
        lie_idle(counter)
        page.locator("main form .btn-primary").click()
        expect(said(page)).to_contain_text("已锁屏，没有办")
        assert page.input_value("#result") == TYPED
        assert window.violations() == []
        unlock(window, page, said(page).locator("a"))
        page.locator("main form .btn-primary").click()
        expect(page.locator("main")).to_contain_text("电联已记")
        window.faults.clear()


def test_a_page_with_something_typed_is_covered_while_the_desk_is_locked(at_desk, counter):
    with at_desk(Role.DISPATCH) as window:
        page = fill(window, counter, 3)
        lie_idle(counter)
        expect(said(page)).to_contain_text("已锁屏")
        expect(page.locator("#result")).to_be_hidden()
        unlock(window, page, said(page).locator("a"))
        expect(page.locator("#result")).to_be_visible()
        assert page.input_value("#result") == TYPED


def test_a_page_with_nothing_typed_is_left_and_comes_back_to_itself(at_desk, counter):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print?q=nothing")
        lie_idle(counter)
        expect(page).to_have_url(re.compile("/console/locked"))
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="解锁").click()
        expect(page).to_have_url(re.compile(r"/console/queue/to_print\?q=nothing$"))


def test_two_clicks_send_a_form_once(at_desk, counter):
    """By htmx and plainly."""
    with at_desk(Role.DISPATCH) as window:
        sent = []
        window.context.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
        page = fill(window, counter, 4)
        page.locator("main form .btn-primary").dblclick()
        expect(page.locator("main")).to_contain_text("电联已记")
        assert len([url for url in sent if url.endswith("/call")]) == 1
        page.locator("form[action$='/call/number'] button").dblclick()
        expect(page.locator("form[action$='/call/number']")).to_have_count(0)
        assert len([url for url in sent if url.endswith("/call/number")]) == 1
