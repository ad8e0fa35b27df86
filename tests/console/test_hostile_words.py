"""No word that somebody sends, in any field of any route, is an error of ours: it is refused, or taken as it is."""

from urllib.parse import quote, urlencode

import pytest

from dispatch.console.guard import COOKIE
from dispatch.queues.queue import Queue
from dispatch.staff.member import find_member
from dispatch.staff.role import Role
from dispatch.staff.session import begin_session, csrf_of
from tests.console.conftest import ORIGIN
from tests.console.routes import Route, console_routes
from tests.console.test_every_route import desks

__all__ = ["desks"]
HOSTILE = {
    "nul": b"a\0b",
    "large": str(10**40).encode(),
    "beyond": str(2**63).encode(),
    "half a surrogate pair": b"\xed\xa0\x80",
    "right to left": "\u202e\u200f王\u2066".encode(),
    "no address": b"//[",
    "a date that is none": b"0000-00-00",
    "the calendar's first day": b"0001-01-01",
    "the calendar's last day": b"9999-12-31",
    "no UTF-8": b"\xff\xfe",
}


def numbers(kinds) -> list[str]:
    return [name for name, kind in kinds.items() if "int" in str(kind) and "print" not in str(kind)]


def bodies(route: Route, word: bytes):
    """Everything hostile at once; and each number alone, for one that is refused hides the next."""
    yield dict.fromkeys(route.fields, word)
    for name in numbers(route.fields) if word.isdigit() else ():
        yield {**route.filled, name: word}


def ask(world, site, role: Role | None, route: Route, url: str, body: dict[str, object]):
    site.cookies.clear()
    token = ""
    if role is not None:
        with world.begin() as session:
            token = begin_session(world, session, find_member(session, role.value))
        site.cookies.set(COOKIE, token, path="/console")
    if route.method == "GET":
        return site.get(url)
    form = urlencode({"csrf": csrf_of(world, token), **body}) if token else urlencode(body)
    headers = {**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return site.request(route.method, url, content=form, headers=headers)


def urls(route: Route, word: bytes):
    """With the word in each place of the path, and in each of the query."""
    yield route.url_of()
    for name in route.params:
        yield _put(route, name, word)
    for name in route.query:
        yield f"{route.url_of()}?{quote(name)}={quote(word)}"


def _put(route: Route, name: str, word: bytes) -> str:
    marked = route.url_of(**{name: "MARKED"})
    return marked.replace("MARKED", quote(word, safe=""))


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_no_word_in_any_field_of_any_route_is_an_error_of_ours(world, site, desks, word):
    for route in console_routes(site.app):
        role = next((role for role in Role if route.open_to(role)), None)
        tried = [(url, route.filled) for url in urls(route, word)]
        tried += [(route.url_of(), body) for body in bodies(route, word)] if route.method != "GET" else []
        for url, body in tried:
            answer = ask(world, site, role, route, url, body)
            assert answer.status_code < 500 or route.path == "/console/sso", (route, url, body, answer.text[-600:])


def test_a_word_that_no_database_can_keep_is_told(site):
    answer = site.post("/console/sign-in", data={"login": "a\0b", "password": "x"}, headers=ORIGIN)
    assert (answer.status_code, "看不见的控制字符" in answer.text) == (400, True)
    assert site.get("/console/sign-in", params={"back": "/console\0"}).status_code == 400


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("queue", Queue)
def test_no_queue_fails_for_a_day_at_the_calendars_end_and_no_view_of_it_is_kept_that_would(person, queue, day):
    """A day more, or a time zone, leads out of the calendar: every page of the queue said 系统出错."""
    clerk = person(Role.DISPATCH)
    for name in ("since", "until"):
        assert clerk.get(f"/console/queue/{queue}?{name}={day}").status_code == 200
        clerk.post(f"/console/queue/{queue}/views", {"title": "到底", "query": f"{name}={day}", "shared": "true"})
        assert "到底" in clerk.get(f"/console/queue/{queue}").text
