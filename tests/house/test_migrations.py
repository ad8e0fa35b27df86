"""The schema comes from the migrations alone, and goes back with them."""

import threading
import time
from collections.abc import Iterator

import pytest
import typer
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from dispatch.db import Base, connect
from dispatch.tables import REVISION
from zhuandi import migrate
from zhuandi.context import for_people


def test_the_migrations_and_the_tables_in_the_code_say_the_same(own_database_url: str) -> None:
    engine = connect(own_database_url)
    migrate.check(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()


def test_the_code_says_which_migration_it_needs() -> None:
    """/readyz compares it with the database's: forgotten, new code would be sent work without its tables."""
    assert ScriptDirectory.from_config(migrate.config()).get_current_head() == REVISION


def test_a_downgrade_leaves_nothing_and_an_upgrade_brings_everything_back(own_database_url: str) -> None:
    engine = connect(own_database_url)
    migrate.run(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate.run(engine)
    migrate.check(engine)
    engine.dispose()


@pytest.fixture
def impatient(own_database_url: str) -> Iterator[Engine]:
    """As the service connects, but that its limits are over at once."""
    options = {"options": "-c lock_timeout=50 -c statement_timeout=200"}
    engine = create_engine(own_database_url, connect_args=options)
    yield engine
    engine.dispose()


WAITS = text("""
    SELECT now() - query_start > interval '0.5 s' FROM pg_stat_activity
    WHERE wait_event = 'advisory' AND datname = current_database()
""")


def test_a_backup_that_runs_is_waited_for_however_long_it_takes(own_database_url: str, impatient: Engine) -> None:
    """It ended after 20 seconds, and said that the database could not be reached."""
    engine = connect(own_database_url)
    ended = threading.Event()
    migrating = threading.Thread(target=lambda: (migrate.run(impatient), ended.set()))
    with engine.connect() as backup, engine.connect() as looking:
        backup.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": migrate.ONE_AT_A_TIME})
        migrating.start()
        while not looking.scalar(WAITS):
            looking.rollback()
            assert not ended.is_set()
            time.sleep(0.05)
    migrating.join()
    assert ended.is_set()
    engine.dispose()


def test_a_table_that_is_held_is_tried_again_and_nobody_waits_long_behind_it(
    own_database_url: str, impatient: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that waits for a table holds up whoever comes after it: it lets go and comes back."""
    monkeypatch.setattr(migrate, "BRIEF", "SET LOCAL lock_timeout = '50ms'")
    engine = connect(own_database_url)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM cases"))
        rests: list[float] = []
        monkeypatch.setattr(migrate, "sleep", lambda seconds: rests.append(seconds) or reader.rollback())
        migrate.run(impatient, "base")
    assert len(rests) == 1
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_table_that_stays_held_is_told_as_that_and_nothing_has_changed(
    own_database_url: str, impatient: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(migrate, "BRIEF", "SET LOCAL lock_timeout = '50ms'")
    monkeypatch.setattr(migrate, "TRIES", 1)
    engine = connect(own_database_url)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM cases"))
        with pytest.raises(typer.Exit), for_people():
            migrate.run(impatient, "base")
    assert "被别的程序占着" in capsys.readouterr().err
    migrate.check(engine)
    engine.dispose()
