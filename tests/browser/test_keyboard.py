"""Without a mouse: Tab comes to everything, where one is can be seen, and the desk's own keys do what they say."""

import pytest
from playwright.sync_api import Page, expect

from dispatch.staff.role import Role
from tests.browser.routes import pages

STOPS = """() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const all = Array.from(document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"));
  const radios = new Set();
  const reached = (one) => {
    if (one.disabled || !one.checkVisibility()) return false;
    if (one.type !== "radio") return true;
    const first = !radios.has(one.name);
    radios.add(one.name);
    return first;
  };
  const stops = all.filter(reached);
  stops.forEach((one, number) => { one.dataset.walked = String(number); });
  return stops.map((one) => one.outerHTML.slice(0, 120));
}"""
WHERE = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  const seen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const group = here.type === "radio" && document.querySelector(`[name="${here.name}"][data-walked]`);
  return {stop: (group || here).dataset.walked || "", seen, what: here.outerHTML.slice(0, 120)};
}"""
PARTS = 5
"""A field of a date has so many stops of its own at most."""


def _walk(page: Page) -> tuple[list[str], list[str]]:
    """What Tab does not come to, and where it cannot be seen that one is."""
    stops = page.evaluate(STOPS)
    reached, unseen = set(), set()
    for _ in range(len(stops) * PARTS):
        page.keyboard.press("Tab")
        here = page.evaluate(WHERE)
        if here["stop"]:
            reached.add(int(here["stop"]))
            if not here["seen"]:
                unseen.add(here["what"])
        if len(reached) == len(stops):
            break
    return [what for number, what in enumerate(stops) if number not in reached], sorted(unseen)


def test_tab_comes_to_everything_on_every_page_and_shows_where_it_is(at_desk, counter):
    for address in pages(counter):
        with at_desk(address.role) as window:
            missed, unseen = _walk(window.go(address.path))
            assert (missed, unseen) == ([], []), address.path


def test_the_first_stop_leads_past_the_menus(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("跳到正文")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_j_and_k_walk_along_the_rows_and_x_ticks(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        boxes = page.locator("tbody input[name=id]")
        page.keyboard.press("j")
        expect(boxes.nth(0)).to_be_focused()
        page.keyboard.press("j")
        expect(boxes.nth(1)).to_be_focused()
        page.keyboard.press("x")
        expect(boxes.nth(1)).to_be_checked()
        page.keyboard.press("k")
        expect(boxes.nth(0)).to_be_focused()
        expect(boxes.nth(0)).not_to_be_checked()


def test_the_slash_leads_to_the_search_and_a_letter_typed_there_is_a_letter(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.keyboard.press("/")
        expect(page.locator("#find")).to_be_focused()
        page.keyboard.type("jx/k")
        expect(page.locator("#find")).to_have_value("jx/k")


@pytest.mark.parametrize("key", ["j", "k", "x", "/"])
def test_a_key_held_with_another_is_the_browsers(at_desk, key):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.keyboard.press(f"Alt+{key}")
        assert page.evaluate("document.activeElement === document.body")


def test_the_keys_are_told_and_can_be_turned_off(at_desk):
    """Whoever speaks to the machine types letters by accident (WCAG 2.1.4)."""
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.keyboard.press("?")
        page.get_by_label("启用快捷键").uncheck()
        page = window.go("/console/queue/to_print")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement === document.body")
