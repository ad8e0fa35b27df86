"""Gathers what others made for the pages: `python -m dispatch.console.gather` (needs npm) writes `assets/vendor`.

Each package is fetched in its pinned version, checked against the registry's digest, and of it the named files and
the licence are kept. `vendor.lock.json` says what lies there; a test compares. Nothing here is needed to run.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent / "assets" / "vendor"
LOCK = VENDOR / "vendor.lock.json"


@dataclass(frozen=True)
class Package:
    """A package of the npm registry; `files`: the path in it, and the name here."""

    name: str
    version: str
    licence: str
    integrity: str
    files: Mapping[str, str]


PACKAGES = (
    Package(
        "htmx.org",
        "2.0.11",
        "0BSD",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE.txt"},
    ),
    Package(
        "bootstrap",
        "5.3.9",
        "MIT",
        "sha512-20cU0rcfw8WdxtVbmfU+xT2EjvVTw9Ror/h1Qvd7DXCujRg8OO9mdBCsmTHdJFf3BuadmBNJtgIuUXsBqSkk/w==",
        {"dist/css/bootstrap.min.css": "bootstrap.min.css", "LICENSE": "bootstrap.LICENSE.txt"},
    ),
    Package(
        "zxing-wasm",
        "3.1.4",
        "MIT",
        "sha512-1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w==",
        {
            "dist/iife/reader/index.js": "zxing-reader.js",
            "dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
            "LICENSE": "zxing-wasm.LICENSE.txt",
        },
    ),
)


def gather() -> None:
    """Fetch, check, keep, and write the lock. Raises RuntimeError where a package is not what it was."""
    kept = []
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            tarball = _fetch(package, Path(folder))
            for path, name in package.files.items():
                (VENDOR / name).write_bytes(_member(tarball, f"package/{path}"))
        kept.append(
            {
                "package": f"{package.name}@{package.version}",
                "licence": package.licence,
                "integrity": package.integrity,
                "files": {name: sha256(VENDOR / name) for name in sorted(package.files.values())},
            }
        )
    LOCK.write_text(json.dumps({"packages": kept}, indent=1) + "\n")


def sha256(file: Path) -> str:
    """The digest of a file, in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _fetch(package: Package, folder: Path) -> Path:
    named = f"{package.name}@{package.version}"
    told = subprocess.run(  # noqa: S603 - our own words
        ["npm", "pack", "--json", named],  # noqa: S607 - whichever npm the maintainer has
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (packed,) = json.loads(told.stdout)
    if packed["integrity"] != package.integrity:
        raise RuntimeError(f"{named}: expected {package.integrity}, found {packed['integrity']}")
    return folder / str(packed["filename"])


def _member(tarball: Path, path: str) -> bytes:
    with tarfile.open(tarball) as packed:
        found = packed.extractfile(path)
        if found is None:
            raise RuntimeError(f"{tarball.name}: {path} is no file")
        return found.read()


if __name__ == "__main__":
    gather()
    sys.exit(0)
