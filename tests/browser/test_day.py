"""The day's work: a list of two hundred with twelve faults comes in, and in the evening it is on its way."""

import dataclasses
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dispatch.console.site import make_site
from dispatch.packing.pack import to_pack
from dispatch.queues.filters import Filters
from dispatch.queues.look import look
from dispatch.queues.queue import Queue, Scope
from dispatch.staff.member import add_member, change_password
from dispatch.staff.role import Role
from dispatch.world import World
from dispatch.zero_visits.desk import on_the_desk
from tests.browser.chromium import Window, window
from tests.browser.counter import PASSWORD, TROUBLE
from tests.browser.day_list import CASES, FAULTS, issued_list
from tests.browser.steps import (
    count_out,
    hand_over_all,
    import_list,
    open_queue,
    print_all,
    release_all,
    scan,
    sign_in,
    solve,
    waiting,
)
from tests.doors.served import served
from tests.parts import until_nothing_is_due
from tests.rooms.on_the_road import Road

GOOD = CASES - len(FAULTS)
PATIENCE = 300_000
"""Milliseconds: 188 labels are drawn while other tests run beside this one."""
PACKED = 8
"""So many are packed scan by scan; the wrong pair is among them."""


@dataclasses.dataclass
class Day:
    """A counter on which nothing lies yet, and a clerk's browser before it."""

    world: World
    window: Window

    @property
    def page(self) -> Page:
        return self.window.page

    def night(self) -> None:
        """What workers do meanwhile."""
        until_nothing_is_due(self.world)


@pytest.fixture(params=["zh-CN", "en"])
def day(request: pytest.FixtureRequest, browser, post) -> Iterator[Day]:
    settings = post.world.settings.model_copy(update={"item_release": "when_released"})
    world = dataclasses.replace(post.world, settings=settings)
    add_member(world, "chen", "陈示范", Role.DISPATCH, None, "test")
    change_password(world, "chen", PASSWORD)
    with served(make_site(world)) as server:
        home = f"http://127.0.0.1:{server.port}"
        cookie = {"name": "zhuandi_language", "value": request.param, "domain": "127.0.0.1", "path": "/console"}
        with window(browser, home, [cookie]) as opened:
            opened.refused = True  # the wrong pair
            opened.page.set_default_timeout(PATIENCE)
            yield Day(world, opened)


def test_a_morning_s_list_is_on_its_way_in_the_evening(day):
    page = sign_in(day.window, "chen")
    told = import_list(page, issued_list())
    assert told == (GOOD, len(FAULTS))
    assert waiting(page, Queue.TO_RELEASE) == GOOD

    release_all(page)
    day.night()
    open_queue(page, Queue.TO_PRINT)
    printed = waiting(page, Queue.TO_PRINT)
    assert printed > 0
    assert waiting(page, Queue.TO_RELEASE) == 0

    print_all(page)
    open_queue(page, Queue.TO_PACK)
    assert waiting(page, Queue.TO_PACK) == printed

    _pack(day, printed)
    count_out(page)
    hand_over_all(page)
    assert waiting(page, Queue.ON_THE_WAY) == PACKED

    for entry in _trouble(day):
        solve(page, entry)


def _pack(day: Day, printed: int) -> None:
    with day.world.reading() as session:
        pairs = to_pack(session)
    page = day.window.go("/console/pack")
    (paper, _), (_, other) = pairs[:2]
    scan(page, paper)
    scan(page, other)
    stopped = page.get_by_role("alertdialog")
    expect(stopped).to_be_visible()
    page.keyboard.press("Space")
    expect(stopped).to_have_count(0)
    for code, number in pairs[:PACKED]:
        scan(page, code)
        scan(page, number)
        expect(page.locator("#scanned")).to_have_attribute("data-result", "done")
    page.reload()
    assert waiting(page, Queue.TO_HAND_OVER) == PACKED
    assert waiting(page, Queue.TO_PACK) == printed - PACKED


def _trouble(day: Day) -> list[str]:
    """The post tells of what went wrong on the road; the numbers of the entries that came of it."""
    road = Road(day.world, until_nothing_is_due)
    rows = look(day.world, Scope(), Queue.ON_THE_WAY, Filters()).rows
    for row, (code, detail) in zip(rows, TROUBLE, strict=False):
        road.tell(row.case_nos[0], "203")
        road.tell(row.case_nos[0], code, detail)
    found = on_the_desk(day.world)
    assert len(found) >= len(TROUBLE)
    return [one.number for one in found]
