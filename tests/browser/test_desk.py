"""A clerk comes in, looks through the queues, keeps a view, locks the desk, changes the language."""

import re

from playwright.sync_api import expect

from dispatch.queues.queue import Queue
from dispatch.staff.role import Role
from tests.browser.counter import PASSWORD, SOME
from tests.browser.day_list import DEPARTMENTS
from tests.browser.steps import narrow, open_queue, rows, said, sign_in, texts, tick, waiting


def test_a_clerk_signs_in_and_sees_what_waits_in_each_queue(at_desk):
    with at_desk(None) as window:
        page = sign_in(window, "dispatch")
        expect(page).to_have_url(re.compile(r"/console/queue/to_release$"))
        for queue in (Queue.TO_ISSUE, Queue.TO_RELEASE, Queue.TO_PRINT, Queue.TO_PACK, Queue.TO_HAND_OVER):
            open_queue(page, queue)
            assert waiting(page, queue) == rows(page).count() == SOME
        open_queue(page, Queue.TO_RELEASE)
        expect(rows(page).filter(has_text="暂缓寄递")).to_have_count(1)


def test_a_name_is_masked_wherever_it_stands(at_desk, counter):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        assert all(re.fullmatch(r".\*+", name) for name in texts(page, "收件人"))
        assert "139000" not in page.content()


def test_the_posts_clerk_sees_the_desk_and_nothing_else(at_desk):
    with at_desk(None) as window:
        page = sign_in(window, "post")
        expect(page).to_have_url(re.compile(r"/console/queue/to_print$"))
        assert page.locator(".queues li").count() == 3
        expect(page.locator(".rows a")).to_have_count(0)


def test_filters_stand_in_the_address_and_are_kept_under_a_name(at_desk):
    with at_desk(Role.DISPATCH) as window, at_desk(Role.WINDOW) as other:
        page = window.go("/console/queue/to_print")
        narrow(page, department=DEPARTMENTS[1])
        assert "department=" in page.url
        assert 0 < rows(page).count() < SOME
        page.locator(".keep summary").click()
        page.fill(".keep [name=title]", "卫健局的")
        page.locator(".keep [name=shared]").check()
        page.locator(".keep button").click()
        expect(said(page)).to_have_text("视图已保存。")
        shared = other.go("/console/queue/to_print").locator(".view", has_text="卫健局的")
        shared.click()
        assert other.page.locator(".filters [name=department]").input_value() == DEPARTMENTS[1]
        expect(other.page.get_by_role("button", name="删除视图")).to_have_count(0)  # it is not theirs
        page.locator(".view", has_text="卫健局的").click()
        page.get_by_role("button", name="删除视图").click()
        expect(said(page)).to_have_text("视图已删除。")
        expect(page.locator(".view")).to_have_count(0)


def test_ticking_counts_and_the_box_at_the_head_ticks_the_page(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        tick(page)
        assert page.locator("input[name=id]:checked").count() == SOME
        page.locator("[data-all]").uncheck()
        tick(page, texts(page, "运单号")[0])
        assert page.locator("input[name=id]:checked").count() == 1


def test_a_locked_desk_shows_nothing_and_opens_where_one_was(at_desk):
    with at_desk(Role.WINDOW) as window:
        page = window.go("/console/queue/to_issue?q=331127")
        page.get_by_role("button", name="锁屏").click()
        expect(page).to_have_url(re.compile("/console/locked"))
        expect(page.locator(".side, .rows, .find")).to_have_count(0)
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="解锁").click()
        expect(page).to_have_url(re.compile(r"/console/queue/to_issue\?q=331127$"))


def test_the_language_is_changed_where_one_is_and_stays(at_desk):
    with at_desk(Role.DISPATCH) as window:
        page = window.go("/console/queue/to_print")
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator("h1")).to_have_text("To print")
        open_queue(page, Queue.TO_PACK)
        expect(page.locator("h1")).to_have_text("To pack")
        page.get_by_role("button", name="中文").click()
        expect(page.locator("h1")).to_have_text("待封装")


def test_an_error_is_told_in_the_language_of_the_desk(at_desk):
    with at_desk(Role.POST, "en") as window:
        answer = window.context.request.get(f"{window.home}/console/queue/to_issue")
        assert answer.status == 404
        assert "There is no such queue" in answer.text()
