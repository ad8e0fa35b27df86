"""One contract for all adapters: adapter by case, each against its own sandbox post over real HTTP."""

from collections.abc import Iterator

import pytest

from tests.posts.absences import holds
from tests.posts.adapters import ADAPTERS
from tests.posts.bench import Bench
from tests.posts.bench_opening import opened
from tests.posts.contract import CASES


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(ADAPTERS[request.param], tmp_path_factory.mktemp(request.param)) as bench:
        yield bench


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bench", ADAPTERS, indirect=True, scope="module")
def test_the_contract(bench: Bench, case: str) -> None:
    """A case that does not apply says why, and the adapter must say so too."""
    adapter = ADAPTERS[bench.name]
    if case in adapter.absent:
        assert holds(bench, case), "the adapter offers what is said to be missing"
        pytest.skip(adapter.absent[case])
    CASES[case](bench, adapter)


def test_no_reason_is_given_for_a_case_that_does_not_exist() -> None:
    """A case that was renamed would silently stop being excused, or an excuse would outlive its case."""
    for adapter in ADAPTERS.values():
        assert set(adapter.absent) <= set(CASES)
        assert all(adapter.absent.values())
