"""The schema comes from the migrations alone, and goes back with them."""

from sqlalchemy import inspect

from dispatch.db import Base, connect
from zhuandi import migrate


def test_the_migrations_and_the_tables_in_the_code_say_the_same(own_database_url: str) -> None:
    engine = connect(own_database_url)
    migrate.check(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()


def test_a_downgrade_leaves_nothing_and_an_upgrade_brings_everything_back(own_database_url: str) -> None:
    engine = connect(own_database_url)
    migrate.run(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate.run(engine)
    migrate.check(engine)
    engine.dispose()
