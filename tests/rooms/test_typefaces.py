"""The type that ships: whole, covering what the standard asks for, safe to unpack side by side."""

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import pytest
from fontTools.ttLib import TTFont

from dispatch.typefaces import Typefaces, TypefacesError, advance, cabinet, gather, undrawable

# GB 18030-2022 level 3 as counted by Unicode ranges: URO to 9FEF, Extensions A to F.
LEVEL_3 = (
    (0x4E00, 0x9FEF),
    (0x3400, 0x4DB5),
    (0x20000, 0x2A6D6),
    (0x2A700, 0x2B734),
    (0x2B740, 0x2B81D),
    (0x2B820, 0x2CEA1),
    (0x2CEB0, 0x2EBE0),
)
PROBE = "𬭎㛃䶮堃𬎆𬍛𬴊㬚㮾犇喆昇祎翀玥赟龑𫖯𫍯𪣻䜣㑇𬀩𬒗𬤝"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Typefaces(tmp_path_factory.mktemp("type")).folder()


def test_level_3_is_whole() -> None:
    wanted = [chr(code) for first, last in LEVEL_3 for code in range(first, last + 1)]
    assert len(wanted) == 87_875
    missing = undrawable("".join(wanted))
    assert missing == []


def test_rare_names_can_be_drawn() -> None:
    assert undrawable(PROBE) == []


def test_coverage_and_advances_are_those_of_the_typefaces(folder: Path) -> None:
    fonts = {entry["raw_file"]: TTFont(folder / entry["raw_file"], lazy=True) for entry in cabinet.locked()}
    codes = gather.drawable(fonts)
    stored = json.loads(cabinet.COVERAGE.read_text("utf-8"))
    assert [tuple(pair) for pair in stored["ranges"]] == gather.ranges(codes)
    assert stored["advances"] == gather.advances(fonts, codes)
    for font in fonts.values():
        font.close()
    assert advance("中") == 1.0
    assert 0.5 < advance("0") < 0.7


@pytest.mark.parametrize(
    "char",
    ["\ue000", "\uf8ff", "\U000f0000", "😀", "\u200b", "\u202e", "\ufeff", "\ud800", "\x00", "\U00030000"],
)
def test_private_invisible_and_unknown_characters_are_reported(char: str) -> None:
    assert undrawable(f"王{char}小{char}") == [char]


def test_composed_before_it_is_asked() -> None:
    assert undrawable("Zoe\u0308 \t\n\u3000") == []
    assert undrawable("\uf9d0") == [], "a compatibility ideograph is its unified one after NFC"
    assert Typefaces(Path("/nowhere")).undrawable("王😀") == ["😀"], "asking unpacks nothing"


def test_lock_is_true() -> None:
    for entry in cabinet.locked():
        packed = cabinet.HERE / entry["file"]
        assert packed.stat().st_size == entry["bytes"]
        assert cabinet.hashlib.sha256(packed.read_bytes()).hexdigest() == entry["sha256"]
        assert "SIL" in (cabinet.HERE / entry["licence_file"]).read_text("utf-8")
        assert entry["licence"] == "OFL-1.1"


def test_damage_is_repaired_and_the_whole_is_left_alone(tmp_path: Path, folder: Path) -> None:
    copy = tmp_path / "cache" / folder.name
    shutil.copytree(folder, copy)
    good, bad, gone = (copy / entry["raw_file"] for entry in cabinet.locked())
    stamp = good.stat().st_mtime_ns
    with bad.open("r+b") as file:
        file.seek(5000)
        file.write(b"\0" * 100)
    gone.unlink()
    assert Typefaces(tmp_path / "cache").folder() == copy
    assert good.stat().st_mtime_ns == stamp
    for entry in cabinet.locked():
        assert cabinet.hashlib.sha256((copy / entry["raw_file"]).read_bytes()).hexdigest() == entry["raw_sha256"]
    assert sorted(path.name for path in copy.iterdir()) == sorted(entry["raw_file"] for entry in cabinet.locked())


def test_a_damaged_store_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for entry in cabinet.locked():
        (store / entry["file"]).write_bytes((cabinet.HERE / entry["file"]).read_bytes()[:4096])
    with patch.object(cabinet, "HERE", store), pytest.raises(TypefacesError):
        Typefaces(tmp_path / "cache").folder()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def _unpack_in_a_process(cache: str) -> str:
    return str(Typefaces(Path(cache)).folder())


def test_several_processes_may_unpack_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        folders = set(pool.map(_unpack_in_a_process, [str(tmp_path)] * 3))
    assert len(folders) == 1
    names = sorted(path.name for path in Path(folders.pop()).iterdir())
    assert names == sorted(entry["raw_file"] for entry in cabinet.locked())
