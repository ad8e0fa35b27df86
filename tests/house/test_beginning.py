"""The processes of `zhuandi up` load their modules while the database is made, and touch nothing before it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.furnished import environment_of
from zhuandi.context import CHILD
from zhuandi.house import PRACTICE, SERVICE


@pytest.mark.parametrize("name", sorted({*SERVICE, *PRACTICE}))
def test_one_whose_house_is_gone_before_it_may_begin_leaves_and_has_made_nothing(name: str, tmp_path: Path) -> None:
    told = environment_of({"ZHUANDI_HOME": str(tmp_path / "home"), CHILD: "1"})
    waiting = subprocess.Popen(
        [sys.executable, "-m", "zhuandi", name],
        env=told,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    _, said = waiting.communicate(timeout=120)
    assert (waiting.returncode, said.decode().strip()) == (1, "the house is gone")
    assert not (tmp_path / "home").exists()
