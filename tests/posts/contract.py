"""The contract of the port: every case that every adapter passes against its sandbox post over real HTTP."""

from collections.abc import Callable, Mapping

from tests.posts import contract_doubt, contract_orders, contract_pushes, contract_text, contract_trace
from tests.posts.adapter import Adapter
from tests.posts.bench import Bench

Case = Callable[[Bench, Adapter], None]
ARGUMENTS = ["bench", "adapter", "return"]


def _cases_of(module: object) -> dict[str, Case]:
    """Public functions that the module itself defines, in their order."""
    return {
        name: case
        for name, case in vars(module).items()
        if not name.startswith("_") and list(getattr(case, "__annotations__", ())) == ARGUMENTS
    }


PARTS: Mapping[str, Mapping[str, Case]] = {
    "orders": _cases_of(contract_orders),
    "doubt": _cases_of(contract_doubt),
    "trace": _cases_of(contract_trace),
    "pushes": _cases_of(contract_pushes),
    "text": _cases_of(contract_text),
}
CASES: Mapping[str, Case] = {name: case for cases in PARTS.values() for name, case in cases.items()}
