"""The table that people read, and the file that is kept."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.rig.measure import Aim, Measure, Row

RESULTS = Path(__file__).parents[1] / "results" / "latest.json"
VERSIONS = (
    "dramatiq",
    "dramatiq-postgres",
    "fastapi",
    "httpx2",
    "psycopg",
    "sqlalchemy",
    "typst",
    "uvicorn",
    "uvloop",
)
WIDTH = 150


def show(rows: Sequence[Row]) -> None:
    """Ours beside peer and limit, with ratios and spread, and each aim with whether it was reached."""
    table = Table("what", "", "median", "least – greatest", "ours ÷ it", "p50 / p99 ms", "aim", show_lines=True)
    for row in rows:
        _add(table, row)
    Console(width=WIDTH).print(table)


def _add(table: Table, row: Row) -> None:
    ratios, measures = row.ratios(), row.measures
    told = [_aim(aim) for aim in row.aims] + [f"– {words}" for words in row.unmeasured]
    table.add_row(
        row.what,
        "\n".join(one.name for one in measures),
        "\n".join(f"{one.median:,.4g} {one.unit}" for one in measures),
        "\n".join(f"{one.low:,.4g} – {one.high:,.4g}" for one in measures),
        "\n".join(f"{ratios[one.name]:.3g}" if one.name in ratios else "" for one in measures),
        "\n".join(_latency(one) for one in measures),
        "\n".join(told),
    )


def _aim(aim: Aim) -> str:
    return f"{'✓' if aim.reached else '✗'} {aim.words} ({aim.found:.3g})"


def _latency(one: Measure) -> str:
    return "" if one.p99_ms is None else f"{one.p50_ms or 0:.1f} / {one.p99_ms:.1f}"


def keep(rows: Sequence[Row], on: dict[str, object], how: dict[str, object], file: Path) -> None:
    """Write the rows down, with versions and commit. `on`: the machine; `how`: rounds, scale, what it took."""
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": on,
        "versions": {name: version(name) for name in VERSIONS} | {"python": platform.python_version()},
        "how": how,
        "rows": [asdict(row) | {"ratios": row.ratios()} for row in rows],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n")


def machine() -> dict[str, object]:
    """What it was measured on; nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return said.stdout.strip()
