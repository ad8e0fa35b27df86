"""docs/counter.md says who may do what as the table in the code does, and names only commands that exist."""

import re
from pathlib import Path

import typer

from dispatch.staff.role import RIGHTS, Right, Role
from zhuandi.main import app

PAGE = Path("docs/counter.md").read_text()


def test_the_table_of_rights_is_the_one_in_the_code():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and " | " in line]
    heads = next(line for line in lines if "窗口人员" in line)
    assert [cell.split()[-1] for cell in heads.strip("| ").split(" | ")] == list(Role)
    told = {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)}
    for right in Right:
        assert told[right] == ["✓" if right in RIGHTS[role] else "" for role in Role], right


def test_every_command_that_is_named_exists():
    known = set(typer.main.get_command(app).commands)
    named = {
        name for cell in re.findall(r"\| `zhuandi ([^|]+) \|", PAGE) for name in re.findall(r"`?([a-z-]+)`", cell)
    }
    assert named
    assert named <= known
