"""Gathers the typefaces: `python -m dispatch.typefaces.gather FOLDER` after a new version was downloaded.

FOLDER holds the raw TTF files under the names of `SOURCES`. Writes the compressed files, the lock and the
coverage beside this module; a test compares the coverage with the files' own tables.
"""

import hashlib
import json
import lzma
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont

from dispatch.typefaces.cabinet import COVERAGE, HERE, LOCK, Locked


@dataclass(frozen=True)
class Source:
    """Where a raw file came from, and under which licence."""

    raw_file: str
    family: str
    weight: int
    package: str
    licence_file: str


NOTO = "@expo-google-fonts/noto-sans-sc 0.4.3 (npm)"
SOURCES = (
    Source("NotoSansSC-Regular.ttf", "Noto Sans SC", 400, NOTO, "NotoSansSC.LICENSE.txt"),
    Source("NotoSansSC-Bold.ttf", "Noto Sans SC", 700, NOTO, "NotoSansSC.LICENSE.txt"),
    Source("HanaMinB.ttf", "HanaMinB", 500, "fonts-hanazono 20170904-2.1 (Debian)", "HanaMinB.LICENSE.txt"),
)


def drawable(fonts: dict[str, TTFont]) -> set[int]:
    """Return the code points that print whatever the weight: HanaMinB's, and those in *both* Noto weights.

    Private-use and format characters are left out, and so are glyphs without ink that are not spaces.
    """
    inked = {name: _inked(font) for name, font in fonts.items()}
    noto = inked["NotoSansSC-Regular.ttf"] & inked["NotoSansSC-Bold.ttf"]
    both = noto | inked["HanaMinB.ttf"]
    return {code for code in both if unicodedata.category(chr(code)) not in {"Cc", "Cf", "Co", "Cs"}}


def ranges(codes: set[int]) -> list[tuple[int, int]]:
    """Return `codes` as rising, inclusive, never touching ranges."""
    found: list[tuple[int, int]] = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def advances(fonts: dict[str, TTFont], codes: set[int]) -> dict[str, float]:
    """Return how far each character moves the pen at most, in em, where that is not exactly one em."""
    widest: dict[int, float] = {}
    for font in fonts.values():
        em, table = font["head"].unitsPerEm, font["hmtx"]
        for code, name in font.getBestCmap().items():
            widest[code] = max(widest.get(code, 0.0), table[name][0] / em)
    return {f"{code:X}": round(widest[code], 3) for code in sorted(codes) if widest[code] != 1.0}


def _inked(font: TTFont) -> set[int]:
    offsets, number = font["loca"], font.getReverseGlyphMap()
    return {
        code
        for code, name in font.getBestCmap().items()
        if chr(code).isspace() or offsets[number[name]] != offsets[number[name] + 1]
    }


def _pack(source: Source, raw: bytes, version: str) -> Locked:
    # A dictionary as large as the file: nothing repeats within less in a typeface.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26}]
    packed = lzma.compress(raw, format=lzma.FORMAT_XZ, filters=filters)
    file = f"{source.raw_file}.xz"
    (HERE / file).write_bytes(packed)
    return Locked(
        file=file,
        family=source.family,
        weight=source.weight,
        version=version,
        package=source.package,
        licence="OFL-1.1",
        licence_file=source.licence_file,
        bytes=len(packed),
        sha256=hashlib.sha256(packed).hexdigest(),
        raw_file=source.raw_file,
        raw_bytes=len(raw),
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )


def gather(folder: Path) -> None:
    """Compress the raw files of `folder` (see `SOURCES`), and write lock and coverage."""
    fonts = {source.raw_file: TTFont(folder / source.raw_file, lazy=True) for source in SOURCES}
    entries = [
        _pack(source, (folder / source.raw_file).read_bytes(), str(fonts[source.raw_file]["name"].getDebugName(5)))
        for source in SOURCES
    ]
    LOCK.write_text(json.dumps({"typefaces": entries}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    codes = drawable(fonts)
    lines = ",\n".join(f"[{first}, {last}]" for first, last in ranges(codes))
    pens = json.dumps(advances(fonts, codes), separators=(",", ":")).replace(',"2', ',\n"2')
    COVERAGE.write_text(f'{{"ranges": [\n{lines}\n],\n"advances": {pens}}}\n', "utf-8")


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
