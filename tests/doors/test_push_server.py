"""The door for posts as it runs: a server process over a real socket, bad callers, a database that goes, SIGTERM."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psycopg
import pytest
from sqlalchemy import func, make_url, select

from dispatch.api import body
from dispatch.api.app import make_app
from dispatch.db import connect
from dispatch.tracking.push import RAW_MOST, Push
from tests.doors.conftest import sealed_push
from tests.doors.served import served
from tests.leftovers import remove_postgres
from zhuandi import migrate
from zhuandi.postgres import EmbeddedPostgres

HEAD = b"POST /pushes/ems HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"


@pytest.fixture
def server(world):
    with served(make_app(world)) as running:
        yield running


def _said(port, *parts):
    """Everything that the server says until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        with contextlib.suppress(ConnectionError):  # it may hang up while we still speak
            for part in parts:
                line.sendall(part)
        told = bytearray()
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65_536):
                told += chunk
        return bytes(told)


def _post(port, raw):
    return httpx2.post(f"http://127.0.0.1:{port}/pushes/ems", content=raw, timeout=60, trust_env=False)


def _rows(world):
    with world.reading() as session:
        return session.scalar(select(func.count()).select_from(Push))


def test_an_endless_chunked_body_is_cut_turned_away_and_hung_up_on(server, account):
    """FAULTS 44."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    told = _said(server.port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * (RAW_MOST // 65_536 + 200))
    assert b'"00000"' not in told
    assert _post(server.port, sealed_push(account)).json()["code"] == "00000"


def test_a_sender_that_stops_in_the_middle_gets_408_and_holds_nobody_up(server, account, world, monkeypatch):
    """FAULTS 44: a slow sender, and a length that is claimed and never sent."""
    monkeypatch.setattr(body, "READING_SECONDS", 0.2)
    told = _said(server.port, HEAD + b'Content-Length: 5000\r\n\r\n{"senderNo"')
    assert told.startswith(b"HTTP/1.1 408")
    assert b"x-content-type-options: nosniff" in told.lower()
    assert _rows(world) == 0
    assert _post(server.port, sealed_push(account)).json()["code"] == "00000"


def test_more_than_the_length_that_was_claimed_is_no_part_of_the_push(server, account, world):
    """The rest is no request: it may end the connection before the acknowledgement, and then the post sends again."""
    raw = sealed_push(account)
    told = _said(server.port, HEAD + b"Content-Length: %d\r\n\r\n" % len(raw) + raw + b"and more\r\n\r\n")
    assert b'"00000"' in told or b"400 Bad Request" in told
    assert _post(server.port, raw).json()["code"] == "00000"
    with world.reading() as session:
        [push] = session.scalars(select(Push))
    assert (world.vault.open(push, "raw") or "").encode("latin-1") == raw


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/pushes/ems", 405),
        ("POST", "/pushes/nobody", 404),
        ("POST", "/pushes/", 404),
        ("POST", "/pushes/ems/", 404),
        ("POST", "/pushes/ems/a/b", 404),
        ("POST", "/pushes", 404),
    ],
)
def test_what_is_no_push_is_answered_as_at_any_other_door(door, method, path, status):
    answer = door.request(method, path, content=b"{}")
    assert answer.status_code == status
    assert answer.json()["error"]["words"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers.get_list("Content-Security-Policy") == ["default-src 'none'; frame-ancestors 'none'"]


def test_the_acknowledgement_carries_the_safe_headers_of_every_door(door, account):
    headers = door.post("/pushes/ems", content=sealed_push(account)).headers
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Frame-Options"] == "DENY"


SERVE = textwrap.dedent("""
    import sys, uvicorn
    from dispatch.api.app import make_app
    from dispatch.settings import Settings
    from dispatch.wiring import make_broker, make_world
    from workers.jobs import queue_of

    class Told(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            print(self.servers[0].sockets[0].getsockname()[1], flush=True)

    settings = Settings()
    with make_world(settings, make_broker(settings), queue_of) as world:
        config = uvicorn.Config(make_app(world), port=0, log_level="warning", timeout_graceful_shutdown=5)
        Told(config).run()
""")


@contextlib.contextmanager
def _process(url, account, home):
    """A server process of its own, and its port."""
    told = {"DATABASE_URL": url, "ZHUANDI_HOME": str(home), "ZHUANDI_EMS__SENDER_NO": account.sender_no}
    told["ZHUANDI_VAULT_KEYS"] = json.dumps([secrets.token_hex(32)])
    told["ZHUANDI_EMS__SK"] = account.sk.get_secret_value()
    command = [sys.executable, "-c", SERVE]
    process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.PIPE, text=True)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _stored(url):
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return connection.execute("SELECT coalesce(sum(times), 0), count(*) FROM pushes").fetchone()


def _try(port, raw):
    try:
        return _post(port, raw).status_code
    except httpx2.HTTPError:
        return 0


def test_told_to_leave_in_the_middle_it_loses_nothing_that_it_acknowledged(database_url, account, tmp_path):
    """FAULTS 24, 46: SIGTERM while pushes come: what is in hand is committed and answered."""
    first = threading.Event()
    with _process(database_url, account, tmp_path) as (process, port), ThreadPoolExecutor(16) as pool:

        def push(number):
            status = _try(port, sealed_push(account, serialNo=f"{number:032x}"))
            if number >= 50:
                first.set()
            return status

        told = [pool.submit(push, number) for number in range(200)]
        first.wait()
        process.send_signal(signal.SIGTERM)
        statuses = [one.result() for one in told]
        assert process.wait(60) in {0, -signal.SIGTERM}
    assert statuses.count(200) > 0
    assert set(statuses) <= {0, 200, 503}
    assert statuses.count(200) <= _stored(database_url)[1]


def test_with_its_database_stopped_it_says_503_and_goes_on_when_it_is_back(account, tmp_path):
    """FAULTS 16: stopped in the middle, no 2xx for anything that is missing; back again, it needs no one's help."""
    home = tmp_path / "postgres"
    postgres = EmbeddedPostgres(home)
    url = postgres.start()
    try:
        migrate.run(engine := connect(url))
        engine.dispose()
        with _process(url, account, tmp_path) as (_, port):
            assert _try(port, sealed_push(account)) == 200
            postgres.stop()
            away = [_try(port, sealed_push(account, serialNo=f"{number:032x}")) for number in range(5)]
            url = postgres.start()
            back = [_try(port, sealed_push(account, serialNo=f"{number:032x}")) for number in range(5)]
        assert set(away) == {503}
        assert set(back) == {200}
        assert _stored(url)[1] == 6
    finally:
        postgres.stop()
        remove_postgres(home)
