"""A script that somebody stored, in whatever text there is, is shown as the text it is, on every page."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from dispatch.console.language import CHINESE, ENGLISH
from dispatch.console.page import case_url
from dispatch.console.site import make_site
from dispatch.staff.role import Role
from dispatch.waybill import Waybill
from dispatch.world import World
from tests.browser.chromium import Window, window
from tests.browser.counter import Counter, furnish
from tests.browser.hostile import DENSE, SCRIPT, plant, refuse, scripted
from tests.browser.routes import Address, pages
from tests.browser.steps import said
from tests.doors.served import served

ALIVE = "img[src=x], img[onerror], svg[onload], [onerror], [onload]"
LEAST_PAGES = 60
"""On so many the planted text is to be read: a test that plants nothing finds nothing."""


@pytest.fixture(scope="module")
def planted(new_centre: Callable[[], AbstractContextManager[World]]) -> Iterator[Counter]:
    """A counter of its own: no other test wants such cases."""
    with new_centre() as world:
        counter = furnish(world, scripted)
        plant(counter)
        yield counter


@pytest.fixture(scope="module")
def site(planted: Counter) -> Iterator[str]:
    with served(make_site(planted.world)) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_what_can_hold_no_script_refuses_it():
    refuse()


def test_a_stored_script_is_text_on_every_page(browser: Browser, planted: Counter, site: str):
    found, read = [], set()
    addresses = [*pages(planted), *_more(planted)]
    for role in {one.role for one in addresses}:
        mine = [one.path for one in addresses if one.role == role]
        for place, language in enumerate((CHINESE, ENGLISH)):
            with window(browser, site, planted.cookies(site, role, language)) as opened:
                for path in mine[place::2]:
                    opened.go(path)
                    found += [f"{path} {language}: {fault}" for fault in _faults(opened)]
                    read |= {path} if _is_read(opened.page) else set()
    assert found == []
    assert len(read) > LEAST_PAGES, sorted(read)


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_it_is_text_where_it_is_revealed(browser: Browser, planted: Counter, site: str, language: str):
    case = case_url(DENSE)
    with window(browser, site, planted.cookies(site, Role.DISPATCH, language)) as opened:
        for path in (case, f"{case}/slip", f"{case}/call"):
            page = opened.go(path)
            form = page.locator("main form[action$='/reveal'], main form[action$='/number']").first
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            form.locator("[name=reason]").fill(SCRIPT)
            form.locator("button").click()
            expect(page.locator("main")).to_contain_text("document.title")
            assert _faults(opened) == [], path


def test_it_is_text_in_what_a_refusal_says_and_an_answer_is_swapped_in(browser: Browser, planted: Counter, site: str):
    with window(browser, site, planted.cookies(site, Role.ADMINISTRATOR, CHINESE)) as opened:
        opened.refused = True
        for path, name in (("/console/printers", DENSE),):
            page = opened.go(path)
            form = page.locator(f"main form[action='{path}']")
            form.locator("[name=name]").fill(name)
            if form.locator("[name=host]").count():
                form.locator("[name=host]").fill("127.0.0.1")
            form.locator("button").click()
            expect(said(page)).to_contain_text(name)
            assert _faults(opened) == [], path


def test_it_is_text_on_the_page_of_the_applicant(browser: Browser, planted: Counter, site: str):
    world = planted.world
    envelope = planted.shipment(planted.cases["on_the_way"][0])
    with world.reading() as session:
        waybill = session.scalars(select(Waybill).where(Waybill.shipment_id == envelope.id)).one()
    with window(browser, site) as opened:
        page = opened.go(f"/t/{world.vault.open(waybill, 'token')}")
        expect(page.locator("body")).to_contain_text("document.title")
        assert _faults(opened) == []


def _more(counter: Counter) -> list[Address]:
    """Pages of a case whose number is a script, and words that come back from an address."""
    at = [case_url(one) for one in counter.cases["scripted"]]
    told = quote(SCRIPT, safe="")
    paths = [f"{one}{part}" for one in at for part in ("/slip", "/call", "/window")]
    paths += [f"/console/find?q={told}", f"/console/find?q={quote(DENSE[:8], safe='')}"]
    paths += [f"/console/queue/to_print?{name}={told}" for name in ("q", "town", "department")]
    paths += [f"/console/audit?{name}={told}" for name in ("subject", "by")]
    return [Address(path, Role.AUDITOR if "audit" in path else Role.DISPATCH) for path in paths]


def _faults(opened: Window) -> list[str]:
    page = opened.page
    found = [f"alive: {one}" for one in page.locator(ALIVE).evaluate_all("all => all.map((one) => one.outerHTML)")]
    found += ["its title is a hit"] if page.title() == "hit" else []
    found += opened.faults
    opened.faults.clear()
    return found


def _is_read(page: Page) -> bool:
    """Whether the words stand there, to be read: in the text, or in what is filled in."""
    told = page.locator("main").inner_text() if page.locator("main").count() else page.locator("body").inner_text()
    filled = page.locator("main input, main option").evaluate_all("all => all.map((one) => one.value)")
    return any("document.title" in one for one in (told, *filled))
