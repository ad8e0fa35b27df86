"""Bodies that nobody should send: too large, too slow, no form; at every form, and before anybody is known."""

import asyncio
import tempfile

import pytest
from starlette.requests import Request

from dispatch.api.shell import RefusedError
from dispatch.console.incoming import MOST_OF_A_FORM, Incoming, counted
from dispatch.console.uploading import ListRoute
from tests.console.conftest import ORIGIN
from tests.console.routes import console_routes

HUGE = 50 * 1024 * 1024
CHUNK = b"x" * (256 * 1024)
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
MULTIPART = "multipart/form-data; boundary=b"
FORM = "application/x-www-form-urlencoded"


class Sent:
    """A body of 50 MB whose length nobody declared; how much of it was taken."""

    def __init__(self, kind: str) -> None:
        self.kind, self.bytes = kind, 0

    def __iter__(self):
        yield HEAD if self.kind == MULTIPART else b"login="
        while self.bytes < HUGE:
            self.bytes += len(CHUNK)
            yield CHUNK


@pytest.mark.parametrize("kind", [MULTIPART, FORM])
def test_fifty_megabytes_are_refused_at_every_form_by_what_they_declare(site, kind):
    """Without reading them, whoever sends them."""
    declared = {**ORIGIN, "Content-Type": kind, "Content-Length": str(HUGE)}
    for route in console_routes(site.app):
        if route.method != "GET":
            answer = site.request(route.method, route.url, content=b"x", headers=declared)
            assert answer.status_code == 413, route
            assert "没有收" in answer.text


@pytest.mark.parametrize("kind", [MULTIPART, FORM])
@pytest.mark.parametrize("path", ["/console/sign-in", "/console/issue", "/console/pack/photo"])
def test_what_declares_nothing_is_counted_while_it_is_read(site, monkeypatch, kind, path):
    """And lies nowhere on a disk, where it would be unsealed."""
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", _never)
    most = next(route.most for route in _routes(site, path))
    answer = asyncio.run(_post(site.app, path, kind))
    assert answer[0] == 413
    assert answer[1] <= most + 2 * len(CHUNK)


def _never(_: object) -> None:
    raise AssertionError("a form lay on a disk")


def _routes(site, path: str):
    from dispatch.console.site import ROUTERS  # noqa: PLC0415

    return [one for router in ROUTERS for one in router.routes if one.path == path and "POST" in one.methods]


async def _post(app, path: str, kind: str) -> tuple[int, int]:
    """Status, and how many bytes were taken, as a server hands them over piece by piece."""
    sent, answered = Sent(kind), []
    pieces = iter(sent)

    async def receive():
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message):
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver"), (b"content-type", kind.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
        "root_path": "",
    }
    await app(scope, receive, send)
    return answered[0], sent.bytes


def test_a_list_may_be_large_and_a_form_may_not():
    assert ListRoute.most > 20 * 1024 * 1024 > MOST_OF_A_FORM


def test_a_body_that_does_not_come_in_time_is_not_waited_for():
    """However long the pauses: it is the whole that has a time."""

    async def never():
        await asyncio.Event().wait()

    with pytest.raises(RefusedError) as refused:
        asyncio.run(counted(never, MOST_OF_A_FORM, seconds=0)())
    assert refused.value.status == 408


def test_a_file_of_a_form_is_kept_in_memory(monkeypatch):
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", _never)
    body = HEAD + CHUNK * 8 + b"\r\n--b--\r\n"

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def read():
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", MULTIPART.encode())]}
        async with Incoming(Request(scope, receive), len(body)).form() as form:
            return await form["file"].read()

    assert asyncio.run(read()) == CHUNK * 8
