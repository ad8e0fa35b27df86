"""`make mutants`: with each piece taken out the tests must go red; a table, and the last line is JSON."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.external import NAMED_BY
from tests.leftovers import remove_postgres
from tests.mutants.checkout import Checkout, RottenError, Verdict, copied
from tests.mutants.table import MUTANTS, Mutant
from zhuandi.postgres import EmbeddedPostgres

WORDS = 60


def main() -> None:
    """Exit 1 where a mutant survives, or where the tests do not tell."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it leaves no server behind
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants with this in their name")
    only = parser.parse_args().only
    chosen = [mutant for mutant in MUTANTS if only in mutant.name]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, _server(Path(folder)) as url:
        checkout = copied(Path(folder), url)
        _be_green(checkout, chosen)
        verdicts = _show(checkout, chosen)
    counts = Counter(verdicts)
    survivors = [mutant.name for mutant, verdict in zip(chosen, verdicts, strict=True) if verdict is not Verdict.RED]
    told = {"mutants": len(chosen), **{str(verdict): counts[verdict] for verdict in Verdict}, "not_red": survivors}
    print(json.dumps(told))
    sys.exit(bool(survivors) or not chosen)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """One for all runs: that which is given, or an embedded one."""
    if external := os.environ.get(NAMED_BY):
        yield external
        return
    home = folder / "postgres"
    home.mkdir()
    embedded = EmbeddedPostgres(home)
    try:
        yield embedded.start()
    finally:
        embedded.stop()
        remove_postgres(home)


def _be_green(checkout: Checkout, chosen: Sequence[Mutant]) -> None:
    """With nothing taken out all of them pass, or a red one would prove nothing."""
    whole = checkout.run(sorted({test for mutant in chosen for test in mutant.tests}))
    if whole.verdict is not Verdict.SURVIVED:
        raise RottenError(f"not green with nothing taken out: {whole}")


def _show(checkout: Checkout, chosen: Sequence[Mutant]) -> list[Verdict]:
    table = Table("taken out", "where", "tests", "s", "found by")
    verdicts = []
    for mutant in chosen:
        began = time.monotonic()
        with checkout.without(mutant):
            seen = checkout.run(mutant.tests)
        verdicts.append(seen.verdict)
        said = next(iter(seen.failures + seen.errors), "").partition("\n")[0][:WORDS]
        files = "\n".join(edit.file for edit in mutant.edits)
        table.add_row(mutant.name, files, str(seen.verdict), f"{time.monotonic() - began:.0f}", said)
        print(f"{seen.verdict}: {mutant.name}", file=sys.stderr, flush=True)
    Console(width=160).print(table)
    return verdicts


if __name__ == "__main__":
    main()
