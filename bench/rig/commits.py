"""One-row commits of the same PostgreSQL: pgbench where it is installed, else a loop of psycopg in threads."""

import shutil
import subprocess
import threading
import time
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.rig.measure import Round

TABLE = "CREATE TABLE IF NOT EXISTS bench_commits (id bigserial PRIMARY KEY, words text)"
INSERT = "INSERT INTO bench_commits (words) VALUES (repeat('x', 200))"


def commits(url: str, clients: int, seconds: float, folder: Path) -> Round:
    """Rows a second, each inserted and committed alone by one of so many clients."""
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(TABLE)
    pgbench = shutil.which("pgbench")
    return {
        "value": _by_pgbench(pgbench, url, clients, seconds, folder) if pgbench else _looped(url, clients, seconds)
    }


def who() -> str:
    """Who commits, for the results."""
    return "pgbench" if shutil.which("pgbench") else "psycopg"


def _by_pgbench(pgbench: str, url: str, clients: int, seconds: float, folder: Path) -> float:
    script = folder / "one_row.sql"
    script.write_text(f"{INSERT};\n")
    told = make_url(url)
    command = [pgbench, "-n", "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds))), "-M", "prepared"]
    command += ["-f", str(script), "-h", str(told.query["host"]), "-p", "5432", "-U", told.username or ""]
    said = subprocess.run([*command, told.database or ""], capture_output=True, text=True, check=True).stdout
    return float(next(line for line in said.splitlines() if line.startswith("tps = ")).split()[2])


def _looped(url: str, clients: int, seconds: float) -> float:
    ends, counts = time.monotonic() + seconds, [0] * clients

    def insert(place: int) -> None:
        with psycopg.connect(_plain(url), autocommit=True) as connection:
            while time.monotonic() < ends:
                connection.execute(INSERT)
                counts[place] += 1

    threads = [threading.Thread(target=insert, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
