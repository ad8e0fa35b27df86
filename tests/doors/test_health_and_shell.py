"""Alive, ready; and what every answer has in common."""

import dataclasses
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import text, update
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.jobs import Beat, beat
from dispatch.wiring import now
from dispatch.world import World


def test_the_process_is_alive_even_without_its_database(closed_door):
    assert closed_door.get("/healthz").json() == {"status": "ok"}


def test_without_a_clock_that_ever_rang_nothing_is_ready(door):
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {
        "database": "ok",
        "schema": "ok",
        "clock": "never_seen",
        "time": "ok",
        "restore": "ok",
        "broker": "ok",
    }


def test_with_database_and_clock_it_is_ready_until_the_clock_falls_silent(door, world):
    with world.begin() as session:
        beat(session, "clock")
    assert door.get("/readyz").status_code == 200
    with world.begin() as session:
        session.execute(update(Beat).values(at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert door.get("/readyz").json()["parts"]["clock"] == "late"


def ready(world: World, beaten: bool = True) -> httpx2.Response:
    if beaten:
        with world.begin() as session:
            beat(session, "clock")
    return TestClient(make_app(world)).get("/readyz")


def test_without_its_broker_it_is_degraded_and_accepts_all_the_same(world):
    """The clock finds what no bell announced: to turn cases away for that would be the greater harm."""
    world.bell.broken = True
    answer = ready(world)
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["parts"]["broker"]) == ("degraded", "not_rung")


@pytest.mark.parametrize(
    ("off", "status", "said"),
    [(0, 200, "ok"), (-45, 200, "off"), (45, 200, "off"), (-130, 503, "wrong"), (130, 503, "wrong")],
)
def test_a_machine_whose_clock_is_wrong_is_not_sent_work(world, off, status, said):
    """Times of calls and evidence are ours, leases the database's: minutes apart, they tell two stories."""
    answer = ready(dataclasses.replace(world, now=lambda: now() + timedelta(seconds=off)))
    assert (answer.status_code, answer.json()["parts"]["time"]) == (status, said)


@pytest.mark.parametrize(("revision", "status"), [("0001", 503), ("9999", 200)])
def test_code_that_is_newer_than_its_tables_is_not_sent_work_and_older_code_is(world, revision, status):
    """A rolling update migrates first: old processes go on, new ones wait for their tables."""
    with world.begin() as session:
        before = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    try:
        answer = ready(world)
        assert answer.status_code == status
        assert answer.json()["parts"]["schema"] == ("ok" if status == 200 else "behind")
    finally:
        with world.begin() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": before})


def test_with_the_database_away_it_says_which_part_is_missing(closed_door):
    answer = closed_door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "away"


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v1", "/t", "/favicon.ico", "/%00", "/..%2f"])
def test_an_unknown_address_is_a_small_json_404(door, path):
    answer = door.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert len(answer.content) < 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nothing", "/t/x", "/openapi.json", "/api/v1/cases"])
def test_every_answer_carries_the_safe_headers(door, path):
    headers = door.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_what_nobody_foresaw_is_answered_without_a_word_of_what_happened(world, caplog, capsys):
    app = make_app(world)

    @app.get("/broken")
    def broken():
        raise ValueError("蓝小雨 13900000001")

    answer = TestClient(app).get("/broken")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "failed"
    told = answer.text + caplog.text + "".join(capsys.readouterr())
    assert "蓝小雨" not in told
    assert "13900000001" not in told
    assert "Traceback" not in told
