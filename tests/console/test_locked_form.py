"""A desk that locked under somebody's hands: what was typed is kept, and one comes back to where one was."""

from datetime import timedelta

from sqlalchemy import text

from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN

PAGE = "http://testserver/console/issue?day=2026-11-02&x=1"


def at_last_seen(world, ago: timedelta) -> None:
    with world.begin() as session:
        session.execute(text("UPDATE staff_sessions SET seen_at = :seen"), {"seen": world.now() - ago})


def test_a_form_on_a_page_is_told_and_keeps_its_page(world, person):
    clerk = person(Role.WINDOW)
    data = {"csrf": clerk.csrf, "number": "X"}
    at_last_seen(world, timedelta(days=1))
    by_htmx = {**ORIGIN, "HX-Request": "true", "HX-Current-URL": PAGE}
    told = clerk.browser.post("/console/issue", data=data, headers=by_htmx)
    assert (told.status_code, told.headers["hx-retarget"]) == (401, "#said")
    assert 'href="/console/locked" target="_blank"' in told.text
    clerk.browser.cookies.clear()
    over = clerk.browser.post("/console/issue", data=data, headers=by_htmx)
    assert (over.status_code, 'href="/console/sign-in"' in over.text) == (401, True)


def test_a_plain_form_and_a_page_that_asks_by_itself_lead_back_to_their_page(world, person):
    clerk = person(Role.WINDOW)
    data = {"csrf": clerk.csrf, "number": "X"}
    at_last_seen(world, timedelta(days=1))
    where = "/console/locked?back=/console/issue%3Fday%3D2026-11-02%26x%3D1"
    plain = clerk.browser.post("/console/issue", data=data, headers={**ORIGIN, "Referer": PAGE})
    assert plain.headers["location"] == where
    polled = {"HX-Request": "true", "HX-Current-URL": PAGE, "X-Zhuandi-Poll": "1"}
    assert clerk.get("/console/counts", headers=polled).headers["hx-redirect"] == where
    foreign = clerk.browser.post("/console/issue", data=data, headers={**ORIGIN, "Referer": "https://evil.example/"})
    assert foreign.headers["location"] == "/console/locked"


def test_typing_keeps_a_desk_open_and_opens_none(world, person):
    clerk = person(Role.WINDOW)
    csrf = {"csrf": clerk.csrf}
    nearly = world.settings.session_idle - timedelta(seconds=30)
    at_last_seen(world, nearly)
    assert clerk.browser.post("/console/awake", data=csrf, headers=ORIGIN).status_code == 204
    with world.reading() as session:
        assert session.scalar(text("SELECT max(seen_at) FROM staff_sessions")) > world.now() - nearly
    at_last_seen(world, timedelta(days=1))
    assert clerk.browser.post("/console/awake", data=csrf, headers=ORIGIN).status_code == 303
    assert clerk.get("/console/issue").headers["location"].startswith("/console/locked")
