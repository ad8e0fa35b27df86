"""An installed wheel can do everything: it ships the migrations, the sandbox post, the type and the pages."""

import subprocess
import sys
import zipfile
from pathlib import Path

SHIPPED = (
    "zhuandi/alembic/env.py",
    "zhuandi/alembic/versions/0001_the_road.py",
    "sandbox/post/wire/server.py",
    "dispatch/typefaces/HanaMinB.ttf.xz",
    "dispatch/label/sheet.typ",
    "dispatch/packing/posting_list.typ",
    "dispatch/api/pages/track.html",
)


def test_the_wheel_ships_what_the_service_needs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert set(SHIPPED) <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "samples/", ".zhuandi/"))]
