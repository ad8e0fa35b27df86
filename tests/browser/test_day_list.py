"""The list that the day's work begins with has the faults that it should have, and no other."""

from dispatch.approval.import_list import import_list
from tests.browser.day_list import CASES, FAULTS, HEADED, issued_list


def test_twelve_rows_are_told_by_row_and_field_and_the_others_are_taken(world):
    imported = import_list(world, issued_list(), "出证清单.xlsx", "test")
    headings = {column.field: column.heading for column in HEADED}
    told = {problem.row: problem.field for problem in imported.problems}
    assert told == {place + 1: headings[field] for place, (field, _) in FAULTS.items()}
    assert imported.accepted == CASES - len(FAULTS) == 188
