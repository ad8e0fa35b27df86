"""The schema, brought to the newest revision: the migrations ship with the wheel."""

from pathlib import Path
from time import sleep

import structlog
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from alembic import command

INSTALLED = Path(__file__).with_name("alembic")
CHECKOUT = Path(__file__).parent.parent / "alembic"
ONE_AT_A_TIME = 331_127
TRIES, REST_SECONDS = 60, 2
"""A table that others hold is waited for briefly and often: whoever comes later waits behind us."""
PATIENT = ("SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0")
"""An index on a table of years takes its time; so does a backup, or another who migrates."""
BRIEF = "SET LOCAL lock_timeout = '3s'"
log = structlog.get_logger()


def config() -> Config:
    """Alembic's settings, without a file: the migrations of the wheel, or of the checkout."""
    made = Config()
    made.set_main_option("script_location", str(INSTALLED if INSTALLED.is_dir() else CHECKOUT))
    made.set_main_option("path_separator", "os")
    return made


def run(engine: Engine, revision: str = "head") -> None:
    """Upgrade (or downgrade to `base`) in one transaction; of several starters one migrates, the others wait.

    Raises OperationalError (LockNotAvailable) where a table was held for minutes.
    """
    for left in reversed(range(TRIES)):
        try:
            with engine.begin() as connection:
                run_in(connection, revision)
            return
        except OperationalError as error:
            if not (left and isinstance(error.orig, LockNotAvailable | DeadlockDetected)):
                raise
            log.warning("migrate.waits", tries_left=left)
            sleep(REST_SECONDS)


def run_in(connection: Connection, revision: str = "head") -> None:
    """The same in a transaction of the caller's."""
    for setting in PATIENT:
        connection.execute(text(setting))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
    connection.execute(text(BRIEF))
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
