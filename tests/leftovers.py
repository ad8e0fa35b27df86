"""What a test must take away again."""

import shutil
from pathlib import Path


def remove_postgres(home: Path) -> None:
    """As root the embedded server keeps its data outside `home`; a test leaves nothing behind."""
    place = Path((home / "postgres-at").read_text().strip()) if (home / "postgres-at").exists() else None
    if place is not None and place.is_relative_to("/var/lib/zhuandi"):
        shutil.rmtree(place)
