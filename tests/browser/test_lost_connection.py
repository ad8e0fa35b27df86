"""The line is cut, or somebody between answers: the clerk is told, and what was typed is still there."""

import re

import pytest
from playwright.sync_api import expect

from dispatch.console.language import CHINESE, ENGLISH
from dispatch.staff.role import Role
from tests.browser.steps import said

POSTED = re.compile("/call$")
TYPED = "对方说下周三以后都在家，请那时再寄。"
LOST = {CHINESE: "没有连上，没有收到答复", ENGLISH: "Not connected"}


def cut(route):
    if route.request.method == "POST":
        route.abort("connectionfailed")
    else:
        route.continue_()


def gateway(route):
    if route.request.method == "POST":
        route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>")
    else:
        route.continue_()


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
@pytest.mark.parametrize("fails", [cut, gateway])
def test_a_call_that_could_not_be_sent_is_told_and_can_be_sent_again(at_desk, counter, fails, language):
    with at_desk(Role.DISPATCH, language) as window:
        page = window.go(f"/console/case/{counter.cases['on_the_way'][1]}/call")
        page.route(POSTED, fails)
        page.check("#reached")
        page.fill("#result", TYPED)
        page.locator("main form .btn-primary").click()
        expect(said(page)).to_contain_text(LOST[language])
        expect(page.locator("main")).not_to_contain_text("Bad Gateway")
        assert page.input_value("#result") == TYPED
        assert window.violations() == []
        assert window.faults  # the browser told of it too
        window.faults.clear()
        page.unroute(POSTED)
        page.locator("main form .btn-primary").click()
        expect(page.locator("main")).to_contain_text(TYPED)


def test_a_page_that_asks_by_itself_says_nothing_of_a_lost_line(at_desk):
    """It asks again in a few seconds; the numbers stay as they are."""
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.route(re.compile("/counts"), lambda route: route.abort("connectionfailed"))
        page.evaluate("new Promise((done) => document.addEventListener('htmx:sendError', () => setTimeout(done)))")
        expect(said(page)).to_have_count(0)
        expect(page.locator("#queues li").first).to_be_visible()
        window.faults.clear()
