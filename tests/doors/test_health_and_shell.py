"""Alive, ready; and what every answer has in common."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.jobs import Beat, beat


def test_the_process_is_alive_even_without_its_database(closed_door):
    assert closed_door.get("/health").json() == {"status": "ok"}


def test_without_a_clock_that_ever_rang_nothing_is_ready(door):
    answer = door.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "clock": "never_seen"}


def test_with_database_and_clock_it_is_ready_until_the_clock_falls_silent(door, world):
    with world.begin() as session:
        beat(session, "clock")
    assert door.get("/ready").status_code == 200
    with world.begin() as session:
        session.execute(update(Beat).values(at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert door.get("/ready").json()["parts"]["clock"] == "late"


def test_with_the_database_away_it_says_which_part_is_missing(closed_door):
    answer = closed_door.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "away"


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v1", "/t", "/favicon.ico", "/%00", "/..%2f"])
def test_an_unknown_address_is_a_small_json_404(door, path):
    answer = door.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert len(answer.content) < 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/nothing", "/t/x", "/openapi.json", "/api/v1/cases"])
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
