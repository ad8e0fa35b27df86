"""The schema comes from the migrations alone, and goes back with them."""

from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from dispatch.db import Base, connect
from dispatch.tables import REVISION
from zhuandi import migrate


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
