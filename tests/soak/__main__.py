"""`make soak MINUTES=10`: random kills under load; the last line is JSON with what was lost and doubled."""

import argparse
import json
import logging
import signal
import sys
import tempfile
from pathlib import Path

import structlog

from tests.leftovers import remove_postgres
from tests.soak.run import soak


def main() -> None:
    """Exit 1 where anything is lost or doubled, or where it did not come to rest: then that cannot be told."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it leaves no server behind
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=["postgresql", "redis", "rabbitmq"], default="postgresql")
    parser.add_argument("--keep", type=Path, help="a new folder for the history and the logs; else they are gone")
    told = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        place = told.keep or Path(folder) / "soak"
        try:
            counts = soak(place, told.minutes, told.seed, told.broker)
        finally:
            remove_postgres(place / "home")
    print(
        json.dumps({"minutes": told.minutes, "seed": told.seed, "broker": told.broker} | counts, ensure_ascii=False)
    )
    sys.exit(not counts["calm"] or bool(counts["lost"] or counts["doubled"]))


if __name__ == "__main__":
    main()
