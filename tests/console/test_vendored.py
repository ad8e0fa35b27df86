"""What others made is what it was, with its licence beside it; nothing names another host; old browsers read all."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from dispatch.console.assets import ASSETS
from dispatch.console.gather import LOCK, PACKAGES, VENDOR
from dispatch.console.page import PAGES

AXE = Path(__file__).parents[1] / "browser" / "axe"
OURS = [path for folder in (ASSETS, PAGES) for path in sorted(folder.glob("*")) if path.is_file()]
SCRIPTS = [path for path in OURS if path.suffix == ".js"]
HOST = re.compile(r"""(?:https?:)?//[a-z0-9][a-z0-9.-]*\.[a-z]{2,}""", re.IGNORECASE)
NAMESPACES = re.compile(r"""http://www\.w3\.org/[\w/]+""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IN_WORDS = {
    "htmx.min.js": set(),
    "bootstrap.min.css": set(),
    "zxing-reader.js": {"https://fastly.jsdelivr.net"},  # where it would fetch its wasm, were it not told ours
}
NEWER = {
    r"\?\?=|\|\|=|&&=": "logical assignment (Chrome 85)",
    r"(?<![\w.])\d[\d_]*_\d": "separators in numbers (Chrome 75, not ES2020)",
    r"\.replaceAll\(": "replaceAll (85)",
    r"\.at\(": "at (92)",
    r"\.(?:findLast|findLastIndex|toSorted|toReversed|toSpliced|with)\(": "findLast, toSorted (97, 110)",
    r"structuredClone\(|Object\.hasOwn\(|Promise\.any\(": "structuredClone, hasOwn, any (85 – 98)",
    r"(?:^|[;{}])\s*#\w+|this\.#": "private members (84)",
    r"^\s*static\s*\{": "static blocks (94)",
    r"\bawait\b(?=[^\n]*\n\}\)\(\);)": "await at the top (89)",
    r"\.(?:isSubsetOf|groupBy)\(|crypto\.randomUUID\(": "groupBy, randomUUID (92 – 117)",
}
"""What Chrome 80 does not read; `?.` and `??` it does."""


def _lock() -> list[dict[str, object]]:
    return json.loads(LOCK.read_text())["packages"]


@pytest.mark.parametrize("package", _lock(), ids=lambda package: package["package"])
def test_every_file_of_others_is_what_was_fetched(package):
    for name, digest in package["files"].items():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    assert [name for name in package["files"] if name.endswith("LICENSE.txt")], "its licence lies beside it"


def test_nothing_lies_there_that_the_lock_does_not_name():
    named = {name for package in _lock() for name in package["files"]}
    assert {path.name for path in VENDOR.iterdir()} == named | {LOCK.name}


def test_the_lock_is_of_the_versions_that_are_gathered():
    assert {(one["package"], one["integrity"]) for one in _lock()} == {
        (f"{one.name}@{one.version}", one.integrity) for one in PACKAGES
    }


def test_the_checker_of_pages_is_what_was_fetched():
    lock = json.loads((AXE / "axe.lock.json").read_text())
    for name, digest in lock["files"].items():
        assert sha256((AXE / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_no_page_script_or_style_of_ours_names_another_host(file):
    assert HOST.findall(NAMESPACES.sub("", file.read_text(errors="replace"))) == []


@pytest.mark.parametrize("name", IN_WORDS)
def test_no_file_of_others_asks_another_host(name):
    """A namespace of SVG is no request, nor is a comment."""
    text = COMMENT.sub("", NAMESPACES.sub("", (VENDOR / name).read_text()))
    assert {found for found in HOST.findall(text) if found.startswith("http")} <= IN_WORDS[name]


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_every_script_of_ours_is_read_by_chrome_80(file):
    text = _without_comments(file.read_text())
    assert [told for found, told in NEWER.items() if re.search(found, text, re.MULTILINE)] == []


def _without_comments(text: str) -> str:
    return re.sub(r"(?m)^\s*//.*$", "", COMMENT.sub("", text))


@pytest.mark.parametrize("file", [path for path in OURS if path.suffix == ".css"], ids=lambda file: file.name)
def test_every_style_of_ours_is_read_by_chrome_80(file):
    """`gap` in a flex row, :is, :has, nesting, new colours: those rules would be dropped without a word."""
    text = COMMENT.sub("", file.read_text())
    newer = (
        r"(?<!grid-)(?<!-)\bgap:|:has\(|:is\(|:where\(|color-mix|oklch|inset:|aspect-ratio|@layer|@container|\bdvh\b"
    )
    assert re.findall(newer, text) == []


@pytest.mark.parametrize("file", [path for path in OURS if path.suffix == ".html"], ids=lambda file: file.name)
def test_no_page_has_script_or_style_in_itself(file):
    """The policy would refuse it, and say so only to the browser's console; nor has it buttons too pale to read."""
    text = file.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text) == []
    assert re.findall(r"btn-outline-(?:warning|info|light)", text) == []
