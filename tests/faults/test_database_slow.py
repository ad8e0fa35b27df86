"""Every connection is in use, or the database is slow: 503 with Retry-After, and nothing half done (FAULTS 18)."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest
from sqlalchemy import event, func, select, text

from dispatch import wiring
from dispatch.api.app import make_app
from dispatch.approval.case import Case
from dispatch.client import add_client
from dispatch.db import connect
from dispatch.settings import Settings
from dispatch.tracking.push import Push
from tests.doors.conftest import sealed_push
from tests.doors.served import served
from tests.engines.county import plain_cases
from tests.faults.wire import wire_to

CROWD = 30
"""More than there are connections."""
ALL_CONNECTIONS = 20


@pytest.fixture
def engine(world):
    return world.sessions.kw["bind"]


@pytest.fixture
def doors(world):
    with (
        served(make_app(world)) as server,
        httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=120, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def lodgings(world, decided):
    """Posts of a crowd of cases, each to be called with the doors."""
    key = {"Authorization": f"Bearer {add_client(world, 'approval')}", "Content-Type": "application/json"}
    bodies = [case.model_dump_json(exclude_none=True, exclude_defaults=True) for case in plain_cases(decided, CROWD)]

    def all_at_once(client):
        with ThreadPoolExecutor(CROWD) as pool:
            return list(pool.map(lambda body: client.post("/api/v1/cases", content=body, headers=key), bodies))

    return all_at_once


def stored(world):
    with world.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in (Case, Push)]


def are_refused_for_now(answers):
    return all(answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_with_every_connection_in_use_all_is_refused_in_time_and_done_when_they_are_free(
    doors, lodgings, engine, world, account
):
    with ExitStack() as in_use:
        for _ in range(ALL_CONNECTIONS):
            in_use.enter_context(engine.connect())
        with ThreadPoolExecutor(2) as pool:
            push = pool.submit(doors.post, "/pushes/ems", content=sealed_push(account))
            answers = pool.submit(lodgings, doors)
            assert doors.get("/healthz").status_code == 200
            assert are_refused_for_now([push.result(), *answers.result()])
    assert stored(world)[0] == 0
    assert {answer.status_code for answer in lodgings(doors)} == {201}
    assert doors.post("/pushes/ems", content=sealed_push(account)).status_code == 200
    assert stored(world) == [CROWD, 1]


def test_a_database_that_is_too_slow_refuses_all_in_time_and_does_none_by_halves(
    doors, lodgings, engine, world, account
):
    """Somebody holds the tables; our connections wait for a lock 20 s, here less, and are then told so."""
    event.listen(engine, "connect", lambda raw, _: raw.execute("SET lock_timeout = '1s'").connection.commit())
    engine.dispose()
    with engine.connect() as holder:
        holder.execute(text("LOCK TABLE cases, pushes IN ACCESS EXCLUSIVE MODE"))
        with ThreadPoolExecutor(2) as pool:
            push = pool.submit(doors.post, "/pushes/ems", content=sealed_push(account))
            answers = pool.submit(lodgings, doors)
            assert are_refused_for_now([push.result(), *answers.result()])
        holder.rollback()
    assert stored(world) == [0, 0]
    assert {answer.status_code for answer in lodgings(doors)} == {201}
    assert stored(world)[0] == CROWD


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone knows TCP_USER_TIMEOUT")
def test_a_database_host_that_vanishes_is_given_up_within_half_a_minute(database_url):
    """No. 60: a firewall that forgot the connection answers nothing, and the system's own patience is a quarter of an
    hour. The system is told how long to wait for an acknowledgement, and how often to ask on a silent line."""
    with wire_to(database_url) as (_, url):
        engine = connect(wiring.database_url(Settings(database_url=url)))
        with engine.connect() as connection:
            line = socket.socket(fileno=socket.dup(connection.connection.dbapi_connection.pgconn.socket))
            with line:
                told = [
                    line.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (
                        socket.TCP_USER_TIMEOUT,
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                    )
                ]
        engine.dispose()
    assert told[0] == 30_000
    assert told[1] + told[2] * told[3] <= 60
