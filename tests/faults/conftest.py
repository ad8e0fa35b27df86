"""The brokers and the county of `tests/engines`, and what a fault is done to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.approval.decided_case import DecidedCase
from tests.engines.conftest import _leave_no_socket, county, rabbit_server, redis_server, table_of_bells
from tests.engines.county import plain_cases
from tests.leftovers import remove_postgres
from zhuandi.postgres import EmbeddedPostgres

__all__ = ["_leave_no_socket", "county", "rabbit_server", "redis_server", "table_of_bells"]


@pytest.fixture
def cases(decided: Callable[..., DecidedCase]) -> Callable[..., list[DecidedCase]]:
    """So many plain cases, counted from the first."""

    def make(count: int, first: int = 0) -> list[DecidedCase]:
        return plain_cases(decided, count, first)

    return make


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own."""
    postgres = EmbeddedPostgres(tmp_path)
    yield postgres
    postgres.stop()
    remove_postgres(tmp_path)
