"""The database's disk is full: 503 and no acknowledgement, nothing acknowledged is lost, and with room it goes on."""

import dataclasses
import os
import shutil
import subprocess

import httpx2
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.db import connect, sessions
from dispatch.tracking.push import Push
from tests.doors.conftest import sealed_push
from tests.leftovers import remove_postgres
from zhuandi import migrate
from zhuandi.postgres import EmbeddedPostgres
from zhuandi.postgres_place import RootPlace

SIZE = "160m"
MOST_PUSHES = 2_000
LOG_MEGABYTES = 200
"""More than the disk holds."""


@pytest.fixture
def on_small_disk(tmp_path, world):
    """A server whose data lies on a small disk of its own, and a service on it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk for the database")
    postgres = EmbeddedPostgres(tmp_path)
    engine = connect(postgres.start())
    migrate.run(engine)
    engine.dispose()
    postgres.stop()
    data = RootPlace(tmp_path).data
    try:
        _move_to_small_disk(data)
        postgres.start()
        yield postgres, data, dataclasses.replace(world, sessions=sessions(engine))
    finally:
        engine.dispose()
        postgres.stop()
        subprocess.run(["umount", "--lazy", data], check=False)
        remove_postgres(tmp_path)


def _move_to_small_disk(data):
    whole = data.rename(data.with_name("data.whole"))
    data.mkdir(mode=0o700)
    options = f"size={SIZE},mode=0700,uid={whole.stat().st_uid},gid={whole.stat().st_gid}"
    mounting = ["mount", "-t", "tmpfs", "-o", options, "zhuandi-test", data]
    mounted = subprocess.run(mounting, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    subprocess.run(["cp", "--archive", f"{whole}/.", data], check=True)


class Ballast:
    """A file that leaves no room, as a forgotten log does."""

    def __init__(self, folder):
        self.file = folder / "ballast"

    def __enter__(self):
        with self.file.open("wb") as out:
            os.posix_fallocate(out.fileno(), 0, shutil.disk_usage(self.file.parent).free)
        return self

    def __exit__(self, *_):
        self.file.unlink()


class Sender:
    """Pushes one after the other, and remembers what was acknowledged."""

    def __init__(self, world, account):
        self.door, self.world, self.account = TestClient(make_app(world)), world, account
        self.acknowledged, self.number = [], 0

    def push(self):
        self.number += 1
        raw = sealed_push(self.account, serialNo=f"{self.number:032x}", event={"opDesc": os.urandom(1_000).hex()})
        answer = self.door.post("/pushes/ems", content=raw)
        if answer.status_code == httpx2.codes.OK:
            self.acknowledged.append(self.world.vault.digest("push", raw.hex()))
        else:
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status_code

    def missing(self):
        with self.world.reading() as session:
            return set(self.acknowledged) - set(session.scalars(select(Push.digest)))


def test_no_room_for_rows_is_503_and_with_room_again_it_goes_on_by_itself(on_small_disk, account):
    """No. 19: the server stays up and says «could not extend file»."""
    _, data, world = on_small_disk
    sender = Sender(world, account)
    assert sender.push() == 200
    with Ballast(data):
        assert 503 in (sender.push() for _ in range(MOST_PUSHES))
    assert sender.push() == 200
    assert sender.missing() == set()


def test_no_room_for_the_log_ends_the_server_and_nothing_acknowledged_is_lost(on_small_disk, account):
    """No. 19: a panic, and then as no. 16: whoever keeps the server makes room and starts it."""
    postgres, data, world = on_small_disk
    sender = Sender(world, account)
    assert sender.push() == 200
    with Ballast(data):
        with pytest.raises(DBAPIError), world.sessions.begin() as session:
            for _ in range(LOG_MEGABYTES):
                session.execute(text("SELECT pg_logical_emit_message(true, 'ballast', repeat('x', 1000000))"))
        assert {sender.push() for _ in range(3)} == {503}
    postgres.start()
    assert sender.push() == 200
    assert sender.missing() == set()
