"""`make soak MINUTES=10`: random kills under load; the last line is JSON with what was lost and doubled."""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

from tests.leftovers import remove_postgres
from tests.soak.run import soak


def main() -> None:
    """Exit 1 where anything is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=["postgresql", "redis", "rabbitmq"], default="postgresql")
    told = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        try:
            counts = soak(Path(folder), told.minutes, told.seed, told.broker)
        finally:
            remove_postgres(Path(folder) / "home")
    print(
        json.dumps({"minutes": told.minutes, "seed": told.seed, "broker": told.broker} | counts, ensure_ascii=False)
    )
    sys.exit(bool(counts["lost"] or counts["doubled"]))


if __name__ == "__main__":
    main()
