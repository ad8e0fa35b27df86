"""The schema, brought to the newest revision: the migrations ship with the wheel."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from alembic import command

INSTALLED = Path(__file__).with_name("alembic")
CHECKOUT = Path(__file__).parent.parent / "alembic"
ONE_AT_A_TIME = 331_127


def config() -> Config:
    """Alembic's settings, without a file: the migrations of the wheel, or of the checkout."""
    made = Config()
    made.set_main_option("script_location", str(INSTALLED if INSTALLED.is_dir() else CHECKOUT))
    made.set_main_option("path_separator", "os")
    return made


def run(engine: Engine, revision: str = "head") -> None:
    """Upgrade (or downgrade to `base`) in one transaction; of several starters one migrates, the others wait."""
    with engine.begin() as connection:
        run_in(connection, revision)


def run_in(connection: Connection, revision: str = "head") -> None:
    """The same in a transaction of the caller's."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
    settings = config()
    settings.attributes["connection"] = connection
    (command.downgrade if revision == "base" else command.upgrade)(settings, revision)


def knows(revision: str) -> bool:
    """Whether this code has a revision of that name."""
    try:
        return ScriptDirectory.from_config(config()).get_revision(revision) is not None
    except CommandError:
        return False


def check(engine: Engine) -> None:
    """Raise if the tables in the code and the migrations differ."""
    with engine.connect() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.check(settings)
