"""The push door, a framework with an ORM commit, a bare no-op: `python -m bench.push_door [ROUNDS [SECONDS]]`.

Each is one uvicorn process; wrk (Debian package `wrk`) sends 64 connections' worth of rightly sealed pushes, all
different, on loopback. Exit code 1 if a push that was acknowledged is not in the database.
"""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import httpx2
from sqlalchemy import Engine, text

from bench.measure import Measure, Round, interleave
from bench.push_servers import PeerBase
from dispatch.db import connect
from sandbox.ems.envelope import seal
from tests.leftovers import remove_postgres
from zhuandi import migrate
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.practice import free_port

KINDS = ("ours", "peer", "no_op")
CONNECTIONS, THREADS = 64, 1
PUSHES = 200_000
SCRIPT = Path(__file__).with_suffix(".lua")
SENDER = "1100000000000"


@dataclass(frozen=True, slots=True)
class Scene:
    """What wrk is told: the file of bodies, and how long a round lasts."""

    bodies: Path
    seconds: int


def write_pushes(path: Path, sk: str) -> None:
    """Pushes of EMS as its platform sends them, each of another parcel."""
    with path.open("w") as file:
        for number in range(PUSHES):
            event = {
                "waybillNo": f"{1_100_000_000_000 + number}",
                "opTime": "2026-11-22 10:20:00",
                "opCode": "203",
                "opName": "收寄计费信息",
                "opDesc": "邮政已收寄，揽投员：王大力，电话：13700000009",
                "opOrgName": "景宁县鹤溪揽投部",
            }
            envelope = {
                "logitcsInterface": seal(json.dumps(event, ensure_ascii=False), sk),
                "method": "040002",
                "msgType": "0",
                "senderNo": SENDER,
                "serialNo": f"{number:032x}",
                "timeStamp": "2026-11-22 10:20:05",
                "version": "v1.0.0",
            }
            file.write(json.dumps(envelope) + "\n")


def spoken(scene: Scene, port: int) -> Round:
    """One round of wrk. Raises where a single answer was not 2xx."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("找不到 wrk。请安装（Debian：apt-get install wrk）。")
    url = f"http://127.0.0.1:{port}/pushes/ems"
    command = [wrk, "-t", str(THREADS), "-c", str(CONNECTIONS), "-d", f"{scene.seconds}s", "-s", str(SCRIPT), url]
    told = subprocess.run(
        [*command, "--", str(scene.bodies), str(THREADS)], capture_output=True, text=True, check=True
    )
    found = next(line.split() for line in told.stdout.splitlines() if line.startswith("FOUND"))
    requests, microseconds, bad, p99 = (float(word) for word in found[1:])
    if bad:
        raise SystemExit(f"{bad:.0f} 次没有收到 2xx")
    return {"value": requests / microseconds * 1e6, "p99_ms": p99 / 1e3, "requests": requests}


@contextmanager
def served(kind: str, home: Path, environment: dict[str, str]) -> Iterator[int]:
    """One server in a process of its own; its port."""
    port = free_port(0)
    command = [sys.executable, "-m", "bench.push_servers", kind, str(port), str(home)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False)
            return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise SystemExit("服务没有启动")


def stored(engine: Engine) -> int:
    """How often pushes came, as the database has it."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT coalesce(sum(times), 0) FROM pushes")) or 0)


def measure(rounds: int = 5, seconds: int = 4) -> list[Measure]:
    """Rows for `ours`, `peer` and `no_op` in requests a second, taken in turn."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = EmbeddedPostgres(home)
        url = postgres.start()
        stack.callback(remove_postgres, home)
        stack.callback(postgres.stop)
        engine = connect(url)
        stack.callback(engine.dispose)
        migrate.run(engine)
        PeerBase.metadata.create_all(engine)
        sk = base64.b64encode(secrets.token_bytes(16)).decode()
        told = {"DATABASE_URL": url, "ZHUANDI_EMS__SK": sk, "ZHUANDI_EMS__SENDER_NO": SENDER}
        scene = Scene(home / "pushes.txt", seconds)
        write_pushes(scene.bodies, sk)
        ports = {kind: stack.enter_context(served(kind, home, told)) for kind in KINDS}
        acknowledged = 0

        def ours() -> Round:
            nonlocal acknowledged
            found = spoken(scene, ports["ours"])
            acknowledged += int(found["requests"])
            return found

        others = {kind: partial(spoken, scene, ports[kind]) for kind in KINDS[1:]}
        for each in (ours, *others.values()):
            each()  # warm
        measures = interleave({"ours": ours, **others}, rounds, "requests/s")
        if (kept := stored(engine)) < acknowledged:
            raise SystemExit(f"答复了 {acknowledged} 次，只存下 {kept} 次")
    return measures


def main() -> None:
    """Print the rows as JSON, and the two ratios."""
    measures = measure(*(int(word) for word in sys.argv[1:3]))
    for row in measures:
        print(json.dumps(asdict(row)))
    median = {row.name: row.median for row in measures}
    print(f"ours / peer {median['ours'] / median['peer']:.1f} (aim 10)")
    print(f"ours / no_op {median['ours'] / median['no_op']:.2f} (aim 0.45)")


if __name__ == "__main__":
    main()
