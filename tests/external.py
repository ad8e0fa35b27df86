"""Run the tests that need a database on an external PostgreSQL, where one answers on this machine.

`ZHUANDI_TEST_DATABASE_URL` names it; otherwise the usual place on loopback is tried.
"""

import getpass
import os
import subprocess
import sys

import psycopg

USUAL = f"postgresql://{getpass.getuser()}@127.0.0.1:5432/postgres"
OLDEST = 150_000


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
    print(f"database tests once more on an external PostgreSQL {version // 10_000}")
    environment = {**os.environ, "ZHUANDI_TEST_DATABASE_URL": url}
    command = [sys.executable, "-m", "pytest", "-m", "database", *sys.argv[1:]]
    return subprocess.call(command, env=environment)


if __name__ == "__main__":
    sys.exit(main())
