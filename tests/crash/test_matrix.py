"""The whole matrix on the database as broker, within the run of all tests: `pytest -m crash` chooses it."""

import pytest

from tests.crash.books import SOUND
from tests.crash.brokers import Broker
from tests.crash.points import listed
from tests.crash.run import run


@pytest.mark.crash
def test_wherever_a_process_dies_each_case_is_booked_once_closed_once_and_nothing_is_lost() -> None:
    result = run(Broker("postgresql"), list(listed()))
    assert {point: cell for point, cell in result.cells.items() if cell != SOUND} == {}
    assert result.strange == []
