"""README holds what the code draws, in both languages, and names only commands that exist."""

import re
from pathlib import Path

import pytest
import typer

from zhuandi.main import app
from zhuandi.road import draw

READMES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("name", READMES)
def test_the_picture_of_the_road_is_the_one_that_the_code_draws(name: str) -> None:
    [picture] = re.findall(r"```mermaid\n(.*?)\n```", Path(name).read_text(), re.DOTALL)
    assert picture == draw()


@pytest.mark.parametrize("name", READMES)
def test_every_command_that_is_named_exists(name: str) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^zhuandi ([a-z-]+)|\s{2,}zhuandi ([a-z-]+)", Path(name).read_text(), re.MULTILINE))
    assert {first or second for first, second in named} <= known


@pytest.mark.parametrize("name", READMES)
def test_every_page_that_is_linked_exists(name: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", Path(name).read_text()):
        assert Path(link).exists(), link
