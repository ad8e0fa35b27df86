"""Run the tests that need a database on an external PostgreSQL, where one answers on this machine.

`ZHUANDI_TEST_DATABASE_URL` names it; otherwise the usual place on loopback is tried. A third of the files, which
turns with the date; all of them with FULL=1.
"""

import datetime as dt
import getpass
import os
import subprocess
import sys

import psycopg

USUAL = f"postgresql://{getpass.getuser()}@127.0.0.1:5432/postgres"
NAMED_BY = "ZHUANDI_TEST_DATABASE_URL"
OLDEST = 150_000
THIRD = "ZHUANDI_TEST_THIRD"
"""0, 1 or 2: of the files only every third, counted from here (conftest.py)."""


class NoServerError(Exception):
    """None that can be used; the message says what to start."""


def find_server() -> tuple[str, int]:
    """Its URL and version (server_version_num). Raises NoServerError."""
    url = os.environ.get(NAMED_BY, USUAL)
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError:
        raise NoServerError(f"none answers; start one (15 or newer), or name it by {NAMED_BY}") from None
    if version < OLDEST:
        raise NoServerError(f"the one that answers is too old ({version}); start one that is 15 or newer")
    return url, version


def main() -> int:
    try:
        url, version = find_server()
    except NoServerError as reason:
        print(f"the database tests on an external PostgreSQL are left out: {reason}")
        return 0
    environment = {**os.environ, NAMED_BY: url}
    which = "all"
    if os.environ.get("FULL") != "1":
        environment[THIRD] = str(dt.datetime.now(tz=dt.UTC).toordinal() % 3)
        which = f"third {environment[THIRD]} of the"
    print(f"{which} database tests once more on an external PostgreSQL {version // 10_000}")
    command = [sys.executable, "-m", "pytest", "-m", "database", *sys.argv[1:]]
    return subprocess.call(command, env=environment)


if __name__ == "__main__":
    sys.exit(main())
