"""docs/faults.md names every scenario, and only tests and points that exist."""

import re
from pathlib import Path

from tests.crash.points import listed

PAGE = Path("docs/faults.md")
REPRODUCED = [f"F{number}" for number in range(1, 7)]
NOT_BUILT = {"49"}
"""Nobody subscribes to us."""
SCENARIOS = [str(number) for number in range(1, 61) if number not in {20, 21}]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
POINTS = re.compile(r"`tests/crash` \(([^)]*)\)")


def rows() -> dict[str, str]:
    """By its number, what holds a scenario."""
    cells = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    return {number.strip(): held for number, _, held in cells if re.fullmatch(r"F?\d+", number.strip())}


def test_every_scenario_has_its_row_and_each_row_a_test_or_says_that_it_is_not_built() -> None:
    assert list(rows()) == [*REPRODUCED, *SCENARIOS]
    for number, held in rows().items():
        assert TEST.search(held) or POINTS.search(held) or "as F" in held or number in NOT_BUILT, number
        assert ("not built" in held) == (number in NOT_BUILT), number


def test_every_test_that_is_named_exists() -> None:
    named = [pair for held in rows().values() for pair in TEST.findall(held)]
    assert named
    texts = {file: Path(file).read_text(encoding="utf-8") for file, _ in named}
    assert [(file, name) for file, name in named if f"def {name}(" not in texts[file]] == []


def test_every_point_that_is_named_exists() -> None:
    told = [points for held in rows().values() for points in POINTS.findall(held)]
    named = {point for points in told for point in re.findall("`(.*?)`", points)}
    assert named
    assert named - set(listed()) == set()
