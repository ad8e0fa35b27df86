"""Whatever fails below the counter is told by a page, or by the part of one; never as a machine's answer."""

import dataclasses
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from dispatch.console.guard import COOKIE, AnyDesk, ConsoleRoute
from dispatch.console.language import COOKIE as LANGUAGE
from dispatch.console.page import POLICY
from dispatch.console.site import make_site
from dispatch.db import connect, sessions
from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN

HTMX = {"HX-Request": "true", **ORIGIN}
BUSY, BROKEN = "系统暂时繁忙，没有办成", "系统出错，可能没有办成"


@pytest.fixture
def away(world) -> Iterator[TestClient]:
    """The counter, whose database is away, and a browser that was signed in."""
    engine = connect("postgresql+psycopg://nobody@127.0.0.1:9/nowhere")
    client = TestClient(make_site(dataclasses.replace(world, sessions=sessions(engine))), follow_redirects=False)
    client.cookies.set(COOKIE, "once-good", path="/console")
    yield client
    engine.dispose()


def told(answer, status: int, words: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == POLICY
    assert words in answer.text
    assert '{"error"' not in answer.text


def told_in_part(answer, status: int, words: str) -> None:
    told(answer, status, words)
    assert answer.headers["hx-retarget"] == "#said"
    assert "<html" not in answer.text


def test_with_the_database_away_a_page_says_so(away):
    told(away.get("/console/queue/to_print"), 503, BUSY)
    told(away.post("/console/issue", data={"number": "X"}, headers=ORIGIN), 503, BUSY)


def test_with_the_database_away_a_form_is_kept_and_told_above_it(away):
    told_in_part(away.post("/console/issue", data={"number": "X"}, headers=HTMX), 503, BUSY)


def test_in_english_too(away):
    away.cookies.set(LANGUAGE, "en", path="/console")
    told_in_part(away.post("/console/issue", data={"number": "X"}, headers=HTMX), 503, "The system is busy")


def test_what_nobody_foresaw_is_told_and_says_nothing_of_itself(site, person):
    """The text of an error may hold anything: it goes neither to the page nor to the log."""
    router = APIRouter(route_class=ConsoleRoute)

    @router.api_route("/console/breaks", methods=["GET", "POST"])
    def breaks(desk: AnyDesk):
        raise RuntimeError("蓝小雨 13900000001")

    site.app.include_router(router)
    clerk = person(Role.WINDOW)
    told(clerk.get("/console/breaks"), 500, BROKEN)
    broken = clerk.browser.post("/console/breaks", data={"csrf": clerk.csrf}, headers=HTMX)
    told_in_part(broken, 500, BROKEN)
    assert "蓝小雨" not in broken.text


@pytest.mark.parametrize("path", ["/console/nowhere", "/console/", "/console/case/A/nowhere"])
def test_an_address_that_there_is_not_is_told_by_a_page(site, person, path):
    told(site.get(path), 404, "没有这个地址")
    told_in_part(person(Role.WINDOW).browser.get(path, headers=HTMX), 404, "没有这个地址")


def test_a_method_that_an_address_does_not_take_is_told_by_a_page(site):
    told(site.put("/console/sign-in"), 405, "这个地址不接受")


def test_other_doors_answer_machines_as_before(site):
    assert site.get("/api/v1/nowhere").json()["error"]["code"] == "not_found"
    assert site.get("/consolecase").json()["error"]["code"] == "not_found"
