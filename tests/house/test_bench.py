"""The bench runs: every row, and the load, at its smallest. No time is asserted: all is measured and said."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.load import faults

ROOT = Path(__file__).parents[2]
QUIET = {name: value for name, value in os.environ.items() if not name.startswith(("ZHUANDI_", "DATABASE_URL"))}


ROWS = ("road", "intake", "labels") if os.environ.get("FULL") != "1" else ()
"""The others start some fifty processes more: with FULL=1 all of them."""


def test_the_rows_of_the_table_are_measured_and_say_whether_their_aims_are_reached(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--small", "--rounds", "1", "--out", str(out), *ROWS]
    done = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert {"cores", "memory_gb", "cpu"} <= found["machine"].keys()
    for row in found["rows"]:
        assert all(measure["median"] > 0 or row["what"].startswith("plans") for measure in row["measures"]), row
        assert row["aims"] or row["unmeasured"], row
        assert all(isinstance(aim["reached"], bool) for aim in row["aims"])
    for whole in (row for row in found["rows"] if row["what"].startswith("plans")):
        assert len(whole["told"]["plans"]) > 20, "what the page and the desk ask for is planned"


def test_a_service_that_refuses_whatever_comes_fails_the_load():
    """Each refusal alone is deliberate; together they are an outage."""
    stream = {"requests": 1000, "broken": 0, "statuses": {"200": 900, "503": 100}}
    assert faults({"unanswered": 0, "streams": {"pushes": stream}}) == []
    worse = stream | {"statuses": {"200": 899, "503": 101}}
    assert faults({"unanswered": 0, "streams": {"pushes": worse}}) == ["pushes: 101 of 1000 refused"]


def test_the_load_meets_nothing_but_answers_and_deliberate_refusals():
    command = [sys.executable, "-m", "bench.load", "--minutes", "0.05", "--parcels", "5"]
    done = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == []
    assert all(stream["requests"] for stream in found["streams"].values())
