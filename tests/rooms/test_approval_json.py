"""The same rules at the door of the API."""

import json

import pytest
from approval_rows import (
    ROW,
    TODAY,
    all_drawn,
    json_problems,
    json_with,
    taken,
)

from dispatch.approval.check import check_json
from dispatch.approval.decided_case import DecidedCase


def test_json_types_are_strict_and_unknown_fields_are_problems() -> None:
    obj = json_with("paper_ready", "yes") | {"surprise": 1, "documents": [{"name": "证", "copies": "2"}]}
    assert {problem.path for problem in json_problems(obj)} == {"paper_ready", "surprise", "documents.0.copies"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("decided_at", "2026-11-02T09:30:00"),
        ("decided_at", 46328),
        ("decided_at", "2026-W45-1"),
        ("decided_at", "2027-01-01T00:00:00+08:00"),
        ("applicant_kind", "自然人"),
        ("case_no", 1),
        ("case_no", None),
        ("slip.way", "pigeon"),
        ("slip.phone", "12"),
        ("slip.postcode", "32350"),
        ("slip.address", "人民路"),
        ("visits", [{"kind": "walk"}]),
        ("documents", [{"name": "证", "copies": 100}]),
    ],
)
def test_json_with_a_wrong_value_names_its_path(path: str, value: object) -> None:
    (problem,) = json_problems(json_with(path, value))
    assert problem.path.startswith(path)
    assert problem.wrong
    assert problem.right


def test_json_moments_carry_their_offset() -> None:
    case = check_json(json_with("decided_at", "2026-11-02T01:30:00Z"), undrawable=all_drawn, today=TODAY)
    assert isinstance(case, DecidedCase)
    assert case.content()["decided_at"] == "2026-11-02T09:30:00+08:00"


@pytest.mark.parametrize(
    "obj", [None, [], "case", 1, {}, {"slip": []}, {"case_no": "\ud800"}, {"a": float("nan")}, {1, 2}]
)
def test_anything_else_is_problems_and_never_an_exception(obj: object) -> None:
    assert json_problems(obj)


def test_a_broken_text_does_not_echo_the_whole_request() -> None:
    assert all(problem.value is None for problem in json_problems(json_with("applicant_name", "\ud800")))


def test_a_dumped_case_is_read_again_as_the_same_case() -> None:
    case = taken(ROW)
    assert check_json(json.loads(case.model_dump_json()), undrawable=all_drawn, today=TODAY) == case
