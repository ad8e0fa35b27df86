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
OLDEST = 150_000
THIRD = "ZHUANDI_TEST_THIRD"
"""0, 1 or 2: of the files only every third, counted from here (conftest.py)."""


def main() -> int:
    url = os.environ.get("ZHUANDI_TEST_DATABASE_URL", USUAL)
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError:
        print("no external PostgreSQL answers on this machine: its run of the database tests is left out")
        return 0
    if version < OLDEST:
        print(f"the external PostgreSQL is too old ({version}); 15 or newer is needed")
        return 0
    environment = {**os.environ, "ZHUANDI_TEST_DATABASE_URL": url}
    which = "all"
    if os.environ.get("FULL") != "1":
        environment[THIRD] = str(dt.datetime.now(tz=dt.UTC).toordinal() % 3)
        which = f"third {environment[THIRD]} of the"
    print(f"{which} database tests once more on an external PostgreSQL {version // 10_000}")
    command = [sys.executable, "-m", "pytest", "-m", "database", *sys.argv[1:]]
    return subprocess.call(command, env=environment)


if __name__ == "__main__":
    sys.exit(main())
