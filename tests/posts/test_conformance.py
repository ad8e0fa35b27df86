"""One contract for all adapters: case by adapter, each against its own sandbox post over real HTTP."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from sandbox.post.wire import line
from tests.posts.adapters import BENCHES
from tests.posts.bench import HASTY_SECONDS, Bench
from tests.posts.bench_opening import opened
from tests.posts.contract import CASES, PARTS

CELLS = [
    pytest.param(case, name, id=f"{part}/{case}-{name}")
    for part, cases in PARTS.items()
    for name in BENCHES
    for case in cases
]
"""Part by part, so that the parcels of all have time to travel while the first parts are tried."""


@pytest.fixture(scope="module")
def benches(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Bench]]:
    """All that are asked for, opened together: their parcels travel while the cases about orders are tried."""
    asked = {item.callspec.params["name"] for item in request.session.items if "benches" in item.fixturenames}
    opening = {name: opened(BENCHES[name], tmp_path_factory.mktemp(name)) for name in BENCHES if name in asked}
    with pytest.MonkeyPatch.context() as changed, ExitStack() as stack, ThreadPoolExecutor() as together:
        changed.setattr(line, "DRIP_SECONDS", HASTY_SECONDS / 2)  # so that no single wait is ever too long
        yield dict(zip(opening, together.map(stack.enter_context, opening.values()), strict=True))


@pytest.mark.parametrize(("case", "name"), CELLS)
def test_the_contract(benches: Mapping[str, Bench], case: str, name: str) -> None:
    """A case that does not apply says why, and adapter and sandbox must show that it is so."""
    bench, adapter = benches[name], BENCHES[name]
    if absence := adapter.absent.get(case):
        absence.shown(bench, adapter)
        pytest.skip(absence.reason)
    CASES[case](bench, adapter)


def test_no_reason_is_given_for_a_case_that_does_not_exist() -> None:
    """A case that was renamed would silently stop being excused, or an excuse would outlive its case."""
    for adapter in BENCHES.values():
        assert set(adapter.absent) <= set(CASES)
        assert all(absence.reason for absence in adapter.absent.values())
