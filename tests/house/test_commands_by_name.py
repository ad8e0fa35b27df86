"""The commands of `zhuandi`, each loaded when it is called."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import typer
from typer.main import get_group

import zhuandi
from zhuandi.main import GROUPS, MODULE_OF, app

FOLDER = Path(zhuandi.__file__).parent


def modules():
    names = [path.stem for path in FOLDER.glob("*.py") if "\napp = typer.Typer(" in path.read_text()]
    return {name: import_module(f"zhuandi.{name}") for name in names if name != "main"}


def test_every_command_of_every_module_is_found_by_its_name():
    """A command that nobody names is one that nobody can call."""
    known = {
        (module if module in GROUPS else command, module)
        for module, found in modules().items()
        for command in get_group(found.app).commands
    }
    assert known == set(MODULE_OF.items())
    commands = typer.main.get_command(app).commands
    assert {name: command.name for name, command in commands.items()} == {name: name for name in MODULE_OF}


def test_a_worker_carries_neither_the_doors_nor_the_practice_posts_nor_the_migrations():
    """Each process would carry forty megabytes of what others do."""
    code = "import sys; from zhuandi.main import Commands; Commands()[sys.argv[1]]; print(*sys.modules)"
    foreign = {"worker": {"fastapi", "uvicorn", "sandbox", "alembic"}, "api": {"sandbox", "alembic"}}
    for command, others in foreign.items():
        told = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=True)
        loaded = set(told.stdout.split())
        assert "dispatch.world" in loaded
        assert not loaded & others, command
