"""FAULTS §7 no. 26: both versions work beside one schema, and a migration that was killed is done again."""

import os
import re
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from dispatch.db import Base, connect
from zhuandi import migrate

VERSIONS = Path("alembic/versions")
LAST_FREE = "0006"
"""Since then old code goes on beside the new schema: what is added may be left out, and nothing goes."""
CONTRACTS = re.compile(r"op\.(drop_\w+|rename_table)|new_column_name|nullable=False\)")


@pytest.fixture
def unmigrated(server_url):
    name = f"test_expand_{secrets.token_hex(4)}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def upgrades_since():
    """The text of each upgrade since the last one that was free to contract."""
    for path in sorted(VERSIONS.glob("*.py")):
        if path.name[:4] > LAST_FREE:
            whole = path.read_text()
            yield path.name, whole[whole.index("def upgrade") : whole.index("def downgrade")]


def test_no_migration_takes_away_in_the_release_that_adds():
    seen = dict(upgrades_since())
    assert seen
    for name, upgrade in seen.items():
        altered = re.sub(r"op\.create_table\(.*?\n    \)", "", upgrade, flags=re.DOTALL)
        assert CONTRACTS.findall(altered) == [], name


def test_old_code_writes_beside_the_new_schema(unmigrated):
    """Every column that was added since may be left out by an insert that does not know it."""
    engine = connect(unmigrated)
    migrate.run(engine, LAST_FREE)
    old = {name: {c["name"] for c in inspect(engine).get_columns(name)} for name in inspect(engine).get_table_names()}
    migrate.run(engine)
    looked = inspect(engine)
    assert set(old) <= set(looked.get_table_names())
    for name, columns in old.items():
        now = {column["name"]: column for column in looked.get_columns(name)}
        assert columns <= set(now), name
        needed = [one["name"] for one in now.values() if not one["nullable"] and one["default"] is None]
        assert set(needed) <= columns, name
    engine.dispose()


MIGRATE = "import sys; from dispatch.db import connect; from zhuandi import migrate; "
WHOLE = MIGRATE + "migrate.run(connect(sys.argv[1]))"
HALF = MIGRATE + "c = connect(sys.argv[1]).connect(); migrate.run_in(c); print('half', flush=True); sys.stdin.read()"


def test_a_migration_that_is_killed_leaves_nothing_half_done_and_two_never_run_at_once(unmigrated):
    """The first holds the lock and has made its tables; it is killed, and the second, which waited, does it all."""
    engine = connect(unmigrated)
    killed = subprocess.Popen(
        [sys.executable, "-c", HALF, unmigrated],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert killed.stdout.readline() == b"half\n"
    second = subprocess.Popen([sys.executable, "-c", WHOLE, unmigrated])
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with engine.connect() as connection:
        while not connection.execute(waiting).scalar_one():
            assert second.poll() is None  # it waits: if it had ended, it would have run beside the first
    assert inspect(engine).get_table_names() == []
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert second.wait() == 0
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()
