"""The whole matrix on the database as broker, within the run of all tests: `pytest -m crash` chooses it."""

from pathlib import Path

import pytest

from tests.crash.books import SOUND
from tests.crash.brokers import POSTGRESQL
from tests.crash.house import open_server
from tests.crash.points import listed
from tests.crash.run import run


@pytest.mark.crash
def test_wherever_a_process_dies_each_case_is_booked_once_closed_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with open_server(tmp_path / "server") as server:
        result = run(POSTGRESQL, list(listed()), server, tmp_path)
    assert {point: cell for point, cell in result.cells.items() if cell != SOUND} == {}
    assert result.strange == []
