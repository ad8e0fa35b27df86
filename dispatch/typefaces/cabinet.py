"""Typefaces: unpacked once for each cache folder, and asked which characters they can draw.

A government product must meet implementation level 3 of GB 18030-2022 (87,875 ideographs as counted by
Unicode ranges). Noto Sans SC has levels 1 and 2, HanaMinB all of Extension B to F, so the two together do.
"""

import hashlib
import json
import lzma
import os
import shutil
import tempfile
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import TypedDict, cast

HERE = Path(__file__).parent
LOCK = HERE / "typefaces.lock.json"
COVERAGE = HERE / "coverage.json"


class TypefacesError(RuntimeError):
    """A stored typeface is missing or damaged: its bytes do not have the locked sha256."""


class Locked(TypedDict):
    """One entry of the lock: a compressed file, what it unpacks to, and whose it is."""

    file: str
    family: str
    weight: int
    version: str
    package: str
    licence: str
    licence_file: str
    bytes: int
    sha256: str
    raw_file: str
    raw_bytes: int
    raw_sha256: str


class Typefaces:
    """The project's typefaces, unpacked below a cache folder that the caller owns.

    Several processes may share the cache: each unpacks to its own temporary file and renames it over the
    name, so nobody ever reads half a typeface, and the worst that a race costs is doing the work twice.
    """

    def __init__(self, cache: Path) -> None:
        """Take `cache`, a folder that may not exist yet. Nothing is unpacked before `folder()`."""
        self._cache = cache
        self._ready: Path | None = None

    def folder(self) -> Path:
        """Return the folder of the unpacked TTF files (about 52 MB), unpacking what is missing or damaged.

        The first call of an instance reads and checks every file; later calls cost nothing.
        Raises TypefacesError where the stored file is damaged, OSError where the cache cannot be written.
        """
        if self._ready is None:
            folder = self._cache / _edition()
            folder.mkdir(parents=True, exist_ok=True)
            for entry in locked():
                if not _is_whole(folder / entry["raw_file"], entry):
                    _unpack(entry, folder)
            self._ready = folder
        return self._ready

    def undrawable(self, text: str) -> list[str]:
        """See `undrawable` below; it needs no unpacked type."""
        return undrawable(text)


def undrawable(text: str) -> list[str]:
    """Return the characters of `text`, after NFC, that the typefaces cannot draw, each once, in their order.

    Private-use and invisible format characters are always among them: what they look like is nobody's
    agreement (old GBK files keep rare names there), so a person has to look. White space never is.
    """
    normal = unicodedata.normalize("NFC", text)
    return [char for char in dict.fromkeys(normal) if not (char.isspace() or _covers(ord(char)))]


def advance(char: str) -> float:
    """Return how far `char`, one drawable code point, moves the pen at most, in em, whatever the weight."""
    return _advances().get(char, 1.0)


@lru_cache(maxsize=1)
def locked() -> tuple[Locked, ...]:
    """Return the lock's entries: one for each compressed typeface file."""
    return tuple(cast("list[Locked]", json.loads(LOCK.read_text("utf-8"))["typefaces"]))


@lru_cache(maxsize=1)
def _edition() -> str:
    # A folder of its own for each lock: an upgrade never mixes two versions of one typeface.
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _advances() -> dict[str, float]:
    known = cast("dict[str, float]", json.loads(COVERAGE.read_text("utf-8"))["advances"])
    return {chr(int(code, 16)): ems for code, ems in known.items()} | {"\u200b": 0.0}


@lru_cache(maxsize=1)
def _bounds() -> list[int]:
    # Starts and ends-plus-one in one rising list: an odd insertion point lies inside a range.
    ranges = cast("list[tuple[int, int]]", json.loads(COVERAGE.read_text("utf-8"))["ranges"])
    return [bound for first, last in ranges for bound in (first, last + 1)]


def _covers(code: int) -> bool:
    return bisect_right(_bounds(), code) % 2 == 1


def _is_whole(path: Path, entry: Locked) -> bool:
    try:
        if path.stat().st_size != entry["raw_bytes"]:
            return False
        with path.open("rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest() == entry["raw_sha256"]
    except FileNotFoundError:
        return False


def _unpack(entry: Locked, folder: Path) -> None:
    # The suffix keeps a half-written file out of the sight of whoever scans the folder for typefaces.
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    half = Path(name)
    try:
        _decompress(entry, half)
        half.chmod(0o644)  # mkstemp lets only its maker read; the cache may have several users
        half.replace(folder / entry["raw_file"])
    finally:
        half.unlink(missing_ok=True)


def _decompress(entry: Locked, half: Path) -> None:
    try:
        with lzma.open(HERE / entry["file"]) as packed, half.open("wb") as raw:
            shutil.copyfileobj(packed, raw, 1 << 20)
    except (lzma.LZMAError, EOFError, FileNotFoundError) as error:
        raise TypefacesError(f"{entry['file']}: {error}") from error
    if not _is_whole(half, entry):
        raise TypefacesError(f"{entry['file']}: does not unpack to the locked sha256")
