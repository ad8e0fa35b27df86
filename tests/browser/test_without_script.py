"""With JavaScript off the queues are looked through, filtered, kept and left all the same."""

import re

from playwright.sync_api import expect

from dispatch.queues.queue import Queue
from dispatch.staff.role import Role
from tests.browser.counter import SOME
from tests.browser.steps import open_queue, rows, said, sign_in, texts


def test_a_clerk_signs_in_and_goes_through_the_queues(at_desk):
    with at_desk(None, java_script_enabled=False) as window:
        page = sign_in(window, "dispatch")
        expect(page).to_have_url(re.compile("/console/queue/to_release"))
        open_queue(page, Queue.TO_PRINT)
        assert rows(page).count() == SOME
        page.locator("tbody input[name=id]").first.check()


def test_the_filters_and_the_views_are_forms(at_desk):
    with at_desk(Role.DISPATCH, java_script_enabled=False) as window:
        page = window.go("/console/queue/to_print")
        [first, *_] = texts(page, "运单号")
        page.fill(".filters [name=q]", first)
        page.locator(".filters button").click()
        assert texts(page, "运单号") == [first]
        page.locator(".keep summary").click()
        page.fill(".keep [name=title]", "这一件")
        page.locator(".keep button").click()
        expect(said(page)).to_have_text("视图已保存。")
        page.get_by_role("button", name="删除视图").click()
        expect(said(page)).to_have_text("视图已删除。")


def test_the_desk_is_locked_and_left(at_desk):
    with at_desk(Role.DISPATCH, java_script_enabled=False) as window:
        page = window.go("/console/queue/to_pack")
        page.get_by_role("button", name="锁屏").click()
        expect(page.locator("h1")).to_have_text("已锁屏")
        page.get_by_role("button", name="退出").click()
        expect(page.locator("h1")).to_have_text("登录")
