"""The table of mutants fits the code: what each takes out stands there once, and its tests exist."""

import pytest

from tests.mutants.checkout import ROOT, Seen, Verdict, spoilt
from tests.mutants.table import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_takes_out_stands_once_in_its_file_and_its_tests_exist(mutant: Mutant) -> None:
    for edit in mutant.edits:
        words = (ROOT / edit.file).read_text()
        assert words.count(edit.text) == 1
        compile(spoilt(words, edit), edit.file, "exec")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()


def test_no_two_mutants_are_the_same() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len({mutant.edits for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Seen(2, (), ()), Verdict.SURVIVED),
        (Seen(2, ("assert 1 == 2",), ()), Verdict.RED),
        (Seen(1, ("Failed: DID NOT RAISE <class 'ValueError'>",), ()), Verdict.RED),
        (Seen(1, ("ImportError: no such name",), ()), Verdict.BROKEN),
        (Seen(1, ("AssertionError: twice",), ("fixture",)), Verdict.BROKEN),
        (Seen(0, (), ()), Verdict.BROKEN),
    ],
)
def test_only_a_test_that_ran_and_found_it_by_an_assertion_counts_as_red(seen: Seen, verdict: Verdict) -> None:
    assert seen.verdict is verdict
